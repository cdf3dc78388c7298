"""The same graphs as ops.go, with mlx.core.

Each line "CASE ROUNDS" on standard input is answered by a line of that many times in nanoseconds.
"""
import sys
import time

import mlx.core as mx
import numpy as np

OPS, BIG = 1000, 25 << 20
x, y = mx.zeros((4, 4)), mx.zeros((4, 4))
big, used = mx.zeros((BIG,)), np.ones((BIG,), np.float32)
mx.eval(x, y, big)


def add():
    z = x
    for _ in range(OPS):
        z = mx.add(z, y)
    return z


def exp():
    z = x
    for _ in range(OPS):
        z = mx.exp(z)
    return z


def matmul():
    z = x
    for _ in range(OPS):
        z = mx.matmul(z, y)
    return z


def reshape():
    z = x
    for _ in range(OPS // 2):
        z = mx.reshape(z, (16,))
        z = mx.reshape(z, (4, 4))
    return z


def sum():
    z = x
    for _ in range(OPS):
        z = mx.sum(z, axis=-1, keepdims=True)
    return z


def slice():
    for _ in range(OPS):
        z = x[0:2, 0:4]
    return z


def mixed():
    z = x
    for _ in range(OPS // 8):
        z = mx.tanh(mx.add(mx.matmul(z, y), y))
        z = mx.reshape(mx.reshape(mx.multiply(z, y), (16,)), (4, 4))
        z = mx.add(mx.sum(z, axis=-1, keepdims=True), y)
    return z


def read():
    return np.array(big)


def reread():
    used[:] = np.array(big, copy=False)


cases = {f.__name__: f for f in (add, exp, matmul, reshape, sum, slice, mixed, read, reread)}
print("ready", flush=True)
for line in sys.stdin:
    name, rounds = line.split()
    times = []
    for _ in range(int(rounds)):
        began = time.perf_counter_ns()
        z = cases[name]()
        times.append(time.perf_counter_ns() - began)
        del z
    print(*times, flush=True)
