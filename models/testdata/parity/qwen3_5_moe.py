"""Qwen3.5 with experts: the names of MLX, and those of Hugging Face, which stores the experts of a layer together."""
TEXT = dict(model_type="qwen3_5_moe_text", hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
            vocab_size=32, rms_norm_eps=1e-6, max_position_embeddings=512, tie_word_embeddings=False, attention_bias=False, full_attention_interval=2,
            linear_conv_kernel_dim=4, linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=8, linear_value_head_dim=8,
            num_experts=6, num_experts_per_tok=2, moe_intermediate_size=32, shared_expert_intermediate_size=32,
            rope_parameters=dict(rope_type="default", rope_theta=10000000, partial_rotary_factor=0.25, mrope_section=[1, 1, 0], mrope_interleaved=True))
WHOLE = dict(model_type="qwen3_5_moe", text_config=TEXT, tie_word_embeddings=False)


def hf(c):
    """The tensors of Hugging Face's Qwen3_5MoeForConditionalGeneration."""
    D, V, E, I, S = (c[n] for n in ("hidden_size", "vocab_size", "num_experts", "moe_intermediate_size", "shared_expert_intermediate_size"))
    keys, values = c["linear_num_key_heads"] * c["linear_key_head_dim"], c["linear_num_value_heads"] * c["linear_value_head_dim"]
    hq, hkv, d, hv = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"], c["linear_num_value_heads"]
    model = "model.language_model."
    shapes = {"model.visual.patch_embed.proj.weight": (4, 3), "mtp.fc.weight": (D, 2 * D), model + "embed_tokens.weight": (V, D),
              model + "norm.weight": (D,), "lm_head.weight": (V, D)}
    for i in range(c["num_hidden_layers"]):
        at = f"{model}layers.{i}."
        shapes |= {at + "input_layernorm.weight": (D,), at + "post_attention_layernorm.weight": (D,), at + "mlp.gate.weight": (E, D),
                   at + "mlp.shared_expert_gate.weight": (1, D), at + "mlp.experts.gate_up_proj": (E, 2 * I, D), at + "mlp.experts.down_proj": (E, D, I)}
        shapes |= {f"{at}mlp.shared_expert.{n}_proj.weight": (D, S) if n == "down" else (S, D) for n in ("gate", "up", "down")}
        if (i + 1) % c["full_attention_interval"]:
            at += "linear_attn."
            shapes |= {at + "conv1d.weight": (2 * keys + values, 1, c["linear_conv_kernel_dim"]), at + "dt_bias": (hv,), at + "A_log": (hv,),
                       at + "in_proj_qkv.weight": (2 * keys + values, D), at + "in_proj_z.weight": (values, D), at + "in_proj_b.weight": (hv, D),
                       at + "in_proj_a.weight": (hv, D), at + "norm.weight": (c["linear_value_head_dim"],), at + "out_proj.weight": (D, values)}
        else:
            at += "self_attn."
            shapes |= {at + "q_proj.weight": (2 * hq * d, D), at + "k_proj.weight": (hkv * d, D), at + "v_proj.weight": (hkv * d, D),
                       at + "o_proj.weight": (D, hq * d), at + "q_norm.weight": (d,), at + "k_norm.weight": (d,)}
    return shapes


CASES = {
    "plain": dict(config=WHOLE),
    "4-bit": dict(config=WHOLE, quantization=dict(group_size=32, bits=4)),
    "hf": dict(config=WHOLE, hf=hf(TEXT)),
}
