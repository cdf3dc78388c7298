"""Tiny random llamas with their weights and the logits that mlx-lm gives for them, for the tests of training, faults and bad files.

usage: llama_tiny.py OUT      a folder for each case: config.json, model.safetensors, reference.safetensors

Needs mlx, mlx-cpu and mlx-lm 0.32.2. The references are logits of a whole prompt [B, L, V]. Every other comparison of logits is
parity.py's.
"""
import json
import os
import sys

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.models import llama

BASE = dict(model_type="llama", hidden_size=32, num_hidden_layers=2, intermediate_size=40, num_attention_heads=4, num_key_value_heads=4,
            vocab_size=48, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, tie_word_embeddings=False)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
CASES = {
    "plain": {},
    "gqa": dict(num_key_value_heads=2),
    "tied": dict(tie_word_embeddings=True),
    "bias": dict(attention_bias=True, mlp_bias=True),
    "head_dim": dict(head_dim=16, num_key_value_heads=1),
    "traditional": dict(rope_traditional=True),
    "llama3": dict(rope_scaling=LLAMA3),
}
WIDE = dict(BASE, hidden_size=64, intermediate_size=96, num_key_value_heads=2)  # groups of 64 weights
QUANTISED = {"q4": dict(group_size=32, bits=4),
             "mixed": {"group_size": 32, "bits": 4, "model.layers.0.self_attn.k_proj": {"group_size": 64, "bits": 8}}}


def write(out, name, config, quantization=None):
    mx.random.seed(len(name))
    model = llama.Model(llama.ModelArgs.from_dict(config))
    model.update(nn.utils.tree_map(lambda w: (mx.random.normal(w.shape) * 0.08 + (1 if w.ndim == 1 else 0)), model.parameters()))
    if quantization:
        layers = {k: v for k, v in quantization.items() if isinstance(v, dict)}
        nn.quantize(model, quantization["group_size"], quantization["bits"], class_predicate=lambda path, m: hasattr(m, "to_quantized") and layers.get(path, True))
        config = dict(config, quantization=quantization)
    tokens = mx.random.randint(0, config["vocab_size"], (2, 23))
    folder = f"{out}/{name}"
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/config.json", "w") as f:
        json.dump(dict(config, torch_dtype="float32"), f, indent=1)
    mx.save_safetensors(folder + "/model.safetensors", dict(tree_flatten(model.parameters())))
    logits = model(tokens)
    mx.save_safetensors(folder + "/reference.safetensors", dict(tokens=tokens.astype(mx.int32), logits=logits.astype(mx.float32)),
                        {"dtype": str(logits.dtype).split(".")[-1]})


if __name__ == "__main__":
    out = sys.argv[1]
    for name, change in CASES.items():
        write(out, name, dict(BASE, **change))
    for name, quantization in QUANTISED.items():
        write(out, name, WIDE, quantization=quantization)
