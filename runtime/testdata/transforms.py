"""Arguments and results of MLX's function transformations.

usage: transforms.py OUT.safetensors      arrays named CASE/in0.., CASE/out0..

Needs mlx 0.32.2. runtime/reference_test.go builds the same functions and compares.
"""
import math
import sys

import mlx.core as mx


def wave(*shape, k=1):
    """Eighths between -1 and 1 in no order."""
    return mx.array([((i + 1) * (i + k) * 7 % 17 - 8) / 8 for i in range(math.prod(shape))]).reshape(shape)


def mlp(w1, b1, w2, x, y):
    return mx.mean(mx.square(mx.tanh(x @ w1 + b1) @ w2 - y))


def cross_entropy(logits, targets):
    picked = mx.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
    return mx.mean(mx.logsumexp(logits, axis=1) - picked)


def cubic_sine(x):
    return mx.sum(x * x * x * mx.sin(x))


def attention(q, k, v, g):
    o = mx.fast.scaled_dot_product_attention(q, k, v, scale=0.5, mask="causal")
    return mx.sum(mx.fast.rms_norm(o, g, 1e-5) * wave(*o.shape, k=7))


def rope_norm(x, g, b):
    y = mx.fast.rope(x, 4, traditional=False, base=100.0, scale=1.0, offset=3)
    return mx.sum(mx.square(mx.fast.layer_norm(y, g, b, 1e-5)) * wave(*x.shape, k=3))


def two(x, y):
    return mx.exp(x) * y, mx.sum(x * y, axis=0)


@mx.custom_function
def straight(x):
    return mx.round(x)


@straight.vjp
def straight_vjp(primals, cotangent, output):
    return cotangent * (mx.abs(primals) < 1)


@mx.custom_function
def pushed(x, y):
    return mx.sin(x) * y


@pushed.jvp
def pushed_jvp(primals, tangents):
    x, y = primals
    return 2 * tangents[0] * y


@mx.custom_function
def squared(x, y):
    return mx.square(x) * y


@squared.vmap
def squared_vmap(inputs, axes):
    x, y = inputs
    return mx.moveaxis(x, axes[0], 1) * 10 + y[:, None], 1


def soft(x):
    return mx.sum(mx.softmax(x) * wave(3, k=2))


def block(x, w):
    return mx.tanh(x @ w) @ w.T


def deep(x, w, block):
    for _ in range(3):
        x = x + block(x, w)
    return mx.sum(mx.square(x))


MLP = (wave(3, 4), wave(4, k=2), wave(4, 2, k=3), wave(5, 3, k=4), wave(5, 2, k=5))
QKV = tuple(wave(1, 2, 5, 8, k=k) for k in (1, 2, 3))
X, Y = wave(3, 4), wave(3, 4, k=2)

# Each case: a function of arrays and its arguments.
CASES = {
    "value_and_grad": (mx.value_and_grad(mlp, (0, 1, 2)), MLP),
    "grad_argnums": (mx.grad(mlp, (2, 3)), MLP),
    "cross_entropy": (mx.value_and_grad(cross_entropy), (wave(4, 6), mx.array([0, 5, 2, 2]))),
    "grad_of_grad": (mx.grad(lambda x: mx.sum(mx.grad(cubic_sine)(x) * wave(5, k=9))), (wave(5),)),
    "third": (mx.grad(mx.grad(mx.grad(lambda x: mx.exp(x) * mx.sin(x)))), (mx.array(0.7),)),
    "attention": (mx.value_and_grad(attention, (0, 1, 2, 3)), QKV + (1 + wave(8, k=6),)),
    "rope_norm": (mx.value_and_grad(rope_norm, (0, 1, 2)), (wave(1, 2, 3, 8), 1 + wave(8, k=2), wave(8, k=3))),
    "vjp": (lambda x, y, a, b: mx.vjp(two, (x, y), (a, b)), (X, Y, wave(3, 4, k=3), wave(4, k=4))),
    "jvp": (lambda x, y, a, b: mx.jvp(two, (x, y), (a, b)), (X, Y, wave(3, 4, k=3), wave(3, 4, k=4))),
    "stop_gradient": (mx.value_and_grad(lambda x: mx.sum(x * mx.stop_gradient(mx.square(x)))), (wave(4),)),
    "vmap_axes": (mx.vmap(lambda a, b: a @ b, in_axes=(2, None), out_axes=1), (wave(2, 3, 4), wave(3, 5))),
    "vmap_many": (mx.vmap(lambda a, b: (mx.outer(a, b), mx.sum(a)), in_axes=(-1, 0), out_axes=(-1, 0)), (wave(3, 4), wave(4, 2))),
    "vmap_nested": (mx.vmap(mx.vmap(lambda a, b: mx.sort(a) * b, in_axes=(0, None)), in_axes=(0, 0)), (wave(2, 3, 4), wave(2, 4))),
    "vmap_constant": (mx.vmap(lambda a, b: b, in_axes=(0, None)), (wave(3, 2), wave(2))),
    "vmap_of_grad": (mx.vmap(mx.grad(mlp, (0, 1)), in_axes=(None, None, None, 0, 0)), MLP),
    "grad_of_vmap": (mx.grad(lambda x, w: mx.sum(mx.square(mx.vmap(lambda r: mx.softmax(r @ w))(x))), (0, 1)), (wave(5, 3), wave(3, 4, k=2))),
    "hessian": (lambda x: mx.vmap(lambda v: mx.jvp(mx.grad(soft), (x,), (v,))[1][0])(mx.eye(3)), (wave(3),)),
    "jacobian": (lambda x: mx.vmap(lambda c: mx.vjp(mx.softmax, (x,), (c,))[1][0])(mx.eye(3)), (wave(3),)),
    "checkpoint": (mx.value_and_grad(lambda x, w: deep(x, w, mx.checkpoint(block)), (0, 1)), (wave(2, 4), wave(4, 3, k=2))),
    "custom_vjp": (mx.value_and_grad(lambda x: mx.sum(straight(3 * x) * wave(6, k=2))), (wave(6),)),
    "custom_jvp": (lambda x, y, a, b: mx.jvp(pushed, (x, y), (a, b)), (wave(3), wave(3, k=2), wave(3, k=3), wave(3, k=4))),
    "custom_derived": (mx.grad(lambda x, y: mx.sum(pushed(x, y)), (0, 1)), (wave(3), wave(3, k=2))),
    "custom_vmap": (mx.vmap(squared, in_axes=(0, None)), (wave(4, 3), wave(3, k=2))),
    "compile_of_grad": (mx.compile(mx.value_and_grad(mlp, (0, 1, 2))), MLP),
    "grad_of_compile": (mx.value_and_grad(mx.compile(mlp), (0, 1, 2)), MLP),
    "compile_of_vmap": (mx.compile(mx.vmap(mx.grad(soft))), (wave(4, 3),)),
    "compile_shapeless": (mx.compile(lambda x, y: mx.tanh(x) * y + mx.exp(-mx.abs(x)), shapeless=True), (X, Y)),
}


def flatten(tree):
    if isinstance(tree, mx.array):
        return [tree]
    return [a for t in tree for a in flatten(t)]


if __name__ == "__main__":
    arrays = {}
    for name, (f, args) in CASES.items():
        for i, a in enumerate(args):
            arrays[f"{name}/in{i}"] = a
        for i, a in enumerate(flatten(f(*args))):
            arrays[f"{name}/out{i}"] = a
    mx.save_safetensors(sys.argv[1], arrays, {"mlx": mx.__version__})
