"""Gradients of the tiny llamas of llama_tiny.py by all of their parameters.

usage: llama_grads.py FOLDER      of llama_tiny.py's cases; writes FOLDER/CASE/grads.safetensors

Needs mlx, mlx-cpu and mlx-lm 0.32.2. The loss is the mean cross entropy of each token of the reference's prompts, from the second
on. models/train_test.go compares the loss, the norm of every gradient, and some gradients as they are. Quantised cases have
gradients by the parameters that mlx-lm trains after a freeze of the packed layers.
"""
import json
import sys

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm.models import llama

WHOLE = ("model.layers.0.self_attn.k_proj.weight", "model.layers.1.input_layernorm.weight", "model.layers.1.self_attn.q_proj.bias", "model.norm.weight")


def loss(model, tokens):
    return nn.losses.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:], reduction="mean")


for case in "plain", "gqa", "tied", "bias", "head_dim", "traditional", "llama3", "q4", "mixed":
    folder = f"{sys.argv[1]}/{case}"
    with open(folder + "/config.json") as f:
        config = json.load(f)
    weights = mx.load(folder + "/model.safetensors")
    model = llama.Model(llama.ModelArgs.from_dict(config))
    if q := config.get("quantization"):
        layers = {k: v for k, v in q.items() if isinstance(v, dict)}
        nn.quantize(model, q["group_size"], q["bits"], class_predicate=lambda path, m: f"{path}.scales" in weights and layers.get(path, True))
    model.load_weights(list(weights.items()))
    tokens = mx.load(folder + "/reference.safetensors")["tokens"]
    value, grads = nn.value_and_grad(model, loss)(model, tokens)
    out = {"loss": value}
    for name, g in tree_flatten(grads):
        out["norm." + name] = mx.linalg.norm(g)
        if name in WHOLE:
            out["grad." + name] = g
    mx.save_safetensors(folder + "/grads.safetensors", out)
