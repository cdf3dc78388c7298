"""The names that llama.cpp's converter gives to the tensors of each architecture: the tables of the Python package gguf.

usage: gguf_names.py > gguf_names.json
"""
import json

import gguf

LAYER = [
    "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm",
    *(f"self_attn.{n}" for n in ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm", "qkv_proj", "sinks")),
    *(f"mlp.{n}" for n in ("gate_proj", "up_proj", "down_proj", "gate_up_proj", "gate", "router")),
    *(f"mlp.experts.{n}" for n in ("gate_proj", "up_proj", "down_proj")),
]
ARCHES = {"llama": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3", "qwen3moe": "QWEN3MOE", "gemma2": "GEMMA2",
          "gemma3": "GEMMA3", "phi3": "PHI3", "gpt-oss": "GPT_OSS"}

tables = {}
for arch, member in ARCHES.items():
    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, member), 8)
    table = {n: names.get_name(n) for n in ("model.embed_tokens", "model.norm", "lm_head")}
    for n in LAYER:
        stored = names.get_name(f"model.layers.7.{n}")
        table[f"model.layers.N.{n}"] = stored and stored.replace("blk.7.", "blk.N.")
    tables[arch] = {n: stored for n, stored in table.items() if stored}
print(json.dumps(tables, indent=0))
