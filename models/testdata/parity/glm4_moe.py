"""GLM-4.5: partial rotary, norms of queries and keys or none, biases, the experts of DeepSeek-V3."""
from mlx_lm.models.rope_utils import initialize_rope

BASE = dict(model_type="glm4_moe", hidden_size=64, num_hidden_layers=2, intermediate_size=96, moe_intermediate_size=32, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, vocab_size=32, rms_norm_eps=1e-5, rope_theta=1000000.0, rope_scaling=None, partial_rotary_factor=0.5,
            max_position_embeddings=512, n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=2, n_group=1, topk_group=1,
            routed_scaling_factor=2.5, norm_topk_prob=True, first_k_dense_replace=1, use_qk_norm=True, attention_bias=True, tie_word_embeddings=False)
YARN = dict(type="yarn", factor=4.0, original_max_position_embeddings=16)


def scaled(model):
    """mlx-lm's glm4_moe passes rope_scaling over."""
    for layer in model.layers:
        layer.self_attn.rope = initialize_rope(8, 1000000.0, False, YARN, 512)


def single():
    """Hugging Face's names: experts one by one."""
    t = {"model.embed_tokens.weight": (32, 64), "model.norm.weight": (64,), "lm_head.weight": (32, 64)}
    for i, mlps in enumerate([{"": 96}, {"shared_experts.": 32} | {f"experts.{e}.": 32 for e in range(8)}]):
        p = f"model.layers.{i}."
        for k, rows in dict(q=64, k=32, v=32).items():
            t |= {f"{p}self_attn.{k}_proj.weight": (rows, 64), f"{p}self_attn.{k}_proj.bias": (rows,)}
        t |= {f"{p}self_attn.o_proj.weight": (64, 64), f"{p}self_attn.q_norm.weight": (16,), f"{p}self_attn.k_norm.weight": (16,)}
        t |= {f"{p}{k}.weight": (64,) for k in ("input_layernorm", "post_attention_layernorm")}
        for m, width in mlps.items():
            t |= {f"{p}mlp.{m}{k}_proj.weight": (64, width) if k == "down" else (width, 64) for k in ("gate", "up", "down")}
    t |= {"model.layers.1.mlp.gate.weight": (8, 64), "model.layers.1.mlp.gate.e_score_correction_bias": (8,)}
    return t | {"model.layers.2.eh_proj.weight": (64, 128)}  # predicts further tokens, and is dropped


CASES = {
    "Hugging Face's names": dict(config=BASE, hf=single()),
    "no norms, no biases, groups": dict(config=dict(BASE, use_qk_norm=False, attention_bias=False, n_group=4, topk_group=2)),
    "yarn": dict(config=dict(BASE, num_hidden_layers=1, rope_scaling=YARN), tweak=scaled),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
}
