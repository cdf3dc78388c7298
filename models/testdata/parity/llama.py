"""Llama: grouped heads, tied embeddings, biases, rope scalings, quantisations."""
BASE = dict(model_type="llama", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, tie_word_embeddings=False)

CASES = {
    "plain": dict(config=BASE),
    "tied": dict(config=dict(BASE, tie_word_embeddings=True)),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
