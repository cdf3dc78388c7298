"""Experts of mlx_lm: what SwitchGLU makes of random inputs, its gradients, and its packed forms.

usage: switch.py switch.safetensors

Needs mlx, mlx-cpu and mlx-lm 0.32.2. models/nn/switch_test.go compares. "glu." cases are of 4 experts, 8 wide and 12 within: their
inputs "CASE/in.0" (x) and "CASE/in.1" (indices), parameters "CASE/w.NAME", output "CASE/out", cotangent "CASE/cot" and gradients
"CASE/gin.0", "CASE/g.NAME". "packed/" has weights of 3 experts, 32 wide, "packed.MODE/" the packed ones and outputs.
"""
import sys

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_map, tree_unflatten
from mlx_lm.models.activations import SwigluOAI
from mlx_lm.models.switch_layers import SwitchGLU, SwitchLinear

gather_qmm = mx.gather_qmm
mx.gather_qmm = lambda *a, global_scale=None, **k: gather_qmm(*a, **k)  # mlx-lm 0.32.2 gives it an argument of a later MLX
mx.random.seed(17)
out = {}
SHAPES = {"few": (2, 3), "many": (2, 16), "step": (2,)}


def routes(shape, experts, k=2):
    return mx.argsort(mx.random.normal((*shape, experts)), axis=-1)[..., :k].astype(mx.uint32)


def random(module, scale):
    module.update(tree_map(lambda w: mx.random.normal(w.shape) * scale, module.parameters()))
    return module


def record(case, module, shape):
    x, indices = mx.random.normal((*shape, 8)), routes(shape, 4)
    params = dict(tree_flatten(module.parameters()))

    def fn(params, x):
        module.update(tree_unflatten(list(params.items())))
        return module(x, indices)

    y = fn(params, x)
    cot = mx.random.normal(y.shape)
    g, gx = mx.grad(lambda p, x: mx.sum(fn(p, x) * cot), argnums=(0, 1))(params, x)
    out.update({f"{case}/in.0": x, f"{case}/in.1": indices, f"{case}/out": y, f"{case}/cot": cot, f"{case}/gin.0": gx})
    out.update({f"{case}/w.{k}": w for k, w in params.items()} | {f"{case}/g.{k}": w for k, w in g.items()})


for name, shape in SHAPES.items():
    record("glu.plain." + name, random(SwitchGLU(8, 12, 4), 0.3), shape)
    record("glu.biased." + name, random(SwitchGLU(8, 12, 4, activation=SwigluOAI(), bias=True), 2), shape)

module = random(SwitchGLU(32, 32, 3, bias=True), 0.3)
out.update({f"packed/w.{k}": w for k, w in tree_flatten(module.parameters())})
xs = {name: (mx.random.normal((*shape, 32)), routes(shape, 3)) for name, shape in SHAPES.items()}
for name, (x, indices) in xs.items():
    out[f"packed.{name}/in.0"], out[f"packed.{name}/in.1"] = x, indices
weights = tree_flatten(module.parameters())
for mode, group, bits in ("affine", 32, 4), ("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4):
    module = SwitchGLU(32, 32, 3, bias=True)
    module.load_weights(weights)
    nn.quantize(module, group, bits, mode=mode)
    out.update({f"packed.{mode}/q.{k}": w for k, w in tree_flatten(module.parameters()) if not k.endswith("bias")})
    for name, (x, indices) in xs.items():
        out[f"packed.{mode}/{name}"] = module(x, indices)

TIES = mx.array([[1.0, 3, 3, 2, 3, 3, 1, 0], [2, 2, 2, 2, 2, 2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]])
out["ties/in"] = TIES
for k in 1, 3, 8:
    out[f"ties/last.{k}"] = mx.argpartition(TIES, kth=-k, axis=-1)[..., -k:]
    out[f"ties/negated.{k}"] = mx.argpartition(-TIES, kth=k - 1, axis=-1)[..., :k]
scores = mx.random.normal((2, 3, 2))
out["mix/in.0"], out["mix/in.1"] = mx.random.normal((2, 3, 2, 8)), scores
out["mix/out"] = (out["mix/in.0"] * scores[..., None]).sum(axis=-2)

mx.random.seed(5)
module = SwitchLinear(8, 6, 3)
out.update({f"init/{k}": w for k, w in tree_flatten(module.parameters())})

mx.save_safetensors(sys.argv[1], out)
