"""Llama: grouped heads, tied embeddings, biases, windows, rope scalings in both styles, quantisations."""
BASE = dict(model_type="llama", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, tie_word_embeddings=False)
SMALL = dict(BASE, hidden_size=32, intermediate_size=40)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
LONGROPE = dict(rope_type="longrope", original_max_position_embeddings=32, short_factor=[1.0] * 4, long_factor=[1.0, 1.5, 3.0, 8.0])
LAYERS = dict(num_hidden_layers=3, layer_types=["sliding_attention", "full_attention", "sliding_attention"], sliding_window=6)


def parameters(model):
    """rope_parameters, which mlx-lm's llama does not read: a rope_theta and a scaling beside it."""
    from mlx_lm.models.rope_utils import initialize_rope
    for layer in model.layers:
        layer.self_attn.rope = initialize_rope(8, 500.0, False, LLAMA3)


CASES = {
    "plain": dict(config=BASE),
    "a head of keys for each": dict(config=dict(SMALL, num_key_value_heads=4)),
    "tied": dict(config=dict(BASE, tie_word_embeddings=True)),
    "biases": dict(config=dict(SMALL, attention_bias=True, mlp_bias=True)),
    "wide heads": dict(config=dict(SMALL, head_dim=16, num_key_value_heads=1)),
    "layer types": dict(config=dict(SMALL, **LAYERS)),
    "traditional": dict(config=dict(SMALL, rope_traditional=True)),
    "linear": dict(config=dict(SMALL, rope_scaling=dict(type="linear", factor=4.0))),
    "dynamic": dict(config=dict(SMALL, rope_scaling=dict(type="dynamic", factor=4.0), max_position_embeddings=64)),
    "llama3": dict(config=dict(SMALL, rope_scaling=LLAMA3)),
    "rope parameters": dict(config=dict(SMALL, rope_parameters=dict(LLAMA3, rope_theta=500.0)), tweak=parameters),
    "yarn": dict(config=dict(SMALL, rope_scaling=YARN)),
    "longrope": dict(config=dict(SMALL, rope_scaling=LONGROPE, max_position_embeddings=128)),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
    "5-bit": dict(config=BASE, quantization=dict(group_size=32, bits=5)),
    "8-bit": dict(config=BASE, quantization=dict(group_size=32, bits=8)),
    "mixed": dict(config=BASE, quantization={"group_size": 32, "bits": 4, "model.layers.0.self_attn.k_proj": {"group_size": 64, "bits": 8}}),
}
