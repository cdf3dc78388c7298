"""What the rotary embeddings of mlx_lm, and the scales of Ministral 3, make of random heads.

usage: rope.py rope.safetensors

Needs mlx, mlx-cpu and mlx-lm 0.32.2. models/nn/rope_test.go compares: "in.heads" [2, 3, 5, 16] and "in.row" [2, 3, 1, 16] are inputs,
"out.CASE.INPUT.OFFSET" outputs; OFFSET is "rows" where the two rows stand at ROWS.
"""
import math
import sys

import mlx.core as mx
from mlx_lm.models.ministral3 import _get_llama_4_attn_scale
from mlx_lm.models.rope_utils import SuScaledRoPE, apply_yarn_mscale, initialize_rope

ROWS = mx.array([70, 7], dtype=mx.int32)
PASSES = ("heads", 0), ("heads", 7), ("heads", 300), ("row", 0), ("row", 300), ("heads", "rows"), ("row", "rows")
D = 16
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = dict(type="yarn", factor=4.0, original_max_position_embeddings=64)
DEEPSEEK = dict(type="deepseek_yarn", factor=40, original_max_position_embeddings=128, beta_fast=16, beta_slow=2, mscale=0.9, mscale_all_dim=0.5)
SHORT, LONG = [1 + i / 8 for i in range(D // 2)], [1 + i * i / 2 for i in range(D // 2)]
LONGROPE = dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG, original_max_position_embeddings=64)
FACTORS = mx.array([1.0, 1.0, 1.5, 2.0, 3.0, 8.0, 8.0, 8.0])


def factored(x, offset):
    return mx.fast.rope(x, D, traditional=False, base=None, scale=1.0, offset=offset, freqs=500.0 ** (mx.arange(0, D, 2) / D) * FACTORS)


def factored_llama3(x, offset):
    freqs = initialize_rope(D, 500.0, False, LLAMA3)._freqs * FACTORS
    return mx.fast.rope(x, D, traditional=False, base=None, scale=1.0, offset=offset, freqs=freqs)


def dynamic(traditional=False):
    """mlx_lm's, which fails on an array of offsets: the longest row decides, as in transformers."""
    rope = initialize_rope(D, 10000.0, traditional, dict(type="dynamic", factor=4.0), 32)

    def call(x, offset):
        if isinstance(offset, int):
            return rope(x, offset)
        longest = max(x.shape[-2] + offset.max().item(), 32)
        base = 10000.0 * (4.0 * longest / 32 - 3.0) ** (D / (D - 2))
        return mx.fast.rope(x, D, traditional=traditional, base=base, scale=1.0, offset=offset)
    return call


def untruncated():
    """transformers' truncate=false, which mlx_lm ignores: the correction range is not rounded."""
    low, high = (D * math.log(64 / (turns * 2 * math.pi)) / (2 * math.log(10000.0)) for turns in (32, 1))
    extra = 10000.0 ** (mx.arange(0, D, 2, dtype=mx.float32) / D)
    ramp = mx.clip((mx.arange(D // 2, dtype=mx.float32) - max(low, 0)) / (high - max(low, 0)), 0, 1)
    freqs = 1 / ((1 - ramp) / extra + ramp / (4.0 * extra))
    return lambda x, offset: mx.fast.rope(x * (0.1 * math.log(4.0) + 1), D, traditional=False, base=None, scale=1.0, offset=offset, freqs=freqs)


mx.random.seed(6)
out = {"in.heads": mx.random.normal((2, 3, 5, D)), "in.row": mx.random.normal((2, 3, 1, D))}
for name, rope in {
    "default": initialize_rope(D, 10000.0, False),
    "base": initialize_rope(D, 500000.0, False),
    "traditional": initialize_rope(D, 10000.0, True),
    "part": initialize_rope(8, 10000.0, False),
    "traditionalpart": initialize_rope(8, 10000.0, True),
    "linear": initialize_rope(D, 10000.0, False, dict(type="linear", factor=4.0)),
    "newlinear": initialize_rope(D, 10000.0, False, dict(rope_type="linear", factor=2.5)),
    "llama3": initialize_rope(D, 500.0, False, LLAMA3),
    "llama3traditional": initialize_rope(D, 500.0, True, LLAMA3),
    "yarn": initialize_rope(D, 10000.0, False, YARN),
    "yarnpart": initialize_rope(8, 1000.0, False, YARN),
    "untruncated": untruncated(),
    "deepseek": initialize_rope(D, 500.0, True, DEEPSEEK),
    "longrope": initialize_rope(D, 10000.0, False, LONGROPE, 256),
    "shortrope": SuScaledRoPE(D, 10000.0, 64, 64, LONG, SHORT),
    "dynamic": dynamic(),
    "dynamictraditional": dynamic(True),
    "proportional": initialize_rope(D, 1000.0, False, dict(rope_type="proportional", partial_rotary_factor=0.25)),
    "proportionalfactor": initialize_rope(D, 1000.0, False, dict(rope_type="proportional", partial_rotary_factor=0.4, factor=2.0)),
    "mrope": initialize_rope(D, 10000.0, False, dict(type="mrope", mrope_section=[2, 3, 3])),
    "factors": factored,
    "factorsllama3": factored_llama3,
}.items():
    for x, offset in PASSES:
        out[f"out.{name}.{x}.{offset}"] = rope(out["in." + x], ROWS if offset == "rows" else offset)

for x, offset in PASSES:
    scale = _get_llama_4_attn_scale(out["in." + x].shape[2], ROWS if offset == "rows" else offset, 0.3, 8)
    out[f"out.growth.{x}.{offset}"] = out["in." + x] * scale
out["scales"] = mx.array([apply_yarn_mscale(0.125, c) for c in (None, YARN, DEEPSEEK, dict(DEEPSEEK, factor=0.5), dict(DEEPSEEK, type="default"))])
mx.save_safetensors(sys.argv[1], out)
