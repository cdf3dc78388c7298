"""Qwen2: biases of q, k and v; windows of the last layers, which mlx-lm leaves alone."""
from mlx_lm.models import base, qwen2

BASE = dict(model_type="qwen2", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-6, rope_theta=1000000.0, max_position_embeddings=512, use_sliding_window=False, sliding_window=4,
            max_window_layers=1, tie_word_embeddings=False)
SMALL = dict(BASE, hidden_size=32, intermediate_size=40)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)


class Sliding(qwen2.Qwen2Model):
    """use_sliding_window: the layers from max_window_layers on slide, as in transformers' configuration_qwen2.py."""

    def __call__(self, inputs, cache=None, input_embeddings=None):
        h, cache = self.embed_tokens(inputs), cache or [None] * len(self.layers)
        for i, (layer, c) in enumerate(zip(self.layers, cache)):
            h = layer(h, base.create_attention_mask(h, c, window_size=4 if i >= 1 else None), c)
        return self.norm(h)


def slide(model):
    model.model.__class__ = Sliding


CASES = {
    "untied": dict(config=BASE),
    "tied": dict(config=dict(SMALL, tie_word_embeddings=True)),
    "windows": dict(config=dict(SMALL, use_sliding_window=True, num_hidden_layers=3), tweak=slide, length=30),
    "yarn": dict(config=dict(SMALL, rope_scaling=YARN)),
    "mrope": dict(config=dict(SMALL, rope_scaling=dict(type="mrope", mrope_section=[2, 1, 1]))),
    "default theta": dict(config={k: v for k, v in SMALL.items() if k != "rope_theta"}),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
