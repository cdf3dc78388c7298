"""Mixtral: experts that are stacked, and each by itself as Hugging Face has them; few rows, and as many as are sorted by expert."""
from mlx.utils import tree_flatten
from mlx_lm.models import mixtral

BASE = dict(model_type="mixtral", hidden_size=32, num_hidden_layers=2, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=1000000.0, max_position_embeddings=512, num_local_experts=4, num_experts_per_tok=2,
            sliding_window=None, tie_word_embeddings=False)
NAMES = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}


def hf(config):
    """The tensors of Hugging Face."""
    out = {}
    for k, v in tree_flatten(mixtral.Model(mixtral.ModelArgs.from_dict(config)).parameters()):
        before, stacked, after = k.partition("switch_mlp.")
        if not stacked:
            out[k] = v.shape
            continue
        layer, part = after.split(".")
        out.update({f"{before}experts.{e}.{NAMES[layer]}.{part}": v.shape[1:] for e in range(v.shape[0])})
    return out


CASES = {
    "stacked": dict(gradients=True, config=BASE),
    "separate, sorted": dict(gradients=True, config=BASE, hf=hf(BASE), length=40),
    "one expert, tied": dict(config=dict(BASE, num_experts_per_tok=1, tie_word_embeddings=True)),
    "bf16": dict(config=BASE, hf=hf(BASE), dtype="bfloat16"),
    "4-bit, sorted": dict(config=BASE, quantization=dict(group_size=32, bits=4), length=40),
}
