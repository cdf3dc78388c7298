"""GLM-4: norms before and behind, partial rotary in neighbouring pairs, gate and up in one, biases of q, k and v."""
from mlx_lm.models.rope_utils import initialize_rope

BASE = dict(model_type="glm4", hidden_size=64, num_hidden_layers=2, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, partial_rotary_factor=0.5, max_position_embeddings=512,
            attention_bias=True, tie_word_embeddings=False)
YARN = dict(type="yarn", factor=4.0, original_max_position_embeddings=16)


def scaled(model):
    """mlx-lm's glm4 passes rope_scaling over, which the model card of GLM-4-0414 asks for beyond 32,768 tokens."""
    for layer in model.layers:
        layer.self_attn.rope = initialize_rope(8, 10000.0, True, YARN, 512)


CASES = {
    "plain": dict(config=BASE, gradients=True),
    "no biases, a key for each query, all rotary": dict(config=dict(BASE, attention_bias=False, num_key_value_heads=4, partial_rotary_factor=1.0)),
    "yarn": dict(config=dict(BASE, rope_scaling=YARN), tweak=scaled),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
