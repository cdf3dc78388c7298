"""Writes optim.safetensors and schedules.json: what ten steps of mlx.optimizers
make of four parameters, and rates of mlx.optimizers' schedules.

    python optim.py

The gradients of a step are sin(i * (0.37 + 0.11 * step) + 1.3 * step) over the
index i, the parameters cos(0.7 * i), so that tests make the same. Needs mlx 0.32.2.
"""

import json
import os

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPES = {"matrix": (6, 4), "vector": (5,), "wide": (3, 5), "cube": (4, 2, 3)}

OPTIMIZERS = {
    "sgd": lambda: optim.SGD(0.1),
    "sgd momentum": lambda: optim.SGD(0.1, momentum=0.9, weight_decay=0.02, dampening=0.1),
    "sgd nesterov": lambda: optim.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optim.Adam(0.01),
    "adam corrected": lambda: optim.Adam(0.01, betas=[0.8, 0.95], eps=1e-6, bias_correction=True),
    "adamw": lambda: optim.AdamW(0.01),
    "adamw corrected": lambda: optim.AdamW(0.01, weight_decay=0.1, bias_correction=True),
    "lion": lambda: optim.Lion(0.01),
    "lion decay": lambda: optim.Lion(0.01, betas=[0.8, 0.9], weight_decay=0.1),
    "adafactor": lambda: optim.Adafactor(),
    "adafactor rate": lambda: optim.Adafactor(0.05, relative_step=False, beta_1=0.9, weight_decay=0.1, clip_threshold=0.5),
    "adafactor warmup": lambda: optim.Adafactor(warmup_init=True, scale_parameter=False),
    "muon": lambda: optim.Muon(0.05),
    "muon plain": lambda: optim.Muon(0.05, nesterov=False, weight_decay=0.0, ns_steps=3),
}


def numbers(shape, f):
    n = int(np.prod(shape))
    return np.array([f(i) for i in range(n)], np.float64).reshape(shape).astype(np.float32)


def run(make, dtype):
    opt = make()
    params = {k: mx.array(numbers(s, lambda i: np.cos(0.7 * i))).astype(dtype) for k, s in SHAPES.items()}
    for step in range(10):
        grads = {
            k: mx.array(numbers(s, lambda i: np.sin(i * (0.37 + 0.11 * step) + 1.3 * step))).astype(dtype)
            for k, s in SHAPES.items()
        }
        params = opt.apply_gradients(grads, params)
        mx.eval(params, opt.state)
    state = {k: v for k, v in tree_flatten(opt.state) if k != "learning_rate"}
    return params, state


def main():
    out = {}
    for name, make in OPTIMIZERS.items():
        for dtype in (mx.float32, mx.bfloat16):
            params, state = run(make, dtype)
            kind = "f32" if dtype == mx.float32 else "bf16"
            for k, v in params.items():
                out[f"{name}/{kind}/param/{k}"] = v
            for k, v in state.items():
                out[f"{name}/{kind}/state/{k}"] = v
    grads = {k: mx.array(numbers(SHAPES[k], lambda i: np.sin(i))) for k in ("matrix", "vector")}
    for most in (0.5, 100.0):
        clipped, norm = optim.clip_grad_norm(grads, most)
        out[f"clip {most:g}/norm"] = norm
        for k, v in clipped.items():
            out[f"clip {most:g}/{k}"] = v
    mx.save_safetensors(os.path.join(HERE, "optim.safetensors"), out)

    steps = [0, 1, 2, 9, 10, 11, 20, 99, 100, 150, 1000]
    joined = optim.join_schedules([optim.linear_schedule(0.0, 0.1, 10), optim.cosine_decay(0.1, 200), optim.exponential_decay(0.01, 0.99)], [10, 120])
    schedules = {
        "exponential": optim.exponential_decay(0.1, 0.9),
        "step": optim.step_decay(0.1, 0.5, 10),
        "cosine": optim.cosine_decay(0.1, 100),
        "cosine end": optim.cosine_decay(0.1, 100, 0.02),
        "linear": optim.linear_schedule(0.1, 0.01, 50),
        "joined": joined,
    }
    from mlx_lm.tuner.utils import build_schedule

    schedules["warmup"] = build_schedule({"name": "cosine_decay", "warmup": 10, "warmup_init": 1e-3, "arguments": [0.1, 100, 0.01]})
    rates = {k: [float(mx.array(f(mx.array(s))).item()) for s in steps] for k, f in schedules.items()}
    with open(os.path.join(HERE, "schedules.json"), "w") as f:
        json.dump({"steps": steps, "rates": rates}, f, indent=1)
        f.write("\n")


main()
