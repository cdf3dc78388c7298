"""Granite: the four factors, biases, tied and not."""
BASE = dict(model_type="granite", hidden_size=32, num_hidden_layers=2, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, attention_bias=False, mlp_bias=False,
            embedding_multiplier=12.0, attention_multiplier=0.0078125, residual_multiplier=0.22, logits_scaling=16.0, tie_word_embeddings=True)

CASES = {
    "tied": dict(config=BASE, gradients=True),
    "untied, biases, linear rope": dict(config=dict(
        BASE, tie_word_embeddings=False, attention_bias=True, mlp_bias=True, rope_scaling=dict(type="linear", factor=2.0))),
    "no factors": dict(config=dict(BASE, embedding_multiplier=1.0, attention_multiplier=1.0, residual_multiplier=1.0, logits_scaling=1.0)),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
