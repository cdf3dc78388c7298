"""Qwen2-MoE: experts that are stacked and each by itself. mlx-lm leaves norm_topk_prob, decoder_sparse_step and mlp_only_layers
alone, and tie_word_embeddings; `tweak` puts what transformers' modeling_qwen2_moe.py makes of them into its model."""
import mlx.core as mx
from experts import separate
from mlx_lm.models import qwen2_moe

BASE = dict(model_type="qwen2_moe", hidden_size=32, num_hidden_layers=2, intermediate_size=64, moe_intermediate_size=32,
            shared_expert_intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, vocab_size=32, rms_norm_eps=1e-6,
            rope_theta=1000000.0, max_position_embeddings=512, num_experts=8, num_experts_per_tok=3, decoder_sparse_step=1, norm_topk_prob=False,
            tie_word_embeddings=False)
FEW = dict(BASE, num_experts=4, num_experts_per_tok=2)  # no token is so near to two experts that rounding to bfloat16 decides
BIG = dict(BASE, shared_expert_intermediate_size=64)
HF = separate(qwen2_moe.Model(qwen2_moe.ModelArgs.from_dict(BASE)))


class Normalised(qwen2_moe.Qwen2MoeSparseMoeBlock):
    def __call__(self, x):
        gates = mx.softmax(self.gate(x), axis=-1, precise=True)
        inds = mx.argpartition(-gates, kth=self.top_k - 1, axis=-1)[..., : self.top_k]
        scores = mx.take_along_axis(gates, inds, axis=-1)
        scores = scores / scores.sum(axis=-1, keepdims=True)
        return (self.switch_mlp(x, inds) * scores[..., None]).sum(axis=-2) + mx.sigmoid(self.shared_expert_gate(x)) * self.shared_expert(x)


def normalise(model):
    for layer in model.layers:
        layer.mlp.__class__ = Normalised


def tie(model):
    model.lm_head.weight = model.model.embed_tokens.weight


CASES = {
    "stacked": dict(config=BASE, gradients=True),
    "separate, sorted": dict(config=BASE, hf=HF, length=30),
    "normalised": dict(config=dict(BASE, norm_topk_prob=True), tweak=normalise),
    "tied": dict(config=dict(BASE, tie_word_embeddings=True), tweak=tie),
    "bf16": dict(config=FEW, dtype="bfloat16", length=12),
    "4-bit": dict(config=BIG, length=30, quantization=dict(group_size=32, bits=4)),
}
