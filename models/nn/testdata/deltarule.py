"""The gated delta rule by mlx-lm's gated_delta_ops, position after position: deltarule.safetensors.

usage: deltarule.py        needs mlx, mlx-cpu and mlx-lm 0.32.2

    long      2 sequences of 150 positions, 2 heads of keys, 4 of values: in.* are q, k, v, decay, beta and the first state, y the results,
              state.N the state after N positions, y16 and state16 those of bfloat16 inputs. The keys of the second head hardly change, and
              its values are not forgotten: there the powers of a triangular matrix explode. Decays of the second head of values are huge or none.
    grad      1 sequence of 21 positions, with the gradients of sum(y*cot) (internal/reftest)
"""
import pathlib

import mlx.core as mx
import numpy as np
from mlx_lm.models.gated_delta import gated_delta_ops

HERE = pathlib.Path(__file__).parent
rng = np.random.RandomState(6)
arrays = {}


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def inputs(B, L, Hk, Hv, Dk, Dv):
    q, k, v, state = normal(B, L, Hk, Dk), normal(B, L, Hk, Dk), normal(B, L, Hv, Dv), normal(B, Hv, Dv, Dk)
    decay, beta = -rng.exponential(0.3, (B, L, Hv)).astype(np.float32), rng.uniform(0, 1, (B, L, Hv)).astype(np.float32)
    k[:, :, 1] = k[:, :1, 1] + 0.01 * k[:, :, 1]
    decay[:, :, 1] = np.where(rng.uniform(size=(B, L)) < 0.2, -30, -1e-3)
    decay[:, :, 2], beta[:, :, 2] = 0, 1
    decay[:, :, 3] *= 1e-2
    q, k = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (q, k))
    return [mx.array(x) for x in (q, k, v, decay, beta, state)]


def rule(q, k, v, decay, beta, state):
    return gated_delta_ops(q, k, v, mx.exp(decay), beta, state)


def long(name):
    x = inputs(2, 150, 2, 4, 8, 4)
    arrays.update({f"{name}/in.{i}": a for i, a in enumerate(x)})
    *x, state = x
    y, _ = rule(*x, state)
    arrays[f"{name}/y"] = y
    for n in (1, 3, 5, 64, 65, 128, 150):
        arrays[f"{name}/state.{n}"] = rule(*(a[:, :n] for a in x), state)[1]
    half = [a if i == 3 else a.astype(mx.bfloat16) for i, a in enumerate(x)]
    arrays[f"{name}/y16"], arrays[f"{name}/state16"] = rule(*half, state)


def grad(name):
    x = inputs(1, 21, 2, 4, 6, 5)
    cot = mx.array(normal(1, 21, 4, 5))
    arrays.update({f"{name}/in.{i}": a for i, a in enumerate(x)})
    arrays[f"{name}/out"], arrays[f"{name}/cot"] = rule(*x)[0], cot
    grads = mx.grad(lambda *x: (rule(*x)[0] * cot).sum(), argnums=tuple(range(6)))(*x)
    arrays.update({f"{name}/gin.{i}": a for i, a in enumerate(grads)})


long("long")
grad("grad")
mx.save_safetensors(str(HERE / "deltarule.safetensors"), arrays)
