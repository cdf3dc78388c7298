"""Granite MoE: experts as mlx-lm has them and as Hugging Face, gate above up."""
from mlx.utils import tree_flatten
from mlx_lm.models import granitemoe

BASE = dict(model_type="granitemoe", hidden_size=32, num_hidden_layers=2, intermediate_size=32, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512, attention_bias=False, embedding_multiplier=12.0,
            attention_multiplier=0.015625, residual_multiplier=0.22, logits_scaling=6.0, num_local_experts=8, num_experts_per_tok=3,
            tie_word_embeddings=True)
FEW = dict(BASE, num_local_experts=4, num_experts_per_tok=2)  # no token is so near to two experts that rounding to bfloat16 decides


def hf(config):
    """The tensors of Hugging Face."""
    out = {}
    for k, v in tree_flatten(granitemoe.Model(granitemoe.ModelArgs.from_dict(config)).parameters()):
        e, rows, columns = v.shape if "switch_mlp" in k else (0, 0, 0)
        if "gate_proj" in k:
            out[k.replace("switch_mlp.gate_proj", "input_linear")] = (e, 2 * rows, columns)
        elif "up_proj" not in k:
            out[k.replace("switch_mlp.down_proj", "output_linear")] = v.shape
    return out


CASES = {
    "stacked": dict(config=BASE, gradients=True),
    "Hugging Face, sorted": dict(config=BASE, hf=hf(BASE), length=30),
    "untied": dict(config=dict(BASE, tie_word_embeddings=False), hf=hf(dict(BASE, tie_word_embeddings=False))),
    "bf16": dict(config=FEW, hf=hf(FEW), dtype="bfloat16", length=12),
    "4-bit": dict(config=BASE, length=30, quantization=dict(group_size=32, bits=4)),
}
