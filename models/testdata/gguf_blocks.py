"""A tiny llama whose matrices are GGUF blocks of one type, and the logits that mlx-lm gives for what the Python package gguf reads in them.

usage: gguf_blocks.py > gguf_blocks.json

Needs mlx, mlx-cpu, mlx-lm 0.32.2 and gguf. The blocks are not stored: both sides make them from the tensors' names, random
bytes with scales that are set to small numbers (see blocks). models/gguf_blocks_test.go compares.
"""
import json
import math
import zlib

import gguf
import mlx.core as mx
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from mlx_lm.models import llama

from parity import bits, tensor

# Where the float16 numbers of a block stand, and the power of two that each comes near; minima that are added are negative.
SCALES = {
    T.Q4_0: [(0, 2**-6)], T.Q4_1: [(0, 2**-6), (2, -(2**-4))], T.Q5_0: [(0, 2**-7)], T.Q5_1: [(0, 2**-7), (2, -(2**-4))], T.Q8_0: [(0, 2**-10)],
    T.Q2_K: [(80, 2**-9), (82, 2**-9)], T.Q3_K: [(108, 2**-10)], T.Q4_K: [(0, 2**-13), (2, 2**-10)], T.Q5_K: [(0, 2**-14), (2, 2**-10)], T.Q6_K: [(208, 2**-15)],
    T.IQ4_NL: [(0, 2**-10)], T.IQ4_XS: [(0, 2**-15)], T.MXFP4: [],
}
CONFIG = dict(model_type="llama", hidden_size=256, num_hidden_layers=1, intermediate_size=256, num_attention_heads=4, num_key_value_heads=2,
              rms_norm_eps=1e-5, vocab_size=32, rope_theta=10000.0, tie_word_embeddings=False)
D, KV = 256, 128
MATRICES = {
    "token_embd": (32, "model.embed_tokens"), "output": (32, "lm_head"),
    "blk.0.attn_q": (D, "model.layers.0.self_attn.q_proj"), "blk.0.attn_k": (KV, "model.layers.0.self_attn.k_proj"),
    "blk.0.attn_v": (KV, "model.layers.0.self_attn.v_proj"), "blk.0.attn_output": (D, "model.layers.0.self_attn.o_proj"),
    "blk.0.ffn_gate": (D, "model.layers.0.mlp.gate_proj"), "blk.0.ffn_up": (D, "model.layers.0.mlp.up_proj"),
    "blk.0.ffn_down": (D, "model.layers.0.mlp.down_proj"),
}
NORMS = {"output_norm": "model.norm", "blk.0.attn_norm": "model.layers.0.input_layernorm", "blk.0.ffn_norm": "model.layers.0.post_attention_layernorm"}
HEADS = {"blk.0.attn_q": 4, "blk.0.attn_k": 2}


def blocks(kind, name, rows):
    """The blocks of a matrix [rows, 256]: bytes from the name, their scales between a half and one of a power of two."""
    block, size = GGML_QUANT_SIZES[kind]
    n = rows * 256 // block
    raw = (bits(zlib.crc32(name.encode()), n * size) & 255).astype(np.uint8).reshape(n, size)
    for at, largest in SCALES[kind]:
        scale = (8 + raw[:, at] % 8).astype(np.float32) / np.float32(16) * np.float32(largest)
        raw[:, at : at + 2] = scale.astype(np.float16).view(np.uint8).reshape(n, 2)
    if kind == T.MXFP4:
        raw[:, 0] = 120 + raw[:, 0] % 3
    return raw.reshape(rows, -1)


def run(kind):
    weights = {hf + ".weight": tensor(name + ".weight", (D,)) for name, hf in NORMS.items()}
    for name, (rows, hf) in MATRICES.items():
        w = gguf.dequantize(blocks(kind, name + ".weight", rows), kind).astype(np.float32).reshape(rows, 256)
        if name in HEADS:  # the converter's order of rows, undone
            w = w.reshape(HEADS[name], rows // HEADS[name] // 2, 2, 256).swapaxes(1, 2).reshape(rows, 256)
        weights[hf + ".weight"] = mx.array(w)
    model = llama.Model(llama.ModelArgs.from_dict(CONFIG))
    model.load_weights(list(weights.items()), strict=True)
    tokens = (bits(7, 12) % 32).reshape(1, 12)
    logits = np.array(model(mx.array(tokens))[0, -4:])
    return dict(type=int(kind), tokens=tokens[0].tolist(), logits=[[float(f"{x:.8g}") for x in row] for row in logits])


if __name__ == "__main__":
    print("{\n" + ",\n".join(f'"{kind.name}": {json.dumps(run(kind), separators=(",", ":"))}' for kind in SCALES) + "\n}")
