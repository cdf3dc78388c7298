"""Qwen3-MoE: weights that add up to 1 and not, dense layers between, experts that are stacked and each by itself. mlx-lm leaves
rope_scaling alone; `tweak` puts it into its model."""
from experts import separate
from mlx_lm.models import qwen3_moe
from mlx_lm.models.rope_utils import initialize_rope

BASE = dict(model_type="qwen3_moe", hidden_size=32, num_hidden_layers=2, intermediate_size=64, moe_intermediate_size=32, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, vocab_size=32, rms_norm_eps=1e-6, rope_theta=1000000.0, max_position_embeddings=512,
            num_experts=8, num_experts_per_tok=3, decoder_sparse_step=1, mlp_only_layers=[], norm_topk_prob=True, tie_word_embeddings=False)
MIXED = dict(BASE, num_hidden_layers=4, decoder_sparse_step=2, mlp_only_layers=[3], norm_topk_prob=False)
FEW = dict(BASE, num_experts=4, num_experts_per_tok=2)  # no token is so near to two experts that rounding to bfloat16 decides


def hf(config):
    return separate(qwen3_moe.Model(qwen3_moe.ModelArgs.from_dict(config)))

YARN = dict(BASE, rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64))


def yarn(model):
    for layer in model.layers:
        layer.self_attn.rope = initialize_rope(16, 1000000.0, False, YARN["rope_scaling"])


CASES = {
    "stacked": dict(config=BASE),
    "separate, sorted": dict(gradients=True, config=BASE, hf=hf(BASE), length=30),
    "dense layers": dict(gradients=True, config=MIXED, hf=hf(MIXED)),
    "yarn": dict(config=YARN, tweak=yarn),
    "tied": dict(config=dict(BASE, tie_word_embeddings=True)),
    "bf16": dict(config=FEW, hf=hf(FEW), dtype="bfloat16", length=12),
    "4-bit, 8-bit routers": dict(config=BASE, length=30, quantization={
        "group_size": 32, "bits": 4, **{f"model.layers.{i}.mlp.gate": dict(group_size=32, bits=8) for i in range(2)}}),
    "gate and up packed otherwise": dict(config=BASE, length=30, quantization={
        "group_size": 32, "bits": 4, "model.layers.0.mlp.switch_mlp.gate_proj": dict(group_size=32, bits=8), "model.layers.1.mlp.switch_mlp.up_proj": False}),
}
