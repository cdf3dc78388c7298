"""What layers of mlx_lm/models/deepseek_v3.py make of random inputs.

usage: mla.py mla.safetensors

Needs mlx, mlx-cpu and mlx-lm 0.32.2. models/nn/mla_test.go compares: "in.*" are inputs, "out.CASE.*" outputs, "CASE.*" weights.
"dense" and "packed" have kv_b_proj and what sanitize makes of it, the others are gates, whose outputs are the experts' weights [..., E].
"""
import sys

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.deepseek_v3 import Model, ModelArgs, group_expert_select

HEADS, KEYS, VALUES, RANK = 2, 32, 64, 64
ARGS = ModelArgs(vocab_size=8, hidden_size=32, num_hidden_layers=1, num_attention_heads=HEADS, q_lora_rank=None, kv_lora_rank=RANK,
                 qk_nope_head_dim=KEYS, qk_rope_head_dim=16, v_head_dim=VALUES, intermediate_size=32)
PREFIX = "model.layers.0.self_attn."

mx.random.seed(7)
out = {"in.query": mx.random.normal((2, HEADS, 1, KEYS)), "in.latent": mx.random.normal((2, 1, 5, RANK)),
       "in.prompt": mx.random.normal((2, 6, 32)), "in.step": mx.random.normal((2, 32))}
whole = mx.random.normal((HEADS * (KEYS + VALUES), RANK))


def attention(case, stored):
    model = Model(ARGS)
    split = model.sanitize({PREFIX + "kv_b_proj." + k: v for k, v in stored.items()})
    attn = model.model.layers[0].self_attn
    if "scales" in stored:
        nn.quantize(attn, 32, 4, class_predicate=lambda path, _: PREFIX + path + ".scales" in split)
    model.load_weights(list(split.items()), strict=False)
    out.update({f"{case}.kv_b_proj.{k}": v for k, v in stored.items()})
    out.update({f"{case}.{k.removeprefix(PREFIX)}": v for k, v in split.items()})
    out[f"out.{case}.fold"] = attn.embed_q(out["in.query"])
    out[f"out.{case}.keys"] = attn.embed_q(out["in.latent"], transpose=False)
    out[f"out.{case}.values"] = attn.unembed_out(out["in.latent"])


attention("dense", dict(weight=whole))
attention("packed", dict(zip(("weight", "scales", "biases"), mx.quantize(whole, 32, 4))))


def spread(weights, experts):
    return mx.put_along_axis(mx.zeros((*weights.shape[:-1], 12)), experts, weights, axis=-1)


def gate(case, x, bias, groups, top_groups, scale, normalise):
    experts, weights = group_expert_select(x @ out["gate.weight"].T, bias, 3, groups, top_groups, scale, normalise)
    return spread(weights, experts)


def unreachable(x, bias):
    """Scores below zero, where mlx_lm prefers the experts of the groups that are out, whose scores it sets to zero."""
    scores = mx.sigmoid(x @ out["gate.weight"].T)
    groups = (scores + bias).reshape(*x.shape[:-1], 4, 3)
    best = mx.sort(groups, axis=-1)[..., 1:].sum(axis=-1)
    kept = best >= mx.sort(best, axis=-1)[..., 2:3]
    choice = mx.where(kept[..., None], groups, -mx.inf).reshape(scores.shape)
    experts = mx.argsort(-choice, axis=-1)[..., :3]
    weights = mx.take_along_axis(scores, experts, axis=-1)
    return spread(weights / weights.sum(axis=-1, keepdims=True), experts)


out["gate.weight"] = mx.random.normal((12, 32)) / 8
out["gate.e_score_correction_bias"] = mx.random.uniform(0, 0.5, (12,))
for x in "prompt", "step":
    for case, options in {"all": (1, 1, 1.0, True), "groups": (4, 2, 2.5, True), "raw": (2, 1, 1.0, False)}.items():
        out[f"out.{case}.{x}"] = gate(case, out["in." + x], out["gate.e_score_correction_bias"], *options)
    out[f"out.negative.{x}"] = unreachable(out["in." + x], out["gate.e_score_correction_bias"] - 4)
mx.save_safetensors(sys.argv[1], out)
