"""Gemma 3: windows, two rope bases, linear scaling, an output layer of its own. What mlx-lm does not read is put into its
model by `tweak`: rope_parameters and layer_types as transformers' configuration_gemma3.py means them, and the softcaps."""
import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models import gemma3_text
from mlx_lm.models.rope_utils import initialize_rope

BASE = dict(model_type="gemma3_text", hidden_size=64, num_hidden_layers=4, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, vocab_size=32, rms_norm_eps=1e-6, rope_theta=1000000.0, rope_local_base_freq=10000.0, query_pre_attn_scalar=24,
            sliding_window=6, sliding_window_pattern=3, max_position_embeddings=512, rope_scaling=None)
LINEAR = dict(BASE, rope_scaling=dict(rope_type="linear", factor=8.0))
NEW = {k: v for k, v in BASE.items() if k not in ("rope_theta", "rope_local_base_freq", "rope_scaling", "sliding_window_pattern")}
ROPES = dict(full_attention=dict(rope_type="linear", factor=4.0, rope_theta=500000.0), sliding_attention=dict(rope_type="default", rope_theta=500.0))
NEW.update(layer_types=["sliding_attention", "full_attention"] * 2, rope_parameters=ROPES)


def tied(config):
    """The tensors of Hugging Face: no lm_head."""
    model = gemma3_text.Model(gemma3_text.ModelArgs.from_dict(config))
    return {k: v.shape for k, v in tree_flatten(model.parameters()) if k != "lm_head.weight"}


def new_style(model):
    model.args.sliding_window_pattern = model.model.sliding_window_pattern = 2
    for layer, kind in zip(model.layers, NEW["layer_types"]):
        layer.self_attn.rope = initialize_rope(16, ROPES[kind]["rope_theta"], False, ROPES[kind])


class Capped(gemma3_text.Model):
    def __call__(self, *args, **kwargs):
        return 2 * mx.tanh(super().__call__(*args, **kwargs) / 2)


class CappedAttention(gemma3_text.Attention):
    def __call__(self, x, mask=None, cache=None):
        B, L, _ = x.shape
        q, k, v = (p(x).reshape(B, L, -1, self.head_dim).transpose(0, 2, 1, 3) for p in (self.q_proj, self.k_proj, self.v_proj))
        offset = cache.offset if cache else 0
        q, k = self.rope(self.q_norm(q), offset=offset), self.rope(self.k_norm(k), offset=offset)
        if cache:
            k, v = cache.update_and_fetch(k, v)
        scores = q * self.scale @ mx.repeat(k, self.repeats, 1).swapaxes(-1, -2)
        scores = 0.3 * mx.tanh(scores / 0.3)
        if isinstance(mask, mx.array):
            scores = mx.where(mask, scores, -1e30)
        elif mask == "causal":
            scores = mx.where(mx.tri(L, k.shape[2], k.shape[2] - L, dtype=mx.bool_), scores, -1e30)
        out = mx.softmax(scores, axis=-1) @ mx.repeat(v, self.repeats, 1)
        return self.o_proj(out.transpose(0, 2, 1, 3).reshape(B, L, -1))


def cap(model):
    model.__class__ = Capped
    for layer in model.layers:
        layer.self_attn.__class__ = CappedAttention


CASES = {
    "tied": dict(config=BASE, hf=tied(BASE)),
    "untied": dict(config=dict(BASE, tie_word_embeddings=False)),
    "an output layer that the configuration does not tell of": dict(config=BASE),
    "no window": dict(config=dict(BASE, sliding_window_pattern=1), hf=tied(BASE)),
    "linear": dict(config=LINEAR, hf=tied(BASE)),
    "rope parameters and layer types": dict(config=NEW, hf=tied(BASE), tweak=new_style),
    "softcaps": dict(config=dict(BASE, attn_logit_softcapping=0.3, final_logit_softcapping=2.0), hf=tied(BASE), tweak=cap),
    "bf16": dict(config=dict(LINEAR, query_pre_attn_scalar=256), hf=tied(BASE), dtype="bfloat16"),
    "4-bit": dict(config=LINEAR, hf=tied(BASE), quantization=dict(group_size=32, bits=4)),
}
