"""Olmo 3: sliding layers by layer_types, a rope scaling of the full layers only."""
BASE = dict(model_type="olmo3", hidden_size=64, num_hidden_layers=4, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-6, rope_theta=500000, max_position_embeddings=512, sliding_window=8, tie_word_embeddings=False)
YARN = dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=16, beta_fast=32, beta_slow=1, attention_factor=1.2079441541679836)
TWO = dict(num_hidden_layers=2, layer_types=["full_attention", "sliding_attention"])

CASES = {
    "every fourth layer is full": dict(config=BASE),
    "layer types, tied, biases": dict(config=dict(BASE, **TWO, tie_word_embeddings=True, attention_bias=True)),
    "yarn": dict(config=dict(BASE, **TWO, rope_scaling=YARN), gradients=True),
    "far beyond the window": dict(config=dict(BASE, **TWO, sliding_window=4, head_dim=8), length=48),
    "bf16": dict(config=dict(BASE, **TWO), dtype="bfloat16"),
    "4-bit": dict(config=dict(BASE, **TWO), quantization=dict(group_size=32, bits=4)),
}
