"""Qwen3: norms of queries and keys; windows of the last layers, which mlx-lm leaves alone; rope_parameters."""
from mlx_lm.models import base, qwen3

BASE = dict(model_type="qwen3", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
            vocab_size=32, rms_norm_eps=1e-6, rope_theta=1000000.0, max_position_embeddings=512, use_sliding_window=False, sliding_window=None,
            max_window_layers=2, tie_word_embeddings=False)
SMALL = dict(BASE, hidden_size=32, intermediate_size=40, head_dim=16)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)
NEW = {k: v for k, v in SMALL.items() if k != "rope_theta"}


class Sliding(qwen3.Qwen3Model):
    """use_sliding_window: the layers from max_window_layers on slide, as in transformers' configuration_qwen3.py."""

    def __call__(self, inputs, cache=None, input_embeddings=None):
        h, cache = self.embed_tokens(inputs), cache or [None] * len(self.layers)
        for i, (layer, c) in enumerate(zip(self.layers, cache)):
            h = layer(h, base.create_attention_mask(h, c, window_size=5 if i >= 2 else None), c)
        return self.norm(h)


def slide(model):
    model.model.__class__ = Sliding


CASES = {
    "untied": dict(config=BASE),
    "tied": dict(config=dict(SMALL, tie_word_embeddings=True)),
    "windows": dict(config=dict(SMALL, use_sliding_window=True, sliding_window=5, num_hidden_layers=3), tweak=slide, length=30),
    "yarn": dict(config=dict(SMALL, rope_scaling=YARN)),
    "rope parameters": dict(config=dict(NEW, rope_parameters=dict(YARN, rope_theta=500.0))),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
