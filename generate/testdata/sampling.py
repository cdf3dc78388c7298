"""What mlx_lm.sample_utils keeps of logits.

usage: sampling.py sampling.json

Needs mlx, mlx-cpu and mlx-lm 0.32.2. The JSON is what generate/sampling_test.go compares with: rows of logits, and for each
set of options the log-probabilities of each row after the filters, null for minus infinity, as are logits.
"""
import json
import math
import sys

import mlx.core as mx
from mlx_lm.sample_utils import apply_min_p, apply_top_k, apply_top_p, greedy_sampler

V = 24
mx.random.seed(11)
INF = math.inf
ROWS = {
    "narrow": mx.random.normal((V,)).tolist(),
    "wide": (mx.random.normal((V,)) * 4).tolist(),
    "shifted by a thousand": (mx.random.normal((V,)) * 2 + 1000).tolist(),
    "sure": [0.0] * 9 + [60.0] + [0.0] * 14,
    "equal": [2.5] * V,
    "ties": [1.0, 3.0, 3.0, 2.0, 2.0, 2.0, 1.0, 1.0] * 3,
    "two at the top": [5.0] + [-4.0] * 11 + [5.0] + [-4.0] * 11,
    "banned tokens": [-INF] * 10 + mx.random.normal((4,)).tolist() + [-INF] * 10,
    "one is left": [-INF] * 23 + [-7.0],
    "huge": [1e30, -1e30, 9e29] + [0.0] * 21,
    "small differences": [1 + i * 3e-3 for i in range(V)],
}
OPTIONS = [
    dict(), dict(top_p=0.9), dict(top_p=0.52), dict(top_p=0.99), dict(top_p=1e-3), dict(top_p=1.0),
    dict(min_p=0.05), dict(min_p=0.5), dict(min_p=1.0), dict(min_p=1e-9), dict(top_k=1), dict(top_k=5), dict(top_k=23),
    dict(top_p=0.8, min_p=0.1), dict(top_p=0.9, top_k=3), dict(min_p=0.02, top_k=6), dict(top_p=0.95, min_p=0.02, top_k=4),
    dict(top_p=0.3, min_p=0.9, top_k=20),
]


def filtered(logits, top_p=0.0, min_p=0.0, top_k=0):
    """The chain of make_sampler, without the drawing."""
    x = logits - mx.logsumexp(logits, keepdims=True)
    if 0 < top_p < 1:
        x = apply_top_p(x, top_p)
    if min_p != 0:
        x = apply_min_p(x, min_p)
    if top_k > 0:
        x = apply_top_k(x, top_k)
    return x


def clear(logits, top_p=0.0, min_p=0.0, top_k=0):
    """Whether rounding decides nothing: no token is within 1e-4 of a filter's edge."""
    x = logits[0] - mx.logsumexp(logits)
    probs = mx.exp(mx.sort(x))
    above = mx.cumsum(probs, reverse=True, inclusive=False)
    close = top_p in (0.0, 1.0) or mx.abs(above - top_p).min().item() > 1e-4
    return close and (min_p in (0.0, 1.0) or mx.abs(x - mx.max(x) - math.log(min_p)).min().item() > 1e-4)


def finite(values):
    return [None if v == -INF else v for v in values]


rows = {name: mx.array([r]) for name, r in ROWS.items()}
assert all(clear(r, **o) for r in rows.values() for o in OPTIONS)
cases = [dict(options=o, kept={name: finite(filtered(r, **o)[0].tolist()) for name, r in rows.items()}) for o in OPTIONS]
with open(sys.argv[1], "w") as f:
    json.dump(dict(logits={name: finite(r[0].tolist()) for name, r in rows.items()},
                   greedy={name: greedy_sampler(r).item() for name, r in rows.items()}, cases=cases), f)
