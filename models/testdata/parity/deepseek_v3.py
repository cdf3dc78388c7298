"""DeepSeek-V3: latent attention with and without a latent of the queries, experts in groups, shared experts, yarn with mscale."""
BASE = dict(model_type="deepseek_v3", hidden_size=64, num_hidden_layers=2, intermediate_size=96, moe_intermediate_size=32, num_attention_heads=4,
            num_key_value_heads=4, vocab_size=32, rms_norm_eps=1e-6, rope_theta=10000.0, max_position_embeddings=512, q_lora_rank=32, kv_lora_rank=64,
            qk_nope_head_dim=32, qk_rope_head_dim=8, v_head_dim=16, n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=3, n_group=4,
            topk_group=2, routed_scaling_factor=2.5, norm_topk_prob=True, first_k_dense_replace=1, moe_layer_freq=1, topk_method="noaux_tc",
            scoring_func="sigmoid", tie_word_embeddings=False)
YARN = dict(type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=32, beta_slow=1, mscale=1.0, mscale_all_dim=1.0)
DENSE = dict(n_routed_experts=None, n_shared_experts=None)


def hf(layers, sparse=(), direct=False, biases=False):
    """The tensors as Hugging Face has them."""
    t = {"model.embed_tokens.weight": (32, 64), "model.norm.weight": (64,), "lm_head.weight": (32, 64)}
    for i in range(layers):
        p = f"model.layers.{i}."
        queries = {"q_proj": (160, 64)} if direct else {"q_a_proj": (32, 64), "q_b_proj": (160, 32), "q_a_layernorm": (32,)}
        attention = dict(queries, kv_a_proj_with_mqa=(72, 64), kv_a_layernorm=(64,), kv_b_proj=(192, 64), o_proj=(64, 64))
        t |= {f"{p}self_attn.{k}.weight": s for k, s in attention.items()}
        if biases:
            t |= {f"{p}self_attn.{k}.bias": attention[k][:1] for k in ("q_a_proj", "kv_a_proj_with_mqa", "o_proj") if k in attention}
        t |= {f"{p}{k}.weight": (64,) for k in ("input_layernorm", "post_attention_layernorm")}
        mlps = {"": 96}
        if i in sparse:
            mlps = {"shared_experts.": 32} | {f"experts.{e}.": 32 for e in range(8)}
            t |= {f"{p}mlp.gate.weight": (8, 64), f"{p}mlp.gate.e_score_correction_bias": (8,)}
        for m, width in mlps.items():
            t |= {f"{p}mlp.{m}{k}_proj.weight": (64, width) if k == "down" else (width, 64) for k in ("gate", "up", "down")}
    return t


CASES = {
    "mlx-lm's names": dict(config=BASE),
    "Hugging Face's names": dict(config=BASE, hf=hf(2, {1})),
    "no latent of the queries, no groups": dict(config=dict(BASE, q_lora_rank=None, n_group=1, topk_group=1, norm_topk_prob=False),
                                                hf=hf(2, {1}, direct=True)),
    "no experts, biases": dict(config=dict(BASE, **DENSE, attention_bias=True), hf=hf(2, biases=True)),
    "every other layer sparse, none shared": dict(config=dict(BASE, num_hidden_layers=3, first_k_dense_replace=0, moe_layer_freq=2,
                                                              n_shared_experts=None, num_experts_per_tok=1)),
    "yarn": dict(config=dict(BASE, num_hidden_layers=1, **DENSE, rope_scaling=YARN)),
    "yarn, mscales that differ": dict(config=dict(BASE, num_hidden_layers=1, **DENSE, rope_scaling=dict(YARN, mscale=0.707, mscale_all_dim=0.5))),
    "Kimi K2": dict(config=dict(BASE, model_type="kimi_k2", n_group=1, topk_group=1)),
    "bf16": dict(config=BASE, dtype="bfloat16"),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4)),
    # as it was packed before mlx-lm split kv_b_proj, and with packed experts one by one: sanitize packs what it makes again
    "4-bit, stored whole": dict(config=BASE, hf=hf(2, {1}), quantization=dict(group_size=32, bits=4),
                                stored=lambda layer: "norm" not in layer and not layer.endswith("mlp.gate")),
    "8-bit attention, stored whole": dict(config=dict(BASE, q_lora_rank=None), hf=hf(2, {1}, direct=True),
                                          quantization=dict(group_size=32, bits=8), stored=lambda layer: "self_attn" in layer and "norm" not in layer),
}
