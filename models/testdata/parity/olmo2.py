"""OLMo 2: post-norms, norms of queries and keys over all heads, biases, rope scalings."""
BASE = dict(model_type="olmo2", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=500000, max_position_embeddings=512, tie_word_embeddings=False)

CASES = {
    "plain": dict(config=BASE, gradients=True),
    "tied, a key for each query": dict(config={k: v for k, v in dict(BASE, tie_word_embeddings=True).items() if k != "num_key_value_heads"}),
    "biases": dict(config=dict(BASE, attention_bias=True, mlp_bias=True, head_dim=32)),
    "linear": dict(config=dict(BASE, rope_scaling=dict(type="linear", factor=2.0))),
    "yarn": dict(config=dict(BASE, rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16))),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
