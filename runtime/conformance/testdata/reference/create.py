"""Operations that make arrays from numbers."""

import math

import mlx.core as mx

from recorder import ALL, FLOATS, INTS, Recorder, arr, of

CALLS = {
    "Arange": mx.arange,
    "Bartlett": mx.bartlett, "Blackman": mx.blackman, "Hamming": mx.hamming, "Hanning": mx.hanning,
    "Eye": mx.eye,
    "Full": lambda shape, value, dtype: mx.full(shape, value.astype(dtype)),  # mx.full keeps an array's dtype
    "FullLike": lambda a, value, dtype: mx.full(a.shape, value.astype(dtype)),
    "Identity": mx.identity,
    "Linspace": lambda start, stop, n, dtype: mx.linspace(start, stop, n, dtype=dtype),
    "LinspaceEndpoint": mx.linspace,
    "Ones": mx.ones, "Zeros": mx.zeros,
    "OnesLike": mx.ones_like, "ZerosLike": mx.zeros_like,
    "OnesLikeDtype": lambda a, dtype: mx.ones(a.shape, dtype),
    "ZerosLikeDtype": lambda a, dtype: mx.zeros(a.shape, dtype),
    "Tri": mx.tri,
}


def record(folder):
    r = Recorder("create", CALLS)
    for dtype in ALL:
        for op in ("Ones", "Zeros"):
            for shape in ([], [2, 3], [0, 3]):
                r.add(op, shape, dtype, compare="exact")
            r.add(op + "Like", arr(dtype, (2, 3)), compare="exact")
            r.add(op + "LikeDtype", arr(mx.int8, (2, 3)), dtype, compare="exact")
        r.add("Full", [2, 3], arr(mx.float32, (3,), 0, 2), dtype, compare="exact")
        r.add("FullLike", arr(mx.int8, (2, 3)), arr(mx.float32, (), 0, 2), dtype, compare="exact")
        for n, m, k in ((3, 3, 0), (3, 4, 1), (4, 2, -1), (3, 3, 5)):
            r.add("Eye", n, m, k, dtype, compare="exact")
            r.add("Tri", n, m, k, dtype, compare="exact")
        r.add("Identity", 3, dtype, compare="exact")
        if dtype in INTS + FLOATS:
            r.add("Arange", 0.0, 6.0, 2.0, dtype)
            r.add("Arange", 5.0, 0.0, -1.0, dtype)
            r.add("Arange", 3.0, 0.0, 1.0, dtype)
            r.add("Linspace", 0.0, 4.0, 5, dtype)
            r.add("LinspaceEndpoint", 1.0, 5.0, 4, False, dtype)
    r.add("Arange", -1.0, 1.0, 0.3, mx.float32)
    r.add("Linspace", -1.0, 1.0, 1, mx.float32)
    r.add("Linspace", -1.0, 1.0, 0, mx.float32)
    for op in ("Bartlett", "Blackman", "Hamming", "Hanning"):
        for n in (0, 1, 2, 9):
            r.add(op, n)
        r.add(op, -1)
    r.add("Eye", 0, 3, 0, mx.float32)
    one = of(1, mx.float32)
    for bad in (("Arange", 0.0, 1e30, 1.0, mx.float32), ("Arange", math.nan, 1.0, 1.0, mx.float32), ("Arange", 0.0, 1.0, math.nan, mx.int32),
                ("Arange", 0.0, 1.0, 1.0, mx.bool_), ("Full", [-1], one, mx.float32), ("Full", [2], arr(mx.float32, (3,)), mx.float32),
                ("Ones", [-1], mx.float32),
                ("Zeros", [2, -1], mx.int8), ("Eye", -1, 2, 0, mx.float32), ("Identity", -1, mx.float32),
                ("Linspace", 0.0, 1.0, -1, mx.float32), ("LinspaceEndpoint", 0.0, 1.0, -1, True, mx.float32)):
        r.refuse(*bad)
    r.write(folder)
