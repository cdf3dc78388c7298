"""Phi-3 and 4: joined projections, longrope over a part of the features; a window, which mlx-lm leaves alone."""
from mlx_lm.models import base, phi3

BASE = dict(model_type="phi3", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=256, original_max_position_embeddings=64,
            tie_word_embeddings=False)
LONG = dict(type="longrope", short_factor=[1.0] * 8, long_factor=[1.0, 1.1, 1.5, 2.5, 4.0, 8.0, 16.0, 30.0])
PART = dict(type="longrope", short_factor=[1.0] * 6, long_factor=[1.0, 1.2, 2.0, 5.0, 12.0, 20.0])
SHORT = dict(type="longrope", short_factor=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], long_factor=[9.0] * 8)


class Sliding(phi3.Phi3Model):
    """A window of every layer, as in transformers' modeling_phi3.py."""

    def __call__(self, inputs, cache=None):
        h, cache = self.embed_tokens(inputs), cache or [None] * len(self.layers)
        mask = base.create_attention_mask(h, cache[0], window_size=6)
        for layer, c in zip(self.layers, cache):
            h = layer(h, mask, c)
        return self.norm(h)


def slide(model):
    model.model.__class__ = Sliding


def short(model):
    """short_factor, which mlx-lm does not read: the model's longest text fits into the context that it was first trained on."""
    for layer in model.layers:
        layer.self_attn.rope = phi3.SuScaledRoPE(16, 10000.0, 64, 64, long_factor=SHORT["short_factor"])


CASES = {
    "Phi-3 mini": dict(config=dict(BASE, num_key_value_heads=None)),
    "window": dict(config=dict(BASE, sliding_window=6), tweak=slide, length=30),
    "longrope": dict(config=dict(BASE, rope_scaling=LONG)),
    "su": dict(config=dict(BASE, rope_scaling=dict(LONG, type="su"))),
    "longrope of a part, tied": dict(config=dict(BASE, rope_scaling=PART, partial_rotary_factor=0.75, tie_word_embeddings=True)),
    "short texts": dict(config=dict(BASE, rope_scaling=SHORT, max_position_embeddings=64), tweak=short),
    "linear": dict(config=dict(BASE, rope_scaling=dict(type="linear", factor=4.0, long_factor=[]))),
    "bf16": dict(config=dict(BASE, rope_scaling=LONG), dtype="bfloat16"),
    "4-bit": dict(config=dict(BASE, rope_scaling=LONG), quantization=dict(group_size=32, bits=4)),
}
