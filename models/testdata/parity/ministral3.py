"""Ministral 3: yarn, queries that grow with their position, windows."""
ROPE = dict(rope_type="yarn", rope_theta=1000000.0, factor=16.0, original_max_position_embeddings=8, beta_fast=32.0, beta_slow=1.0, mscale=1.0,
            mscale_all_dim=1.0, llama_4_scaling_beta=0.3)
BASE = dict(model_type="ministral3", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            head_dim=32, vocab_size=32, rms_norm_eps=1e-5, max_position_embeddings=128, rope_parameters=ROPE, tie_word_embeddings=False)
SMALL = dict(BASE, hidden_size=32, intermediate_size=40, head_dim=8)
LAYERS = dict(num_hidden_layers=3, layer_types=["sliding_attention", "full_attention", "sliding_attention"], sliding_window=6)

CASES = {
    "untied": dict(config=BASE),
    "tied": dict(config=dict(SMALL, tie_word_embeddings=True)),
    "mscale": dict(config=dict(SMALL, rope_parameters=dict(ROPE, mscale_all_dim=0.5)), length=40),
    "layer types": dict(config=dict(SMALL, **LAYERS)),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
