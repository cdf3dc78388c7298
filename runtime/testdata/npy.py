"""Writes the .npy and .npz files of the folder npy with NumPy 2 and mlx 0.32.2: python npy.py

Whatever can be read holds 0, 1, 2, ... in shape (2, 3), unless its name says otherwise.
"""

import os

import mlx.core as mx
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npy")
os.makedirs(HERE, exist_ok=True)
RAMP = np.arange(6).reshape(2, 3)


def path(name):
    return os.path.join(HERE, name)


def ramp(dtype):
    return (RAMP % 2 == 1) if dtype == "bool" else RAMP.astype(dtype)


for dtype in ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]:
    np.save(path(dtype), ramp(dtype))
np.save(path("complex64"), (RAMP - 1j * RAMP).astype(np.complex64))
mx.save(path("bfloat16"), mx.array(RAMP.astype(np.float32)).astype(mx.bfloat16))
np.save(path("fortran-float32"), np.asfortranarray(ramp("float32")))
np.save(path("fortran-int16"), np.asfortranarray(ramp("int16")))
for dtype in ["i2", "u4", "f8", "f2"]:
    np.save(path("big-" + dtype), ramp(">" + dtype))
np.save(path("big-c8"), (RAMP - 1j * RAMP).astype(">c8"))
np.save(path("scalar"), np.array(7, np.int32))
np.save(path("empty"), np.zeros((0, 4), np.float32))
for version in [(2, 0), (3, 0)]:
    with open(path(f"version{version[0]}.npy"), "wb") as f:
        np.lib.format.write_array(f, ramp("int32"), version=version)

np.save(path("bad-structured"), np.zeros(2, [("x", "<f4"), ("y", "<i4")]))
np.save(path("bad-complex128"), np.zeros(2, np.complex128))
np.save(path("bad-bytes"), np.array([b"abc"]))
np.save(path("bad-text"), np.array(["abc"]))
np.save(path("bad-object"), np.array([{}], object), allow_pickle=True)
np.save(path("bad-date"), np.array(["2020-01-01"], "M8[D]"))
with open(path("bad-field-name.npy"), "wb") as f:
    np.lib.format.write_array(f, np.zeros(1, [("\u00fcber", "<f4")]), version=(3, 0))

np.savez(path("stored"), a=ramp("float32"), b=np.asfortranarray(ramp("int64")))
np.savez_compressed(path("deflated"), a=ramp("float32"), zeros=np.zeros(100_000, np.uint8))
mx.savez(path("mlx"), a=mx.array(ramp("float32")), h=mx.array(ramp("float16")))
