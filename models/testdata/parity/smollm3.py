"""SmolLM3: layers that turn nothing, given by an interval and by a list."""
BASE = dict(model_type="smollm3", hidden_size=64, num_hidden_layers=4, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-6, rope_theta=5000000.0, max_position_embeddings=512, tie_word_embeddings=True)
SMALL = dict(BASE, hidden_size=32, intermediate_size=40, num_hidden_layers=3)


def slide(model):
    """use_sliding_window, which mlx-lm does not know: the layers that turn nothing slide, as in transformers' configuration_smollm3.py."""
    model.model.layers[1].use_sliding = True
    model.model.swa_idx, model.model.sliding_window = 1, 5


CASES = {
    "every fourth layer": dict(config=BASE),
    "interval": dict(config=dict(SMALL, no_rope_layer_interval=2, tie_word_embeddings=False)),
    "list": dict(config=dict(SMALL, no_rope_layers=[0, 1, 0], attention_bias=True)),
    "window": dict(config=dict(SMALL, no_rope_layers=[1, 0, 1], use_sliding_window=True, sliding_window=5), tweak=slide),
    "yarn": dict(config=dict(SMALL, rope_scaling=dict(rope_type="yarn", factor=2.0, original_max_position_embeddings=64))),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
