"""Phi-3.5-MoE: SparseMixer, layer norms, biases, longrope and none."""
from experts import separate
from mlx_lm.models import phimoe

BASE = dict(model_type="phimoe", hidden_size=32, num_hidden_layers=2, intermediate_size=32, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, original_max_position_embeddings=128,
            num_local_experts=4, num_experts_per_tok=2, router_jitter_noise=0.3, attention_bias=True, lm_head_bias=True,
            tie_word_embeddings=False, rope_scaling=None)
LONG = dict(BASE, rope_scaling=dict(type="longrope", short_factor=[1.0] * 4, long_factor=[1.0, 1.5, 3.0, 7.0], short_mscale=1.25, long_mscale=1.25,
                                    original_max_position_embeddings=128))
# Of these experts no token is so near to two, or to the edge of the band, that rounding to bfloat16 decides.
CLEAR = dict(LONG, num_local_experts=5, router_jitter_noise=0.01)
NAMES = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}


def hf(config):
    return separate(phimoe.Model(phimoe.ModelArgs.from_dict(config)), NAMES)


CASES = {
    "stacked": dict(config=BASE, gradients=True),
    "separate, sorted": dict(config=LONG, hf=hf(LONG), length=40),
    "one expert": dict(config=dict(BASE, num_experts_per_tok=1, router_jitter_noise=0.01)),
    "bf16": dict(config=CLEAR, hf=hf(CLEAR), dtype="bfloat16", length=16),
    "4-bit": dict(config=BASE, length=40, quantization=dict(group_size=32, bits=4)),
}
