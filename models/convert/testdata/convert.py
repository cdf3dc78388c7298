"""What mlx_lm.convert makes of tiny models: the digests of its tensors, its config.json and the digest of its index.

usage: convert.py        writes convert.json beside it

Needs mlx, mlx-cpu and mlx-lm 0.32.2, and tokenizers. A case is

    model     a file and a case of models/testdata/parity, with `config` laid over its configuration; or the case whose result is converted again
    dtype     of the stored weights, "float32" where it is not given
    undo      a key that mlx-lm writes and the one that config.json had: what loading a model renames in passing
    options   of mlx_lm.convert; "shard" is the most bytes of a file

Weights are not stored: both sides make them from the tensors' names (models/testdata/parity.py).
"""
import copy
import hashlib
import importlib
import json
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PARITY = HERE.parents[1] / "testdata"
sys.path[:0] = [str(PARITY), str(PARITY / "parity")]

import mlx.core as mx
import numpy as np
import parity
import tokenizers
from mlx.utils import tree_flatten
from mlx_lm import utils
from mlx_lm.convert import convert
from mlx_lm.utils import _get_classes

from experts import separate



class Bytes(int):
    """A shard size that make_shards does not take for GiB."""

    def __lshift__(self, _):
        return int(self)


def q(bits=None, group=None, mode="affine", recipe=None, **more):
    return dict(quantize=True, q_bits=bits, q_group_size=group, q_mode=mode, quant_predicate=recipe, **more)


LLAMA = dict(model_type="llama", hidden_size=128, num_hidden_layers=2, intermediate_size=256, num_attention_heads=4, num_key_value_heads=2,
             vocab_size=64, rms_norm_eps=1e-5, rope_theta=500000.0, max_position_embeddings=512, tie_word_embeddings=False, _name_or_path="é/llama",
             initializer_range=1e-16, eos_token_id=[1, 2], rope_scaling=None, architectures=["LlamaForCausalLM"])
DEEP = dict(LLAMA, hidden_size=64, intermediate_size=64, num_hidden_layers=9, vocab_size=32)
WIDE = dict(hidden_size=64, moe_intermediate_size=64)
CASES = {
    "plain": dict(config=LLAMA),
    "bf16 in shards": dict(config=LLAMA, dtype="bfloat16", options=dict(shard=70000)),
    "to float16": dict(config=LLAMA, dtype="bfloat16", options=dict(dtype="float16")),
    "4 bits": dict(config=LLAMA, dtype="bfloat16", options=q()),
    "4 bits in shards": dict(config=LLAMA, options=q(4, 64, shard=20000)),
    "2 bits": dict(config=LLAMA, dtype="float16", options=q(2, 128)),
    "3 bits": dict(config=LLAMA, options=q(3, 32)),
    "5 bits": dict(config=LLAMA, options=q(5, 64)),
    "6 bits": dict(config=LLAMA, options=q(6, 64)),
    "8 bits to bfloat16": dict(config=LLAMA, options=q(8, 64, dtype="bfloat16")),
    "mxfp4": dict(config=LLAMA, dtype="bfloat16", options=q(mode="mxfp4")),
    "mxfp8": dict(config=LLAMA, dtype="bfloat16", options=q(mode="mxfp8")),
    "nvfp4": dict(config=LLAMA, dtype="bfloat16", options=q(mode="nvfp4")),
    **{r: dict(config=DEEP, dtype="bfloat16", options=q(4, 64, recipe=r)) for r in ("mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6")},
    "dequantize": dict(model="4 bits", options=dict(dequantize=True)),
    "dequantize to float32": dict(model="4 bits", options=dict(dequantize=True, dtype="float32")),
    "qwen3": dict(model=("qwen3", None), config=dict(hidden_size=64), options=q(4, 32)),
    "gemma3_text": dict(model=("gemma3_text", None), dtype="bfloat16", options=q(4, 32)),
    "gemma3": dict(model=("gemma3", "older names"), dtype="bfloat16", options=q(4, 32)),
    "qwen3_moe": dict(model=("qwen3_moe", "separate, sorted"), separate={}, config=WIDE, dtype="bfloat16", options=q(4, 64)),
    "mixtral": dict(model=("mixtral", None), separate=dict(gate_proj="w1", down_proj="w2", up_proj="w3"), config=dict(hidden_size=64, intermediate_size=64), options=q(mode="mxfp4")),
    "gpt_oss": dict(model=("gpt_oss", None), config=dict(hidden_size=64, intermediate_size=64), dtype="bfloat16", options=q(4, 32)),
    "granite": dict(model=("granite", None), config=dict(hidden_size=64, intermediate_size=64), options=q(4, 64)),
    "deepseek_v3": dict(model=("deepseek_v3", None), dtype="bfloat16", options=q(4, 32)),
    "qwen3_next": dict(model=("qwen3_next", None), config=dict(hidden_size=64), dtype="bfloat16", options=q(4, 64)),
    "qwen3_next of Hugging Face to bfloat16": dict(model=("qwen3_next", "hf"), options=dict(dtype="bfloat16")),
    "granitemoe of Hugging Face": dict(model=("granitemoe", "untied"), dtype="bfloat16"),
    "granitemoe": dict(model=("granitemoe", None), config=dict(hidden_size=64, intermediate_size=64), options=q(4, 64)),
    "phimoe": dict(model=("phimoe", None), options=q(4, 32)),
    "glm4_moe to bfloat16": dict(model=("glm4_moe", None), options=q(4, 32, dtype="bfloat16")),
    "gemma4": dict(model=("gemma4", "names of MLX"), dtype="bfloat16", options=q(4, 32)),
    "mistral3": dict(model=("mistral3", None), dtype="bfloat16", options=q(4, 32)),
    "gpt_oss, in blocks": dict(model=("gpt_oss", "published"), dtype="bfloat16"),
    "qwen3_5": dict(model=("qwen3_5", None), undo=('"type"', '"rope_type"'), dtype="bfloat16", options=q(4, 32)),
}


