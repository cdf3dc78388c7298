"""Qwen3-Next: interleaved projections of the delta nets, experts and a shared one, dense layers among them; the names of MLX and of Hugging Face. None
of bfloat16: there is no gather_mm of it on a CPU."""
BASE = dict(model_type="qwen3_next", hidden_size=32, num_hidden_layers=4, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, vocab_size=32, rms_norm_eps=1e-6, max_position_embeddings=512, tie_word_embeddings=False, attention_bias=False,
            full_attention_interval=4, linear_conv_kernel_dim=4, linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=8,
            linear_value_head_dim=8, partial_rotary_factor=0.25, rope_theta=10000000, rope_scaling=None, num_experts=6, num_experts_per_tok=2,
            moe_intermediate_size=32, shared_expert_intermediate_size=32, decoder_sparse_step=1, mlp_only_layers=[], norm_topk_prob=True)
MIXED = dict(BASE, decoder_sparse_step=2, mlp_only_layers=[1], norm_topk_prob=False, full_attention_interval=2, linear_num_key_heads=4,
             linear_conv_kernel_dim=3, attention_bias=True, tie_word_embeddings=True)


def hf(c):
    """The tensors of Hugging Face's Qwen3NextForCausalLM."""
    D, V, E, I, S = (c[n] for n in ("hidden_size", "vocab_size", "num_experts", "moe_intermediate_size", "shared_expert_intermediate_size"))
    hq, hkv, d = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
    hv, keys = c["linear_num_value_heads"], c["linear_num_key_heads"] * c["linear_key_head_dim"]
    values = hv * c["linear_value_head_dim"]
    shapes = {"mtp.fc.weight": (D, 2 * D), "mtp.layers.0.mlp.experts.0.up_proj.weight": (I, D), "model.embed_tokens.weight": (V, D),
              "model.norm.weight": (D,), "lm_head.weight": (V, D)}
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        shapes |= {at + "input_layernorm.weight": (D,), at + "post_attention_layernorm.weight": (D,), at + "mlp.gate.weight": (E, D),
                   at + "mlp.shared_expert_gate.weight": (1, D)}
        for name, inner in [("shared_expert", S)] + [(f"experts.{e}", I) for e in range(E)]:
            shapes |= {f"{at}mlp.{name}.{n}_proj.weight": (D, inner) if n == "down" else (inner, D) for n in ("gate", "up", "down")}
        if (i + 1) % c["full_attention_interval"]:
            at += "linear_attn."
            shapes |= {at + "conv1d.weight": (2 * keys + values, 1, c["linear_conv_kernel_dim"]), at + "dt_bias": (hv,), at + "A_log": (hv,),
                       at + "in_proj_qkvz.weight": (2 * keys + 2 * values, D), at + "in_proj_ba.weight": (2 * hv, D),
                       at + "norm.weight": (c["linear_value_head_dim"],), at + "out_proj.weight": (D, values)}
        else:
            at += "self_attn."
            shapes |= {at + "q_proj.weight": (2 * hq * d, D), at + "k_proj.weight": (hkv * d, D), at + "v_proj.weight": (hkv * d, D),
                       at + "o_proj.weight": (D, hq * d), at + "q_norm.weight": (d,), at + "k_norm.weight": (d,)}
    return shapes


ROUTERS = {f"model.layers.{i}.mlp.{n}": dict(group_size=32, bits=8) for i in range(4) for n in ("gate", "shared_expert_gate")}
CASES = {
    "plain": dict(gradients=True, config=BASE),
    "long": dict(config=BASE, length=150),
    "dense layers, tied, biases": dict(gradients=True, config=MIXED),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4, **ROUTERS)),
    "hf": dict(config=dict(BASE, num_hidden_layers=2, full_attention_interval=2), hf=hf(dict(BASE, num_hidden_layers=2, full_attention_interval=2))),
}
