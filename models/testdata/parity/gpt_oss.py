"""gpt-oss: windows by turns, sinks, yarn, experts in blocks as OpenAI published them. mlx-lm rounds the range in which yarn blends
although the configuration says truncate: false; `tweak` puts the frequencies of transformers' modeling_rope_utils.py into its model."""
import math

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models import gpt_oss

BASE = dict(model_type="gpt_oss", hidden_size=32, num_hidden_layers=2, intermediate_size=64, head_dim=16, num_attention_heads=4,
            num_key_value_heads=2, vocab_size=32, rms_norm_eps=1e-5, rope_theta=150000, max_position_embeddings=512, sliding_window=6,
            num_local_experts=4, num_experts_per_tok=2, tie_word_embeddings=False, attention_bias=True, swiglu_limit=7.0)
YARN = dict(rope_type="yarn", factor=32.0, beta_fast=32.0, beta_slow=1.0, original_max_position_embeddings=64, truncate=False)
OPENAI = dict(BASE, rope_scaling=YARN, layer_types=["sliding_attention", "full_attention"])
TYPES = dict(BASE, num_hidden_layers=3, layer_types=["full_attention", "sliding_attention", "sliding_attention"], rope_scaling=dict(YARN, truncate=True))


def untruncated(model):
    dims, base = 16, 150000

    def correction(rotations):
        return dims * math.log(YARN["original_max_position_embeddings"] / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(correction(YARN["beta_fast"]), 0), min(correction(YARN["beta_slow"]), dims - 1)
    plain = base ** (mx.arange(0, dims, 2, dtype=mx.float32) / dims)
    blend = 1 - mx.clip((mx.arange(dims // 2, dtype=mx.float32) - low) / (high - low), 0, 1)
    inverse = 1 / (YARN["factor"] * plain) * (1 - blend) + 1 / plain * blend
    for layer in model.layers:
        layer.self_attn.rope._freqs = 1 / inverse


def published(config):
    """The tensors as OpenAI published them, experts in blocks of 32 numbers."""
    out = {}
    for k, v in tree_flatten(gpt_oss.Model(gpt_oss.ModelArgs.from_dict(config)).parameters()):
        before, experts, after = k.partition("mlp.experts.")
        if not experts:
            out[k] = v.shape
        elif after.startswith("up_proj"):
            continue  # in gate_up_proj
        else:
            layer, part = after.replace("gate_proj", "gate_up_proj").split(".")
            shape = (v.shape[0], v.shape[1] * (2 if layer == "gate_up_proj" else 1), *v.shape[2:])
            if part == "bias":
                out[f"{before}mlp.experts.{layer}_bias"] = shape
            else:
                out[f"{before}mlp.experts.{layer}_blocks"] = (*shape[:2], shape[2] // 32, 16)
                out[f"{before}mlp.experts.{layer}_scales"] = (*shape[:2], shape[2] // 32)
    return out


METHOD = dict(quantization_config=dict(modules_to_not_convert=["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
                                       quant_method="mxfp4"))
CASES = {
    "plain": dict(config=BASE),
    "layer types, sorted": dict(gradients=True, config=TYPES, length=40),
    "untruncated": dict(config=OPENAI, tweak=untruncated),
    "published": dict(config=dict(OPENAI, **METHOD), hf=published(OPENAI), tweak=untruncated, length=40),
    # of this length no token is so near to two experts that rounding to bfloat16 decides
    "published, bf16": dict(config=dict(OPENAI, **METHOD), hf=published(OPENAI), tweak=untruncated, dtype="bfloat16", length=16),
    "bf16": dict(config=TYPES, dtype="bfloat16"),
    "mxfp4": dict(config=OPENAI, tweak=untruncated, length=40, quantization={
        "group_size": 32, "bits": 4, "mode": "mxfp4", **{f"model.layers.{i}.{n}": False for i in range(2) for n in ("self_attn.q_proj", "mlp.router")}}),
    "4-bit": dict(config=TYPES, quantization=dict(group_size=32, bits=4)),
}
