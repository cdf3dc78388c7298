"""Gemma 2: soft caps and windows. mlx-lm's gemma2 attends to everything in every layer; transformers' modeling_gemma2.py gives
every second layer, the first one included, a window. `tweak` masks like that: only so are prompts longer than the window right."""
import mlx.core as mx
from mlx_lm.models import gemma2

BASE = dict(model_type="gemma2", hidden_size=64, num_hidden_layers=3, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, vocab_size=32, rms_norm_eps=1e-6, query_pre_attn_scalar=24, sliding_window=6, attn_logit_softcapping=0.5,
            final_logit_softcapping=2.0, rope_theta=10000.0, max_position_embeddings=512, hidden_activation="gelu_pytorch_tanh")
BARE = {k: v for k, v in BASE.items() if k not in ("query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping", "rope_theta")}
FULL = ["full_attention", "full_attention", "sliding_attention"]


class Windows(gemma2.GemmaModel):
    types = ["sliding_attention", "full_attention"] * 2

    def __call__(self, inputs, cache=None):
        h = self.embed_tokens(inputs) * self.args.hidden_size**0.5
        at = mx.arange(inputs.shape[1])
        distance = at[:, None] - at
        for layer, kind in zip(self.layers, self.types):
            h = layer(h, (distance >= 0) & (distance < (6 if kind == "sliding_attention" else 1000)), None)
        return self.norm(h)


class OtherWindows(Windows):
    types = FULL


def windows(model):
    model.model.__class__ = Windows


def other_windows(model):
    model.model.__class__ = OtherWindows


def defaults(model):
    """transformers' query_pre_attn_scalar is 256, mlx-lm's 144."""
    windows(model)
    for layer in model.layers:
        layer.self_attn.scale = 1 / 16


def uncapped(model):
    """A cap of null is none."""
    windows(model)
    model.final_logit_softcapping = 1e9
    for layer in model.layers:
        layer.self_attn.attn_logit_softcapping = 1e9


CASES = {
    "windows": dict(config=BASE, tweak=windows),
    "layer types": dict(config=dict(BASE, layer_types=FULL), tweak=other_windows),
    "a window that nothing is beyond": dict(config=dict(BASE, sliding_window=4096)),
    "defaults": dict(config=dict(BARE, rope_parameters=dict(rope_type="default", rope_theta=10000.0)), tweak=defaults),
    "no caps": dict(config=dict(BASE, attn_logit_softcapping=None, final_logit_softcapping=None), tweak=uncapped),
    "bf16": dict(config=dict(BASE, query_pre_attn_scalar=256), dtype="bfloat16", tweak=windows),
    "4-bit": dict(config=BASE, quantization=dict(group_size=32, bits=4), tweak=windows),
}
