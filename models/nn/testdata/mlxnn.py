"""Layers, activations and losses of mlx.nn: what they make of random inputs, and their gradients.

usage: mlxnn.py mlxnn.safetensors

Needs mlx and mlx-cpu 0.32.2. The tests of models/nn and models/nn/losses compare. For each case there are its inputs "CASE/in.0",
its parameters "CASE/w.NAME", its output "CASE/out", a random cotangent "CASE/cot" of the output, and the gradients of
sum(out * cot) by the inputs "CASE/gin.0" and by the parameters "CASE/g.NAME".
"""
import math
import sys

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_map, tree_unflatten

mx.random.seed(11)
out = {}
X = mx.random.normal((2, 5, 8))
IMAGE = mx.random.normal((2, 6, 5, 4))


def record(case, fn, inputs, params={}, wrt=None):
    """fn(params, *inputs); wrt are the inputs to differentiate by, all that are floats where it is None."""
    y = fn(params, *inputs)
    cot = mx.random.normal(y.shape)
    wrt = [i for i, x in enumerate(inputs) if mx.issubdtype(x.dtype, mx.floating)] if wrt is None else wrt

    def loss(params, some):
        all = list(inputs)
        for i, x in zip(wrt, some):
            all[i] = x
        return mx.sum(fn(params, *all) * cot)

    out[case + "/out"], out[case + "/cot"] = y, cot
    for i, x in enumerate(inputs):
        out[f"{case}/in.{i}"] = x
    for name, w in params.items():
        out[f"{case}/w.{name}"] = w
    g, gin = {}, []
    if params and wrt:
        g, gin = mx.grad(loss, argnums=(0, 1))(params, [inputs[i] for i in wrt])
    elif wrt:
        gin = mx.grad(loss, argnums=1)(params, [inputs[i] for i in wrt])
    elif params:
        g = mx.grad(loss, argnums=0)(params, [])
    for name, w in g.items():
        out[f"{case}/g.{name}"] = w
    for i, x in zip(wrt, gin):
        out[f"{case}/gin.{i}"] = x


def layer(case, module, *inputs, call=None):
    """A module with random parameters. Those that mlx.nn does not train keep their values and get no gradients."""
    trained = dict(tree_flatten(module.trainable_parameters()))
    module.update(tree_unflatten([(k, mx.random.normal(w.shape) * 0.3 + (1 if w.ndim == 1 else 0)) for k, w in trained.items()]))
    fixed = {k: w for k, w in tree_flatten(module.parameters()) if k not in trained}

    def fn(params, *inputs):
        module.update(tree_unflatten(list(params.items())))
        return (call or module)(*inputs)

    record(case, fn, inputs, dict(tree_flatten(module.trainable_parameters())))
    out.update({f"{case}/w.{k}": w for k, w in fixed.items()})


layer("linear", nn.Linear(8, 6), X)
layer("linear.nobias", nn.Linear(8, 6, bias=False), X)
layer("bilinear", nn.Bilinear(8, 4, 3), X, mx.random.normal((2, 5, 4)))
layer("embedding", nn.Embedding(7, 8), mx.array([[3, 0, 6], [3, 3, 1]]))
embedding = nn.Embedding(7, 8)
layer("embedding.as_linear", embedding, X, call=embedding.as_linear)
layer("rmsnorm", nn.RMSNorm(8), X)
layer("layernorm", nn.LayerNorm(8, eps=1e-3), X)
layer("layernorm.nobias", nn.LayerNorm(8, bias=False), X)
layer("layernorm.noaffine", nn.LayerNorm(8, affine=False), X)
layer("instancenorm", nn.InstanceNorm(4, affine=True), IMAGE)
layer("instancenorm.plain", nn.InstanceNorm(8), X)
layer("groupnorm", nn.GroupNorm(2, 8), X)
layer("groupnorm.pytorch", nn.GroupNorm(2, 4, pytorch_compatible=True), IMAGE)
batchnorm = nn.BatchNorm(4)
batchnorm.running_mean, batchnorm.running_var = mx.random.normal((4,)), mx.random.uniform(0.5, 2, (4,))
batchnorm.eval()
layer("batchnorm.eval", batchnorm, IMAGE)
for name, shape in ("batchnorm.train", (2, 6, 5, 4)), ("batchnorm.train2", (7, 4)):
    batchnorm = nn.BatchNorm(4, momentum=0.3)
    layer(name, batchnorm, mx.random.normal(shape) * 2 + 1)
    batchnorm.running_mean, batchnorm.running_var = mx.zeros((4,)), mx.ones((4,))
    batchnorm(out[name + "/in.0"])
    out[name + "/mean"], out[name + "/var"] = batchnorm.running_mean, batchnorm.running_var
