"""Writes the files that the tests of this folder's package read and must write alike: python io.py

mlx 0.32.2, mlx-lm 0.32.2 and the packages safetensors 0.8 and gguf 0.19.
"""

import os

import mlx.core as mx
import numpy as np
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(HERE, name)


# 0, 1, 2, ... in every dtype, shape (2, 3).
NUMPY = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


def ramp(dtype):
    r = np.arange(6).reshape(2, 3)
    return (r % 2 == 1) if dtype == "bool" else r.astype(dtype)


def safetensors():
    save_file({d: ramp(d) for d in NUMPY}, path("reference.safetensors"), {"format": "mlx"})
    arrays = {d: mx.array(ramp(d)) for d in NUMPY if d != "float64"}
    arrays["bfloat16"] = mx.array(ramp("float32")).astype(mx.bfloat16)
    arrays["complex64"] = mx.array(ramp("float32")) * mx.array(1 - 1j)
    arrays["nothing"] = mx.zeros((0, 4))
    arrays["scalar"] = mx.array(7, mx.int32)
    mx.save_safetensors(path("mlx.safetensors"), arrays, {"format": "mlx", "note": "é %n"})


if __name__ == "__main__":
    safetensors()
