"""Losses of mlx.nn.losses on random inputs, and their gradients.

usage: losses.py losses.safetensors

Needs mlx and mlx-cpu 0.32.2. models/nn/losses compares. For each case there are its inputs "CASE/in.0", its value "CASE/out", and
the gradients of sum(out) by the inputs "CASE/gin.0" that are floats.
"""
import sys

import mlx.core as mx
import mlx.nn as nn

mx.random.seed(12)
out = {}
L = nn.losses


def record(case, fn, *inputs):
    wrt = [i for i, x in enumerate(inputs) if mx.issubdtype(x.dtype, mx.floating)]

    def loss(*some):
        all = list(inputs)
        for i, x in zip(wrt, some):
            all[i] = x
        return mx.sum(fn(*all))

    out[case + "/out"] = fn(*inputs)
    for i, x in enumerate(inputs):
        out[f"{case}/in.{i}"] = x
    for i, g in zip(wrt, mx.grad(lambda some: loss(*some))([inputs[i] for i in wrt])):
        out[f"{case}/gin.{i}"] = g


logits, classes = mx.random.normal((3, 4, 5)) * 3, mx.random.randint(0, 5, (3, 4))
probs, weights = mx.softmax(mx.random.normal((3, 4, 5)), axis=-1), mx.random.uniform(0, 1, (3, 4))
record("cross_entropy", L.cross_entropy, logits, classes)
record("cross_entropy.probs", L.cross_entropy, logits, probs)
record("cross_entropy.weights", lambda x, y, w: L.cross_entropy(x, y, weights=w, reduction="mean"), logits, classes, weights)
record("cross_entropy.smooth", lambda x, y: L.cross_entropy(x, y, label_smoothing=0.3, reduction="sum"), logits, classes)
record("cross_entropy.smoothprobs", lambda x, y: L.cross_entropy(x, y, label_smoothing=0.3), logits, probs)
record("cross_entropy.axis", lambda x, y: L.cross_entropy(x, y, axis=1), logits, mx.random.randint(0, 4, (3, 5)))
record("binary_cross_entropy", L.binary_cross_entropy, logits, probs)
p = mx.concatenate([mx.random.uniform(0.01, 0.99, (10,)), mx.array([0.0, 1.0])])
record("binary_cross_entropy.probs", lambda x, y, w: L.binary_cross_entropy(x, y, weights=w, with_logits=False, reduction="none"),
       mx.random.uniform(0.01, 0.99, (12,)), mx.random.uniform(0, 1, (12,)), mx.random.uniform(0, 1, (12,)))
out["binary_cross_entropy.clipped/in.0"], out["binary_cross_entropy.clipped/in.1"] = p, 1 - p
out["binary_cross_entropy.clipped/out"] = L.binary_cross_entropy(p, 1 - p, with_logits=False, reduction="none")

a, b, c = [mx.random.normal((4, 6)) * 2 for _ in range(3)]
sign = mx.where(mx.random.uniform(shape=(4, 6)) > 0.5, 1.0, -1.0)
record("l1", L.l1_loss, a, b)
record("mse", L.mse_loss, a, b)
record("mse.sum", lambda x, y: L.mse_loss(x, y, reduction="sum"), a, b)
record("nll", L.nll_loss, nn.log_softmax(logits), classes)
record("nll.axis", lambda x, y: L.nll_loss(x, y, axis=0, reduction="mean"), logits, mx.random.randint(0, 3, (4, 5)))
record("gaussian_nll", L.gaussian_nll_loss, a, b, mx.abs(c))
record("gaussian_nll.full", lambda x, y, v: L.gaussian_nll_loss(x, y, v, full=True, eps=0.5, reduction="none"), a, b, mx.abs(c))
record("kl_div", L.kl_div_loss, nn.log_softmax(a), nn.log_softmax(b))
record("kl_div.axis", lambda x, y: L.kl_div_loss(x, y, axis=0, reduction="sum"), nn.log_softmax(a, axis=0), nn.log_softmax(b, axis=0))
record("smooth_l1", L.smooth_l1_loss, a, b)
record("smooth_l1.beta", lambda x, y: L.smooth_l1_loss(x, y, beta=2.5, reduction="none"), a, b)
record("triplet", L.triplet_loss, a, b, c)
record("triplet.all", lambda x, y, z: L.triplet_loss(x, y, z, axis=0, p=3, margin=0.5, eps=0.01, reduction="mean"), a, b, c)
record("hinge", L.hinge_loss, a, sign)
record("huber", L.huber_loss, a, b)
record("huber.delta", lambda x, y: L.huber_loss(x, y, delta=0.7, reduction="mean"), a, b)
record("log_cosh", L.log_cosh_loss, a, b)
record("cosine_similarity", L.cosine_similarity_loss, a, b)
record("cosine_similarity.axis", lambda x, y: L.cosine_similarity_loss(x, y, axis=0, eps=30.0, reduction="sum"), a, b)
record("margin_ranking", L.margin_ranking_loss, a, b, sign)
record("margin_ranking.margin", lambda x, y, t: L.margin_ranking_loss(x, y, t, margin=0.4, reduction="mean"), a, b, sign)

if __name__ == "__main__":
    mx.save_safetensors(sys.argv[1], out)
