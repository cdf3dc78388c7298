"""Dumps how MLX prints arrays, for format_test.go: python print.py > print.json

mlx 0.32.2. Arrays are made of elements in row-major order, so that Go makes the same.
"""

import json

import mlx.core as mx
import numpy as np

inf, nan = float("inf"), float("nan")
cases = []


def add(dtype, shape, values):
    source = np.array(values, dtype=np.uint64) if dtype == "uint64" else values
    a = mx.array(source, dtype=getattr(mx, dtype.replace("bool", "bool_"))).reshape(shape)
    cases.append({"dtype": dtype, "shape": shape, "values": [str(v) for v in values], "text": str(a)})


add("float32", [2, 2], [1, 2, 3, 4])
add("float32", [], [1.5])
add("float32", [1], [1e-7])
add("float32", [6], [3.14159265, -2.5e-5, 1e6, 999999, 123456789, -0.0])
add("float32", [5], [inf, -inf, nan, 0.1, 1e-45])
add("float32", [0], [])
add("float32", [2, 0], [])
add("float32", [2, 3, 2], list(range(12)))
add("float32", [1, 1, 1, 2], [1, 2])
add("float32", [40, 40], [i * 0.37 for i in range(1600)])
add("float32", [9, 2, 8], [i / 7 for i in range(144)])
add("float64", [3], [0.1, 1e300, 1 / 3])
add("float16", [4], [0.1, 65504, 6e-8, -1])
add("bfloat16", [3], [0.1, 3e38, -7])
add("bool", [2, 2], [1, 0, 0, 1])
add("int8", [3], [-128, 0, 127])
add("uint8", [2], [0, 255])
add("int16", [2], [-32768, 32767])
add("uint16", [1], [65535])
add("int32", [7], list(range(7)))
add("int64", [2], [-(2**63), 2**63 - 1])
add("uint32", [1], [2**32 - 1])
add("uint64", [1], [2**63])
add("int32", [1000, 3], list(range(3000)))
print(json.dumps(cases))
