"""Writes the files of this folder with the reference implementation (Python packages safetensors and mlx-lm).

usage: dump.py
"""

import json
import os

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm import utils
from safetensors import TensorSpec, safe_open, serialize_file
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
# The header's name of each dtype, what the reference calls it when it writes, and the bytes of two elements.
DTYPES = [
    ("BOOL", "bool", 2), ("F4", "float4_e2m1fn_x2", 1), ("U8", "uint8", 2), ("I8", "int8", 2),
    ("F8_E5M2", "float8_e5m2", 2), ("F8_E4M3", "float8_e4m3fn", 2), ("F8_E8M0", "float8_e8m0fnu", 2),
    ("F8_E4M3FNUZ", "float8_e4m3fnuz", 2), ("F8_E5M2FNUZ", "float8_e5m2fnuz", 2), ("I16", "int16", 4), ("U16", "uint16", 4),
    ("F16", "float16", 4), ("BF16", "bfloat16", 4), ("I32", "int32", 8), ("U32", "uint32", 8), ("F32", "float32", 8),
    ("C64", "complex64", 16), ("F64", "float64", 16), ("I64", "int64", 16), ("U64", "uint64", 16),
]


def path(*names):
    return os.path.join(HERE, *names)


def every_dtype():
    specs, want, alive = {}, {}, []
    for i, (name, python, pair) in enumerate(DTYPES):
        data = np.array([i % 2 if name == "BOOL" else 16 * i + j & 255 for j in range(4 * pair)], np.uint8)
        alive.append(data)
        # A packed dtype is given in bytes: the reference doubles the last dimension itself.
        shape = [4, 1] if name == "F4" else [4, 2]
        specs["t." + name] = TensorSpec(dtype=python, shape=shape, data_ptr=data.ctypes.data, data_len=data.nbytes)
        want[name] = data.tobytes().hex()
    serialize_file(specs, path("dtypes.safetensors"), {"format": "test", "note": '\u4e16\u754c "quoted"'})
    with open(path("dtypes.json"), "w") as f:
        json.dump(want, f, indent=0)
        f.write("\n")


def tiny():
    save_file(
        {
            "embed.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
            "norm.weight": np.ones(3, np.float16),
            "scalar": np.array(7, np.int32),
            "none": np.zeros((0, 4), np.float32),
        },
        path("tiny.safetensors"),
        {"format": "pt"},
    )
    with safe_open(path("tiny.safetensors"), "np") as f:
        assert sorted(f.keys()) == ["embed.weight", "none", "norm.weight", "scalar"]


def sharded():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (mx.full((4, 8), float(i)) for i in range(3))

    make_shards = utils.make_shards
    utils.make_shards = lambda weights: make_shards(weights, max_file_size_gb=0)  # a tensor a shard
    utils.save_model(path("sharded"), Model())


if __name__ == "__main__":
    every_dtype()
    tiny()
    sharded()