layer("prelu", nn.PReLU(8), X)

layer("conv1d", nn.Conv1d(8, 6, 3), X)
layer("conv1d.all", nn.Conv1d(8, 6, 2, stride=2, padding=2, dilation=2, groups=2, bias=False), X)
layer("conv2d", nn.Conv2d(4, 3, 3), IMAGE)
layer("conv2d.all", nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2), IMAGE)
layer("convtranspose1d", nn.ConvTranspose1d(8, 3, 3, stride=2, padding=1, output_padding=1), X)
layer("convtranspose2d", nn.ConvTranspose2d(4, 3, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), output_padding=(1, 0)), IMAGE)
layer("maxpool1d", nn.MaxPool1d(2), X)
layer("maxpool1d.padded", nn.MaxPool1d(3, stride=2, padding=1), X)
layer("avgpool1d", nn.AvgPool1d(2, stride=1), X)
layer("maxpool2d", nn.MaxPool2d(2), IMAGE)
layer("avgpool2d", nn.AvgPool2d((3, 2), stride=(2, 1), padding=(1, 1)), IMAGE)

for name, rope, offset in ("rope", nn.RoPE(8), 3), ("rope.scaled", nn.RoPE(8, scale=0.5, base=500), 3), ("rope.traditional", nn.RoPE(4, traditional=True), 0):
    layer(name, rope, mx.random.normal((1, 2, 3, 8)), call=lambda x: rope(x, offset=offset))
POSITIONS = mx.array([[0.0, 1, 2.5], [7, 100, 3]])
layer("sinusoidal", nn.SinusoidalPositionalEncoding(8), POSITIONS)
layer("sinusoidal.all", nn.SinusoidalPositionalEncoding(6, min_freq=0.01, max_freq=2, scale=1.5, cos_first=True, full_turns=True), POSITIONS)
layer("sinusoidal.two", nn.SinusoidalPositionalEncoding(2), POSITIONS)
for heads in 4, 3, 6:
    layer(f"alibi.{heads}", nn.ALiBi(), mx.random.normal((2, heads, 2, 5)), call=lambda x: nn.ALiBi()(x, offset=3))
layer("alibi.mask", nn.ALiBi(), mx.random.normal((1, 2, 3, 3)), call=lambda x: nn.ALiBi()(x, mask=nn.MultiHeadAttention.create_additive_causal_mask(3)))

SIDE = mx.random.normal((2, 4, 8))
layer("attention", nn.MultiHeadAttention(8, 2), X, SIDE, SIDE)
CAUSAL = nn.MultiHeadAttention.create_additive_causal_mask(5)
out["causal/mask"] = CAUSAL
attention = nn.MultiHeadAttention(8, 2, bias=True)
layer("attention.causal", attention, X, call=lambda x: attention(x, x, x, CAUSAL))
attention2 = nn.MultiHeadAttention(8, 2, key_input_dims=4, value_input_dims=3, value_dims=6, value_output_dims=5)
layer("attention.sizes", attention2, X, mx.random.normal((2, 4, 4)), mx.random.normal((2, 4, 3)))
encoder = nn.TransformerEncoder(2, 8, 2, mlp_dims=12)
layer("transformer", encoder, X, call=lambda x: encoder(x, CAUSAL))
encoder2 = nn.TransformerEncoderLayer(8, 2, activation=nn.gelu, norm_first=False)
layer("transformer.last", encoder2, X, call=lambda x: encoder2(x, None))
layer("sequential", nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)), X)

