"""Gemma 3 270M (Q4_K_M) in llama.cpp: what models/gemma3_test.go compares with.

usage: gemma3_270m.py widen FILE.gguf F32.gguf          the same weights as float32 (needs gguf)
       gemma3_270m.py dump FILE.gguf F32.gguf OUT.json  greedy tokens and logits (needs llama-cpp-python 0.3.36)
       gemma3_270m.py mlx F32.gguf OUT.json             adds mlx-lm's logits of the same weights (needs mlx-lm 0.32.2, gguf)

llama.cpp rounds the activations to 8 bits wherever weights are quantised, so its logits from FILE.gguf are some percent away
from those that the weights stand for. F32.gguf holds the same weights and is computed in float32 throughout (with keys
and values in float32): its logits are the ones to compare closely. Even there GELU comes out of a table of float16 numbers, 11
bits each; mlx-lm computes it. The greedy tokens are those of FILE.gguf; "margin" is the
smallest lead of a chosen token over the second.

Where a lead is smaller than what the rounding to 8 bits does to it, llama.cpp chooses another token than from the same weights
without that rounding. So the prompts are five of 21 that were tried, with wide
leads, out of the twelve for which llama.cpp gives the same 100 tokens from both files.
"""
import json
import sys

PROMPTS = [
    "def fibonacci(n):\n",
    "The alphabet begins with A, B, C,",
    "In the beginning God created the heaven and the earth.",
    "package main\n\nimport \"fmt\"\n\nfunc main() {\n",
    "The quick brown fox jumps over the lazy dog. The quick brown fox",
]
COUNT = 100


def widen(source, target):
    import gguf
    import numpy as np

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "gemma3")
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        kind = field.types[0]
        if kind == gguf.GGUFValueType.ARRAY:
            writer.add_array(key, field.contents())
        else:
            writer.add_key_value(key, field.contents(), kind)
    for t in reader.tensors:
        writer.add_tensor(t.name, gguf.dequantize(t.data, t.tensor_type).astype(np.float32).reshape(t.shape[::-1]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def greedy(model, ids, count):
    """The next tokens, the smallest lead, and the logits before the first."""
    import numpy as np

    model.reset()
    model.eval(ids)
    new, lead, first = [], np.inf, None
    for _ in range(count):
        logits = np.ctypeslib.as_array(model._ctx.get_logits(), (model.n_vocab(),)).copy()
        first = logits if first is None else first
        second, best = np.partition(logits, -2)[-2:]
        lead = min(lead, float(best - second))
        new.append(int(logits.argmax()))
        model.eval(new[-1:])
    return new, lead, first


def dump(source, wide, out):
    from llama_cpp import Llama

    options = dict(n_ctx=512, n_threads=2, n_threads_batch=2, verbose=False)
    packed = Llama(source, **options)
    single = Llama(wide, type_k=0, type_v=0, flash_attn=False, **options)
    cases = []
    for prompt in PROMPTS:
        ids = packed.tokenize(prompt.encode(), add_bos=True)
        tokens, lead, _ = greedy(packed, ids, COUNT)
        wide_tokens, wide_lead, logits = greedy(single, ids, COUNT)
        same = next((i for i in range(COUNT) if tokens[i] != wide_tokens[i]), COUNT)
        print(repr(prompt), len(ids), lead, wide_lead, same, repr(packed.detokenize(tokens).decode()), file=sys.stderr)
        top = (-logits).argsort()[:32]
        cases.append(dict(prompt=prompt, ids=ids, tokens=tokens, margin=round(lead, 4), top=top.tolist(),
                          logits=[float(f"{v:.7g}") for v in logits[top]], every_4096th=[float(f"{v:.7g}") for v in logits[::4096]]))
    with open(out, "w") as f:
        json.dump(cases, f, ensure_ascii=False, indent=0)
        f.write("\n")


NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm", "post_ffw_norm": "post_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}


def mlx(wide, out):
    import gguf
    import mlx.core as mx
    import numpy as np
    from mlx_lm.models import gemma3_text

    weights = {}
    for t in gguf.GGUFReader(wide).tensors:
        part = t.name.split(".")
        name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}.get(part[0])
        w = mx.array(t.data.reshape(t.shape[::-1].tolist()))
        weights[(name or f"model.layers.{part[1]}.{NAMES[part[2]]}") + ".weight"] = w - 1 if "norm" in t.name else w
    args = gemma3_text.ModelArgs(
        model_type="gemma3_text", hidden_size=640, num_hidden_layers=18, intermediate_size=2048, num_attention_heads=4, num_key_value_heads=1,
        head_dim=256, vocab_size=262144, rms_norm_eps=1e-6, rope_theta=1e6, rope_local_base_freq=1e4, query_pre_attn_scalar=256,
        sliding_window=512, sliding_window_pattern=6, max_position_embeddings=32768)
    model = gemma3_text.Model(args)
    model.load_weights(list(model.sanitize(weights).items()))
    with open(out) as f:
        cases = json.load(f)
    for c in cases:
        logits = np.array(model(mx.array([c["ids"]]))[0, -1])
        c["mlx_top"] = [float(f"{v:.7g}") for v in logits[c["top"]]]
        c["mlx_every_4096th"] = [float(f"{v:.7g}") for v in logits[::4096]]
        print(np.abs(np.array(c["mlx_top"]) - c["logits"]).max() / np.abs(logits).max(), file=sys.stderr)
    with open(out, "w") as f:
        json.dump(cases, f, ensure_ascii=False, indent=0)
        f.write("\n")


if __name__ == "__main__":
    {"widen": widen, "dump": dump, "mlx": mlx}[sys.argv[1]](*sys.argv[2:])
