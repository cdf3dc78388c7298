"""Greedy tokens of mlx-lm with caches of bounded size and quantised ones.

usage: kvcache.py      writes kvcache.json

Needs mlx, mlx-cpu and mlx-lm 0.32.2. The model is a tiny llama whose weights both sides make from the tensors' names (parity.py), five times as large, so
that the tokens wander and any wrong key shows in all that follow. mlx-lm ignores max_kv_size for models that make their own cache: it is given the one that its
make_prompt_cache makes for the others.
"""
import json
import pathlib

import mlx.core as mx
import parity
from mlx.utils import tree_flatten
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import RotatingKVCache
from mlx_lm.utils import _get_classes

LAYERS, SCALE, VOCAB = 2, 5, 512
CONFIG = dict(model_type="llama", hidden_size=64, num_hidden_layers=LAYERS, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
              vocab_size=VOCAB, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False)

# name: (prompt tokens, tokens to generate, max_kv_size, other arguments of generate_step)
CASES = {
    "plain": (20, 200, 0, {}),
    "max 64": (20, 200, 64, {}),
    "max 64, long prompt": (150, 60, 64, dict(prefill_step_size=2048)),
    "max 64, prompt in chunks": (150, 60, 64, dict(prefill_step_size=32)),
    "max 5": (3, 40, 5, {}),
    "max 300": (270, 100, 300, dict(prefill_step_size=100)),
    "8 bits": (20, 100, 0, dict(kv_bits=8, kv_group_size=32, quantized_kv_start=0)),
    "4 bits": (20, 100, 0, dict(kv_bits=4, kv_group_size=32, quantized_kv_start=0)),
    "8 bits after 50": (20, 100, 0, dict(kv_bits=8, kv_group_size=32, quantized_kv_start=50)),
    "4 bits after 50": (20, 100, 0, dict(kv_bits=4, kv_group_size=32, quantized_kv_start=50)),
    "4 bits, prompt in chunks": (150, 130, 0, dict(kv_bits=4, kv_group_size=32, quantized_kv_start=40, prefill_step_size=32)),
    "6 bits of one token": (1, 40, 0, dict(kv_bits=6, kv_group_size=32, quantized_kv_start=0)),
}


def main():
    Model, Args = _get_classes(CONFIG)
    model = Model(Args.from_dict(CONFIG))
    shapes = {k: v.shape for k, v in tree_flatten(model.parameters())}
    model.load_weights([(k, parity.tensor(k, s) * (SCALE if len(s) > 1 else 1)) for k, s in shapes.items()])
    cases = {}
    for name, (length, n, size, kw) in CASES.items():
        prompt = (parity.bits(7, length) % VOCAB).tolist()
        cache = [RotatingKVCache(max_size=size, keep=4) for _ in range(LAYERS)] if size else None
        tokens, margin = [], 1e9
        for token, logprobs in generate_step(mx.array(prompt), model, max_tokens=n, prompt_cache=cache, **kw):
            tokens.append(token)
            top = mx.topk(logprobs, 2)
            margin = min(margin, abs((top[1] - top[0]).item()))
        assert margin > 1e-4, (name, margin)  # beyond what rounding does
        cases[name] = dict(prompt=prompt, tokens=tokens, max_kv_size=size, **kw)
        print(name, len(set(tokens)), margin)
    head = dict(config=CONFIG, scale=SCALE, tensors=[[k, list(s)] for k, s in shapes.items()])
    lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in cases.items()]
    text = json.dumps(head, separators=(",", ":"))[:-1] + ',\n"cases":{\n' + ",\n".join(lines) + "\n}}\n"
    (pathlib.Path(__file__).parent / "kvcache.json").write_text(text)


if __name__ == "__main__":
    main()