def source(case, root):
    """Writes the folder to convert; returns what the test needs to write it again."""
    config = {}
    shapes = None
    if isinstance(case.get("model"), tuple):
        file, name = case["model"]
        cases = importlib.import_module(file).CASES
        found = cases[name or next(iter(cases))]
        config = copy.deepcopy(found["config"])
        shapes = None if case.get("config") else found.get("hf")
    config = dict(config, **copy.deepcopy(case.get("config", {})), torch_dtype=case.get("dtype", "float32"))
    if shapes is None:
        Model, Args = _get_classes(config)
        model = Model(Args.from_dict(copy.deepcopy(config)))
        shapes = separate(model, case["separate"]) if "separate" in case else {k: v.shape for k, v in tree_flatten(model.parameters())}
    root.mkdir()
    dtype = getattr(mx, case.get("dtype", "float32"))
    mx.save_safetensors(str(root / "model.safetensors"), {k: parity.stored(k, s, dtype) for k, s in shapes.items()})
    (root / "config.json").write_text(json.dumps(config))
    (root / "generation_config.json").write_text(json.dumps(dict(eos_token_id=[5, 7], temperature=0.6)))
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a")).save(str(root / "tokenizer.json"))
    (root / "tokenizer_config.json").write_text(json.dumps(dict(tokenizer_class="PreTrainedTokenizerFast")))
    return dict(config=config, tensors=[[k, list(s)] for k, s in shapes.items()])


def digests(root):
    out = {}
    for file in sorted(root.glob("*.safetensors")):
        header = file.read_bytes()
        n = int.from_bytes(header[:8], "little")
        for name, t in json.loads(header[8:8 + n]).items():
            if name != "__metadata__":
                data = header[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]]
                out[name] = f"{t['dtype']} {t['shape']} {hashlib.sha256(data).hexdigest()[:20]}"
    return dict(sorted(out.items()))


def errors(root, to, group, bits):
    """The relative RMS and the largest difference of each weight after a conversion, in float64."""
    out, made = {}, mx.load(str(to / "model.safetensors"))
    for name, a in mx.load(str(root / "model.safetensors")).items():
        layer, b = name.removesuffix(".weight"), made[name]
        if layer + ".scales" in made:
            b = mx.dequantize(b, *(made[f"{layer}.{p}"].astype(mx.float32) for p in ("scales", "biases")), group, bits)
        a, b = (np.array(x.astype(mx.float32)).astype(np.float64) for x in (a, b))
        out[name] = [float(f"{x:.6g}") for x in (np.sqrt(((b - a) ** 2).mean() / (a**2).mean()), np.abs(b - a).max())]
    return out


def main():
    results = {}
    with tempfile.TemporaryDirectory() as tmp:
        for i, (name, case) in enumerate(CASES.items()):
            root, options = pathlib.Path(tmp) / str(i), dict(case.get("options", {}))
            if isinstance(case.get("model"), str):
                made, root = dict(source=case["model"]), results[case["model"]]["folder"]
            else:
                made = source(case, root)
            utils.make_shards.__defaults__ = (Bytes(options.pop("shard", 5 << 30)),)
            to = pathlib.Path(tmp) / f"{i} converted"
            convert(str(root), str(to), **options)
            index = (to / "model.safetensors.index.json").read_bytes()
            results[name] = dict(made, options=case.get("options", {}), converted=(to / "config.json").read_text().replace(*case.get("undo", ("", ""))),
                                 index=hashlib.sha256(index).hexdigest(), digests=digests(to), folder=to)
            if name == "4 bits":
                results[name]["errors"] = errors(root, to, 64, 4)
    lines = [f"{json.dumps(k)}: {json.dumps({n: x for n, x in v.items() if n != 'folder'}, separators=(',', ':'))}" for k, v in results.items()]
    (HERE / "convert.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
