"""mlx.core.random: with a key, the numbers are given."""

import mlx.core as mx

from recorder import ALL, FLOATS, INTS, In, Recorder, arr, of

rnd = mx.random


def bits(shape, width, key):
    """split(key, n) is the bits of n pairs of uint32; narrower ones are the same bytes."""
    n = 1
    for d in shape:
        n *= d
    if width not in (1, 2, 4):
        return mx.zeros(shape, mx.uint32)
    words = rnd.split(key, n * width // 8).reshape(-1)
    return words.view({1: mx.uint8, 2: mx.uint16, 4: mx.uint32}[width]).reshape(shape)


CALLS = {
    "RandomBernoulli": lambda p, shape, key: rnd.bernoulli(p, shape, key),
    "RandomBits": bits,
    "RandomCategorical": lambda logits, axis, key: rnd.categorical(logits, axis, key=key),
    "RandomCategoricalNumSamples": lambda logits, axis, n, key: rnd.categorical(logits, axis, num_samples=n, key=key),
    "RandomCategoricalShape": lambda logits, axis, shape, key: rnd.categorical(logits, axis, shape=shape, key=key),
    "RandomGumbel": rnd.gumbel,
    "RandomKey": rnd.key,
    "RandomLaplace": rnd.laplace,
    "RandomMultivariateNormal": rnd.multivariate_normal,
    "RandomNormal": rnd.normal,
    "RandomNormalBroadcast": rnd.normal,
    "RandomPermutation": lambda x, axis, key: rnd.permutation(x, axis, key),
    "RandomPermutationArange": lambda n, key: rnd.permutation(n, key=key),
    "RandomRandint": rnd.randint,
    "RandomSplit": lambda key: list(rnd.split(key)),
    "RandomSplitNum": rnd.split,
    "RandomTruncatedNormal": rnd.truncated_normal,
    "RandomUniform": rnd.uniform,
}


def record(folder):
    r = Recorder("random", CALLS)
    f = mx.float32
    one, zero, key = of(1, f), of(0, f), In(rnd.key(7))
    for seed in (0, 1, 2**32 + 5, 2**63 + 1):
        r.add("RandomKey", seed)
        k = In(rnd.key(seed))
        r.add("RandomSplit", k)
        r.add("RandomUniform", zero, one, [2, 3], f, k)
    for n in (1, 2, 5):
        r.add("RandomSplitNum", key, n)
    for shape, width in (([4], 4), ([2, 8], 2), ([16], 1), ([2], 4)):
        r.add("RandomBits", shape, width, key)
    logits = arr(f, (3, 5))
    for dtype in FLOATS:
        r.add("RandomUniform", of(-1, dtype), of(2, dtype), [7], dtype, key)
        r.add("RandomNormal", [7], dtype, 0.0, 1.0, key)
        r.add("RandomNormal", [2, 3], dtype, 1.0, 0.5, key)
        r.add("RandomNormalBroadcast", [4, 3], dtype, arr(dtype, (3,)), of(2, dtype), key)
        r.add("RandomNormalBroadcast", [3], dtype, None, None, key)
        r.add("RandomTruncatedNormal", of(-1, dtype), of(1.5, dtype), [7], dtype, key)
        r.add("RandomGumbel", [7], dtype, key)
        r.add("RandomLaplace", [7], dtype, 0.5, 2.0, key)
        r.add("RandomBernoulli", arr(dtype, (3,), 0, 1), [4, 3], key)
        r.add("RandomCategorical", arr(dtype, (3, 5)), -1, key)
    r.add("RandomNormal", [3], mx.complex64, 0.0, 1.0, key)
    r.add("RandomUniform", arr(f, (3,), -2, 0), arr(f, (2, 1), 1, 2), [2, 3], f, key)
    r.add("RandomUniform", zero, one, [0], f, key)
    r.add("RandomUniform", zero, one, [], f, key)
    r.add("RandomCategorical", logits, 0, key)
    r.add("RandomCategoricalNumSamples", logits, -1, 4, key)
    r.add("RandomCategoricalShape", logits, 1, [6, 3], key)
    for dtype in INTS:
        r.add("RandomRandint", of(2, dtype), of(100, dtype), [9], dtype, key)
    r.add("RandomRandint", of([-5, 0], mx.int32), of([0, 9], mx.int32), [3, 2], mx.int32, key)
    for dtype in ALL:
        r.add("RandomPermutation", arr(dtype, (5, 2)), 0, key)
    r.add("RandomPermutation", arr(f, (2, 5)), -1, key)
    r.add("RandomPermutationArange", 9, key)
    cov = of([[2, 0.5], [0.5, 1]], f)
    r.add("RandomMultivariateNormal", arr(f, (2,)), cov, [3], f, key, compare="sum")
    r.add("RandomMultivariateNormal", arr(f, (3, 2)), cov, [2, 3], f, key, compare="sum")
    bad = of([1, 2, 3], mx.uint32)
    for row in (("RandomBernoulli", of(1, mx.int32), [2], key), ("RandomBernoulli", arr(f, (3,), 0, 1), [2], key), ("RandomBernoulli", one, [2], bad),
                ("RandomCategorical", logits, 2, key), ("RandomCategoricalNumSamples", logits, 5, 2, key), ("RandomCategoricalShape", logits, 1, [4, 2], key),
                ("RandomCategorical", logits, 0, bad),
                ("RandomGumbel", [2], mx.int32, key), ("RandomLaplace", [2], mx.int32, 0.0, 1.0, key), ("RandomNormal", [2], mx.int32, 0.0, 1.0, key),
                ("RandomMultivariateNormal", arr(f, (2,)), cov, [3], mx.float16, key), ("RandomMultivariateNormal", arr(f, (3,)), cov, [3], f, key),
                ("RandomMultivariateNormal", zero, cov, [3], f, key), ("RandomMultivariateNormal", arr(f, (2,)), one, [3], f, key),
                ("RandomMultivariateNormal", arr(f, (3, 2)), cov, [2], f, key), ("RandomNormalBroadcast", [2], mx.int8, None, None, key),
                ("RandomNormalBroadcast", [2], f, arr(f, (3,)), None, key), ("RandomPermutation", logits, 2, key), ("RandomPermutation", logits, 0, bad),
                ("RandomPermutationArange", 3, bad), ("RandomRandint", zero, one, [2], f, key), ("RandomRandint", arr(f, (3,)), one, [2], mx.int32, key),
                ("RandomSplit", bad), ("RandomSplitNum", bad, 2), ("RandomSplitNum", of([1, 2], mx.int32), 2), ("RandomTruncatedNormal", zero, one, [2], mx.int32, key),
                ("RandomTruncatedNormal", arr(f, (3,)), one, [2], f, key), ("RandomUniform", zero, one, [2], mx.int32, key),
                ("RandomUniform", arr(f, (3,)), one, [2], f, key), ("RandomUniform", zero, one, [-1], f, key), ("RandomGumbel", [-2], f, key),
                ("RandomLaplace", [-2], f, 0.0, 1.0, key), ("RandomSplitNum", key, -1)):
        r.refuse(*row)
    r.write(folder)