EDGES = mx.concatenate([mx.array([-7.0, -3.5, -3.25, -1.25, -0.5, -0.25, 0.25, 0.5, 0.75, 1.25, 2.75, 3.5, 6.25, 7]), mx.random.normal((18,))]).reshape(4, 8)
for name in ("relu relu2 relu6 leaky_relu elu celu selu silu gelu gelu_approx gelu_fast_approx glu mish hardswish softplus softsign softshrink"
             " hard_shrink hard_tanh log_sigmoid log_softmax softmin tanh sigmoid softmax").split():
    record("act." + name, lambda _, x: getattr(nn, name)(x), [EDGES])
record("act.leaky_relu.slope", lambda _, x: nn.leaky_relu(x, 0.2), [EDGES])
record("act.elu.alpha", lambda _, x: nn.elu(x, 0.7), [EDGES])
record("act.celu.alpha", lambda _, x: nn.celu(x, 0.7), [EDGES])
record("act.glu.axis", lambda _, x: nn.glu(x, axis=0), [EDGES])
record("act.log_softmax.axis", lambda _, x: nn.log_softmax(x, axis=0), [EDGES])
record("act.softmin.axis", lambda _, x: nn.softmin(x, axis=0), [EDGES])
record("act.prelu", lambda _, x, a: nn.prelu(x, a), [EDGES, mx.array([0.3])])
out["act.step/in.0"], out["act.step/out"] = EDGES, nn.step(EDGES, 0.5)

# Dropout draws its keys from the state that mx.random.seed sets.
mx.random.seed(3)
out["dropout/in.0"], dropout, dropout2d = X, nn.Dropout(0.25), nn.Dropout2d(0.5)
out["dropout/out"] = mx.concatenate([dropout(X), dropout(X), dropout2d(X)])

# New parameters, in the order of their making.
mx.random.seed(5)
encoder = nn.TransformerEncoder(1, 8, 2)
made = {"encoder": encoder, "conv": nn.Conv2d(4, 6, 3, groups=2), "embedding": nn.Embedding(5, 8), "bilinear": nn.Bilinear(3, 2, 4)}
for name, module in made.items():
    out.update({f"init/{name}.{k}": w for k, w in tree_flatten(module.parameters())})
mx.random.seed(6)
for name, init, shape in [
    ("constant", nn.init.constant(0.5), (2, 3)), ("normal", nn.init.normal(1, 0.5), (2, 3)), ("uniform", nn.init.uniform(-2, 1), (2, 3)),
    ("identity", nn.init.identity(), (3, 3)), ("glorot_normal", nn.init.glorot_normal(), (4, 3, 2)),
    ("glorot_uniform", lambda a: nn.init.glorot_uniform()(a, gain=4.0), (4, 2)), ("he_normal", nn.init.he_normal(), (4, 3, 2)),
    ("he_normal.out", lambda a: nn.init.he_normal()(a, mode="fan_out", gain=5), (4, 2)), ("he_uniform", nn.init.he_uniform(), (4, 2)),
    ("he_uniform.out", lambda a: nn.init.he_uniform()(a, mode="fan_out"), (4, 2)), ("sparse", nn.init.sparse(0.4, 1, 0.5), (4, 6)),
    ("orthogonal", nn.init.orthogonal(2.0), (3, 5)), ("orthogonal.tall", nn.init.orthogonal(), (5, 3)),
]:
    out["initializer/" + name] = init(mx.zeros(shape))

# Quantised modules of each mode.
mx.random.seed(8)
wide = mx.random.normal((2, 3, 64))
for mode in "affine", "mxfp4", "mxfp8", "nvfp4":
    model = nn.Sequential(nn.Linear(64, 32), nn.Embedding(32, 64))
    out[f"quantize.{mode}/in.0"] = wide
    out.update({f"quantize.{mode}/w.{k}": w for k, w in tree_flatten(model.parameters())})
    nn.quantize(model, mode=mode)
    out.update({f"quantize.{mode}/q.{k}": w for k, w in tree_flatten(model.parameters()) if w is not None})
    out[f"quantize.{mode}/out"] = model.layers[0](wide)
    out[f"quantize.{mode}/rows"] = model.layers[1](mx.array([3, 31]))
    out[f"quantize.{mode}/as_linear"] = model.layers[1].as_linear(wide)

mx.eval(out)
if __name__ == "__main__":
    mx.save_safetensors(sys.argv[1], out)
