"""Layers of mlx.nn and mlx_lm with random weights, and what they make of random inputs.

usage: layers.py layers.safetensors

Needs mlx, mlx-cpu and mlx-lm 0.32.2. models/nn/layers_test.go loads the weights as a checkpoint and compares: tensors that
begin with "in." are inputs, "out.LAYER.INPUT" outputs, the others are the checkpoint.
"""
import sys

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.models.activations import swiglu

D = 64
mx.random.seed(5)
out = {"in.prompt": mx.random.normal((2, 5, D)), "in.step": mx.random.normal((2, D)),
       "in.ids": mx.array([[3, 0, 39, 7], [7, 7, 1, 38]]), "in.id": mx.array([39, 5])}


def random(layer):
    shape = layer.weight.shape
    layer.update(nn.utils.tree_map(lambda w: mx.random.normal(w.shape) * 0.3 + (1 if shape == (D,) else 0), layer.parameters()))
    return layer


def dump(name, layer, inputs, call=None):
    out.update({f"{name}.{k}": w for k, w in tree_flatten(layer.parameters())})
    for i in inputs:
        out[f"out.{name}.{i}"] = (call or layer)(out["in." + i])


acts = ["prompt", "step"]
dump("plain", random(nn.Linear(D, 48, bias=False)), acts)
dump("biased", random(nn.Linear(D, 32)), acts)
dump("other", random(nn.Linear(D, 48)), acts)
for name, size, bits, mode in ("q4", 32, 4, "affine"), ("q4b", 32, 4, "affine"), ("q8", 64, 8, "affine"), ("q5", 32, 5, "affine"), \
        ("fp4", 32, 4, "mxfp4"):
    dump(name, nn.QuantizedLinear.from_linear(random(nn.Linear(D, 48, bias=name != "q8")), size, bits, mode=mode), acts)

for name, mode in ("dense", None), ("packed", "affine"), ("packedfp4", "mxfp4"):
    embedding = random(nn.Embedding(40, D))
    if mode:
        embedding = nn.QuantizedEmbedding.from_embedding(embedding, 32, 4, mode=mode)
    dump(name, embedding, ["ids", "id"])
    dump(name, embedding, acts, embedding.as_linear)

for name, eps in ("norm", 1e-5), ("loosenorm", 0.5):
    norm = random(nn.RMSNorm(D, eps))
    dump(name, norm, acts)

out["in.heads"], out["in.row"] = mx.random.normal((2, 3, 5, 16)), mx.random.normal((2, 3, 1, 16))

# Four heads of 16: as every attention of mlx_lm writes it.
out["out.split.prompt"] = out["in.prompt"].reshape(2, 5, 4, -1).transpose(0, 2, 1, 3)
out["out.split.step"] = out["in.step"][:, None].reshape(2, 1, 4, -1).transpose(0, 2, 1, 3)
out["out.merge.heads"] = out["in.heads"].transpose(0, 2, 1, 3).reshape(2, 5, -1)
out["out.merge.row"] = out["in.row"].transpose(0, 2, 1, 3).reshape(2, 1, -1)[:, 0]
for x in acts:
    out["out.swiglu." + x] = swiglu(out["in." + x], out["in." + x][..., ::-1] * 3)

mx.save_safetensors(sys.argv[1], out)
