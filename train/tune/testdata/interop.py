"""What mlx-lm and PEFT make of the adapter folders that Save and SavePEFT write, and a folder that PEFT writes.

usage: go test ./train/tune -run TestInterop -interop DIR      writes the folders
       interop.py mlx DIR                                       writes DIR/mlx.json; needs mlx, mlx-cpu and mlx-lm 0.32.2
       interop.py peft DIR                                      writes DIR/peft.json; needs torch, transformers and peft
       interop.py join DIR                                      writes interop.json

Of each tensor of mlx_lm.fuse some values are kept, evenly spread.
"""
import json
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
TOKENS = [[1, 5, 9, 2, 7, 7], [3, 4, 0, 8, 6, 2]]  # someTokens of main_test.go
SAMPLES = 6


def short(values):
    return [float(f"{x:.8g}") for x in values]


def samples(folder):
    import mlx.core as mx
    import numpy as np
    out = {}
    for name, a in mx.load(str(folder / "model.safetensors")).items():
        flat = np.array(a).reshape(-1)
        n = min(SAMPLES, flat.size)
        values = [flat[i * flat.size // n] for i in range(n)]
        dtype = str(a.dtype).removeprefix("mlx.core.")
        out[name] = dict(dtype=dtype, shape=list(a.shape), values=[int(v) for v in values] if dtype == "uint32" else short(values))
    return out


def with_mlx(case):
    sys.path.insert(0, str(HERE.parents[2] / "models" / "testdata"))
    import parity  # noqa: F401  mends mx.gather_qmm for mlx-lm 0.32.2
    import mlx.core as mx
    from mlx_lm import fuse
    from mlx_lm.tuner.utils import load_adapters
    from mlx_lm.utils import load_model, save_model

    def load(path, adapter_path, **_):
        model, config = load_model(pathlib.Path(path))
        load_adapters(model, adapter_path)
        model.eval()
        return model, None, config

    fuse.load = load  # without a tokenizer, which the tiny models have none of
    fuse.save = lambda to, _, model, tokenizer, config, **more: save_model(to, model)
    model, _, _ = load(case / "base", str(case / "mlx"))
    out = dict(mlx=dict(config=json.loads((case / "mlx" / "adapter_config.json").read_text()), logits=short(model(mx.array(TOKENS)).flatten().tolist())))
    packed = "quantization" in (case / "base" / "config.json").read_text()
    for name, flags in {"fused": [], **({"unpacked": ["--dequantize"]} if packed else {})}.items():
        with tempfile.TemporaryDirectory() as to:
            sys.argv = ["fuse", "--model", str(case / "base"), "--adapter-path", str(case / "mlx"), "--save-path", to, *flags]
            fuse.main()
            out[name] = samples(pathlib.Path(to))
    return out


def hugging_face(case):
    """The base model, in transformers."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModelForCausalLM
    config = json.loads((case / "base" / "config.json").read_text())
    kind = config.pop("model_type")
    if kind == "gemma3":
        return nested(config, load_file(case / "base" / "model.safetensors"))
    config = AutoConfig.for_model(kind, **config)
    config.pad_token_id = None
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").to(torch.float32)
    weights = load_file(case / "base" / "model.safetensors")
    if kind == "gemma3_text":
        model.lm_head.weight = torch.nn.Parameter(weights["lm_head.weight"])
    missing, extra = model.load_state_dict(weights, strict=False)
    assert not extra and set(missing) <= {"lm_head.weight"}, (missing, extra)
    return model.eval()


def nested(config, weights):
    """A language model within one that sees, whose own part is as small as can be."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration
    vision = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=28, patch_size=14)
    config = Gemma3Config(text_config=config["text_config"], vision_config=vision, mm_tokens_per_image=4, image_token_id=31)
    config.text_config.pad_token_id = None
    model = Gemma3ForConditionalGeneration._from_config(config, attn_implementation="eager").to(torch.float32)
    names = {k: k.replace("language_model.model.", "model.language_model.").replace("language_model.lm_head", "lm_head") for k in weights}
    weights = {names[k]: v for k, v in weights.items()}
    model.lm_head.weight = torch.nn.Parameter(weights["lm_head.weight"])
    missing, extra = model.load_state_dict(weights, strict=False)
    assert not extra and all("vision" in k or "projector" in k for k in missing), (missing, extra)
    return model.eval()


def with_peft(case):
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file
    logits = lambda m: short(m(torch.tensor(TOKENS)).logits.detach().flatten().tolist())
    ours = json.loads((case / "peft" / "adapter_config.json").read_text())
    out = dict(peft=dict(config=ours, logits=logits(PeftModel.from_pretrained(hugging_face(case), case / "peft"))))
    if case.name != "qwen3_lora" and case.name != "llama_dora":
        return out
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM", use_dora=ours["use_dora"], use_rslora=case.name == "qwen3_lora")
    model = get_peft_model(hugging_face(case), config)
    with tempfile.TemporaryDirectory() as to:
        model.save_pretrained(to)
        shapes = {k: list(v.shape) for k, v in load_file(to + "/adapter_model.safetensors").items()}
        theirs = json.loads(pathlib.Path(to, "adapter_config.json").read_text())
    named = {k.replace(".default", ""): p for k, p in model.named_parameters() if "lora_" in k}
    with torch.no_grad():
        for name, shape in shapes.items():
            p = named.get(name, named.get(name + ".weight"))
            p.copy_(torch.tensor(numbers(name, shape)).reshape(p.shape))
    out["theirs"] = dict(config=theirs, tensors=list(shapes.items()), logits=logits(model.eval()))
    return out


def numbers(name, shape):
    """tensor of models/testdata/parity.py, without mlx."""
    import math
    import zlib

    import numpy as np
    z = (np.uint64(zlib.crc32(name.encode())) << np.uint64(32)) + np.arange(math.prod(shape), dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    values = ((z >> np.uint64(40)).astype(np.int64) - (1 << 23)).astype(np.float32) / np.float32(1 << 26)
    return values + np.float32(len(shape) == 1 and not name.endswith("bias"))


if __name__ == "__main__":
    what, root = sys.argv[1], pathlib.Path(sys.argv[2])
    cases = sorted(p for p in root.iterdir() if p.is_dir())
    if what == "join":
        parts = [json.loads((root / f"{part}.json").read_text()) for part in ("mlx", "peft") if (root / f"{part}.json").exists()]
        lines = [f"{json.dumps(c.name.replace('_', '/', 1))}: {json.dumps({k: v for p in parts for k, v in p.get(c.name, {}).items()}, separators=(',', ':'))}" for c in cases]
        (HERE / "interop.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    else:
        run = {"mlx": with_mlx, "peft": with_peft}[what]
        (root / f"{what}.json").write_text(json.dumps({c.name: run(c) for c in cases if (c / what).exists()}))
