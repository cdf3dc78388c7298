"""Qwen3-MoE: weights that add up to 1 and not, dense layers between, experts that are stacked and each by itself."""
from mlx.utils import tree_flatten
from mlx_lm.models import qwen3_moe

BASE = dict(model_type="qwen3_moe", hidden_size=32, num_hidden_layers=2, intermediate_size=64, moe_intermediate_size=32, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, vocab_size=32, rms_norm_eps=1e-6, rope_theta=1000000.0, max_position_embeddings=512,
            num_experts=8, num_experts_per_tok=3, decoder_sparse_step=1, mlp_only_layers=[], norm_topk_prob=True, tie_word_embeddings=False)
MIXED = dict(BASE, num_hidden_layers=4, decoder_sparse_step=2, mlp_only_layers=[3], norm_topk_prob=False)
FEW = dict(BASE, num_experts=4, num_experts_per_tok=2)  # no token is so near to two experts that rounding to bfloat16 decides


def hf(config):
    """The tensors of Hugging Face."""
    out = {}
    for k, v in tree_flatten(qwen3_moe.Model(qwen3_moe.ModelArgs.from_dict(config)).parameters()):
        before, stacked, after = k.partition("switch_mlp.")
        out.update({f"{before}experts.{e}.{after}": v.shape[1:] for e in range(v.shape[0])} if stacked else {k: v.shape})
    return out


CASES = {
    "stacked": dict(config=BASE),
    "separate, sorted": dict(gradients=True, config=BASE, hf=hf(BASE), length=30),
    "dense layers": dict(gradients=True, config=MIXED, hf=hf(MIXED)),
    "tied": dict(config=dict(BASE, tie_word_embeddings=True)),
    "bf16": dict(config=FEW, hf=hf(FEW), dtype="bfloat16", length=12),
    "4-bit, 8-bit routers": dict(config=BASE, length=30, quantization={
        "group_size": 32, "bits": 4, **{f"model.layers.{i}.mlp.gate": dict(group_size=32, bits=8) for i in range(2)}}),
}
