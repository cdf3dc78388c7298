"""Qwen3.5: gated delta nets and gated attention; the names of MLX and of Hugging Face, whose vision and further heads are left out."""
TEXT = dict(model_type="qwen3_5_text", hidden_size=32, num_hidden_layers=4, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, vocab_size=32, rms_norm_eps=1e-6, max_position_embeddings=512, tie_word_embeddings=False, attention_bias=False,
            full_attention_interval=4, linear_conv_kernel_dim=4, linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=8,
            linear_value_head_dim=6, attn_output_gate=True,
            rope_parameters=dict(rope_type="default", rope_theta=10000000, partial_rotary_factor=0.25, mrope_section=[1, 1, 0], mrope_interleaved=True))
WHOLE = dict(model_type="qwen3_5", text_config=TEXT, tie_word_embeddings=False)
WIDE = dict(TEXT, linear_value_head_dim=8)


def hf(config, prefix="model.language_model."):
    """The tensors of Hugging Face's Qwen3_5ForConditionalGeneration."""
    D, I, V = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    hq, hkv, d = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    hv, keys = config["linear_num_value_heads"], config["linear_num_key_heads"] * config["linear_key_head_dim"]
    values = hv * config["linear_value_head_dim"]
    shapes = {"model.visual.patch_embed.proj.weight": (4, 3), "mtp.fc.weight": (D, 2 * D), prefix + "embed_tokens.weight": (V, D),
              prefix + "norm.weight": (D,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (V, D)
    for i in range(config["num_hidden_layers"]):
        at = f"{prefix}layers.{i}."
        shapes |= {at + "input_layernorm.weight": (D,), at + "post_attention_layernorm.weight": (D,), at + "mlp.gate_proj.weight": (I, D),
                   at + "mlp.up_proj.weight": (I, D), at + "mlp.down_proj.weight": (D, I)}
        if (i + 1) % config["full_attention_interval"]:
            at += "linear_attn."
            shapes |= {at + "conv1d.weight": (2 * keys + values, 1, config["linear_conv_kernel_dim"]), at + "dt_bias": (hv,), at + "A_log": (hv,),
                       at + "in_proj_qkv.weight": (2 * keys + values, D), at + "in_proj_z.weight": (values, D), at + "in_proj_b.weight": (hv, D),
                       at + "in_proj_a.weight": (hv, D), at + "norm.weight": (config["linear_value_head_dim"],), at + "out_proj.weight": (D, values)}
        else:
            at += "self_attn."
            shapes |= {at + "q_proj.weight": (2 * hq * d, D), at + "k_proj.weight": (hkv * d, D), at + "v_proj.weight": (hkv * d, D),
                       at + "o_proj.weight": (D, hq * d), at + "q_norm.weight": (d,), at + "k_norm.weight": (d,)}
    return shapes


CASES = {
    "plain": dict(config=WHOLE),
    "long": dict(config=WHOLE, length=150),
    "tied": dict(config=dict(WHOLE, text_config=dict(TEXT, tie_word_embeddings=True), tie_word_embeddings=True)),
    "bias, one key head": dict(config=dict(WHOLE, text_config=dict(TEXT, attention_bias=True, linear_num_key_heads=1))),
    "bf16": dict(config=dict(WHOLE, text_config=dict(TEXT, num_hidden_layers=2, full_attention_interval=2)), dtype="bfloat16", length=80),
    "4-bit": dict(config=dict(WHOLE, text_config=WIDE), quantization=dict(group_size=32, bits=4)),
    "hf": dict(config=WHOLE, hf=hf(TEXT)),
    "hf, text alone": dict(config=dict(TEXT, model_type="qwen3_5"), hf=hf(TEXT, "model.")),
}
