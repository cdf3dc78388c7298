"""OLMoE: weights that add up to 1 and not, experts that are stacked and each by itself."""
from experts import separate
from mlx_lm.models import olmoe

BASE = dict(model_type="olmoe", hidden_size=32, num_hidden_layers=2, intermediate_size=32, num_attention_heads=4, num_key_value_heads=4,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, num_experts=8, num_experts_per_tok=3,
            norm_topk_prob=False, clip_qkv=None, tie_word_embeddings=False)
FEW = dict(BASE, num_experts=4, num_experts_per_tok=2)  # no token is so near to two experts that rounding to bfloat16 decides

CASES = {
    "stacked": dict(config=BASE, gradients=True),
    "separate, sorted": dict(config=BASE, hf=separate(olmoe.Model(olmoe.ModelArgs.from_dict(BASE))), length=30),
    "normalised, tied": dict(config=dict(BASE, norm_topk_prob=True, num_key_value_heads=2, tie_word_embeddings=True)),
    "bf16": dict(config=FEW, dtype="bfloat16", length=12),
    "4-bit": dict(config=BASE, length=30, quantization=dict(group_size=32, bits=4)),
}
