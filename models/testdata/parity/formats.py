"""Llama in every quantisation of MLX's: bits, group sizes, modes, layers that differ."""
import mlx.core as mx
import mlx.nn as nn

BASE = dict(model_type="llama", hidden_size=128, num_hidden_layers=1, intermediate_size=256, num_attention_heads=2, num_key_value_heads=1,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, tie_word_embeddings=True)


def full_rows(model):
    """mlx-lm unpacks rows of the small float modes to bfloat16, in which the rest of the model then computes; ours have the model's dtype."""
    e = model.model.embed_tokens

    class Rows(nn.Module):
        def __call__(self, x):
            return mx.dequantize(e.weight[x], e.scales[x], None, e.group_size, e.bits, e.mode).astype(mx.float32)

        def as_linear(self, x):
            return e.as_linear(x)

    model.model.embed_tokens = Rows()


CASES = {f"{bits}-bit/{size}": dict(config=BASE, length=14, quantization=dict(group_size=size, bits=bits))
         for bits in (2, 3, 4, 5, 6, 8) for size in (32, 64, 128)}
for mode, size, bits in ("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4):
    CASES[mode] = dict(config=BASE, length=14, quantization=dict(group_size=size, bits=bits, mode=mode), tweak=full_rows)
CASES["layers"] = dict(config=dict(BASE, num_hidden_layers=2, tie_word_embeddings=False), length=14, quantization={
    "group_size": 64, "bits": 4, "model.layers.0.self_attn.k_proj": {"group_size": 32, "bits": 8}, "model.layers.0.mlp.down_proj": False,
    "model.layers.1.mlp.gate_proj": {"group_size": 128, "bits": 2}, "lm_head": {"group_size": 32, "bits": 4, "mode": "mxfp4"}})
