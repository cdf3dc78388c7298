"""Mistral: a window of every layer, which mlx-lm honours where layer_types say so only (Mistral 7B v0.1 has none), and none."""
from mlx_lm.models import llama

BASE = dict(model_type="mistral", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, sliding_window=None, tie_word_embeddings=False)
WINDOW = dict(BASE, sliding_window=7)


def slide(model):
    """A window of every layer, as in transformers' modeling_mistral.py."""
    for layer in model.layers:
        layer.use_sliding = True
    model.model.swa_idx = 0


CASES = {
    "no window": dict(config=dict(BASE, head_dim=8)),
    "window": dict(config=WINDOW, tweak=slide),
    "far beyond the window": dict(config=dict(WINDOW, sliding_window=3, hidden_size=32, intermediate_size=48), tweak=slide, length=48),
    "layer types": dict(config=dict(WINDOW, layer_types=["full_attention", "sliding_attention"])),
    "bf16": dict(config=WINDOW, tweak=slide, dtype="bfloat16"),
    "4-bit": dict(config=WINDOW, tweak=slide, quantization=dict(group_size=32, bits=4)),
}
