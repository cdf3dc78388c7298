"""Writes the files that the tests of this folder's package read and must write alike: python io.py

mlx 0.32.2, mlx-lm 0.32.2 and the packages safetensors 0.8 and gguf 0.19.
"""

import hashlib
import json
import os

import gguf
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


def bits(a):
    flat = np.frombuffer(memoryview(a), np.uint8)
    return {"dtype": str(a.dtype).removeprefix("mlx.core."), "shape": list(a.shape), "sha256": hashlib.sha256(flat.tobytes()).hexdigest()}


def gguf_files():
    """What mx.load makes of the files of models/gguf/testdata that it can read."""
    folder, out = os.path.join(HERE, "..", "..", "models", "gguf", "testdata"), {}
    for name in ["f32", "f16", "q4_0", "q4_1", "q8_0"]:
        arrays = mx.load(os.path.join(folder, name + ".gguf"))
        out[name + ".gguf"] = {k: bits(v) for k, v in sorted(arrays.items())}
    w = gguf.GGUFWriter(path("reference.gguf"), "llama")
    w.add_uint32("general.alignment", 64)
    w.add_array("tokenizer.ggml.tokens", ["a", "größer", ""])
    w.add_float64("x.float64", 0.1)
    w.add_bool("x.yes", True)
    w.data_alignment = 64
    for d in ["float16", "float32", "float64", "int16", "int32", "int64", "int8"]:
        w.add_tensor(d, ramp(d))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    with open(path("gguf.json"), "w") as f:
        json.dump(out, f, indent=1)


def functions():
    w = mx.array(ramp("float32"))

    def affine(x, y):
        return [x @ w + y, mx.concatenate([x, x], axis=1)]

    with mx.exporter(path("affine.mlxfn"), affine) as export:
        export(mx.zeros((1, 2)), mx.zeros((3,)))
        export(mx.zeros((4, 2)), mx.zeros((1,)))
    mx.export_function(path("named.mlxfn"), lambda x, *, y: x - y, mx.zeros((2,)), y=mx.zeros((2,)), shapeless=True)


if __name__ == "__main__":
    functions()
    safetensors()
    gguf_files()
