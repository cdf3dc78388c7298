"""Writes the GGUF files of this folder and what the reference implementations read from them.

usage: dump.py [MODEL.gguf]
       dump.py blocks LIBGGML.so


The Python package gguf writes the files and gives the dequantised values; MLX gives its own packing of Q4_0, Q4_1
and Q8_0 (mx.load of the same file). MLX's reader refuses Q5_0 and Q5_1, so for those the integers that the
gguf package unpacks are packed as a little-endian bit stream here, and mx.dequantize must give the same weights back.
With a model (SmolLM2-135M-Instruct.Q4_1.gguf) smollm2.json is written too: a digest of every tensor.

The second form writes the files of the K types, IQ4_NL, IQ4_XS and MXFP4: blocks of any bits, and normally distributed
weights as ggml itself quantises them (libggml-base.so of the package llama-cpp-python). The gguf package dequantises
both; what mx.dequantize gives for MXFP4 must be the same.
"""

import ctypes

import hashlib
import json
import os
import sys

import gguf
import mlx.core as mx
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T, GGUFEndian, GGUFValueType as V

HERE = os.path.dirname(os.path.abspath(__file__))
PACKED = {T.Q4_0: 4, T.Q4_1: 4, T.Q5_0: 5, T.Q5_1: 5, T.Q8_0: 8}
MAPPED_BY_MLX = (T.Q4_0, T.Q4_1, T.Q8_0)
rng = np.random.default_rng(20)


def path(name):
    return os.path.join(HERE, name)


def bits(a, dtype=np.uint32):
    """The bit patterns of an array, as integers for JSON."""
    return np.ascontiguousarray(a).view(dtype).reshape(-1).tolist()


def raw_blocks(kind, rows, cols):
    """Blocks with any integers and odd scales: negative, zero, the smallest subnormal, large."""
    block, size = GGML_QUANT_SIZES[kind]
    n = rows * cols // block
    raw = rng.integers(0, 256, (n, size), dtype=np.uint8)
    numbers = 2 if kind in (T.Q4_1, T.Q5_1) else 1
    odd = np.array([0.0, 2.0**-24, -(2.0**-24), 3 * 2.0**-20, -0.0625, 1.5, -500.0, 511.5], np.float16)
    halves = np.concatenate([odd, rng.normal(0, 0.05, n * numbers).astype(np.float16)])[: n * numbers]
    raw[:, : 2 * numbers] = halves.reshape(n, numbers).view(np.uint8)
    return raw.reshape(rows, -1)


def integers(kind, raw):
    """q, d and m of every block of a Q5 type, so that the weight is d*q + m."""
    blocks = raw.reshape(-1, GGML_QUANT_SIZES[kind][1])
    d = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    m = blocks[:, 2:4].copy().view(np.float16).astype(np.float32) if kind == T.Q5_1 else -16 * d
    unit = blocks.copy()
    unit[:, :2] = np.frombuffer(np.float16(1).tobytes(), np.uint8)
    if kind == T.Q5_1:
        unit[:, 2:4] = 0
    q = gguf.dequantize(unit, kind) + (16 if kind == T.Q5_0 else 0)
    return q.astype(np.int64), d, m


def bit_stream(q, width):
    total = 0
    for i, v in enumerate(q.reshape(-1).tolist()):
        total |= v << (width * i)
    return np.frombuffer(total.to_bytes(q.size * width // 8, "little"), np.uint32)


def packed_fives(kind, raw, rows, cols):
    q, d, m = integers(kind, raw)
    words = bit_stream(q, 5).reshape(rows, -1)
    scales, biases = d.reshape(rows, -1), m.reshape(rows, -1)
    back = mx.dequantize(mx.array(words), mx.array(scales), mx.array(biases), 32, 5)
    assert np.array_equal(np.array(back), gguf.dequantize(raw, kind).reshape(rows, cols))
    return words, scales, biases


def quant_file(kind):
    name = kind.name.lower()
    rows, cols = 4, 96
    weights = rng.normal(0, 0.3, (rows, cols)).astype(np.float32)
    tensors = {"normal.weight": gguf.quantize(weights, kind)}
    if kind in PACKED:
        tensors["odd.weight"] = raw_blocks(kind, rows, cols)
    tensors["cube"] = gguf.quantize(rng.normal(0, 2, (2, 3, 32)).astype(np.float32), kind)
    write_tensors(name, kind, tensors)
    loaded = mx.load(path(name + ".gguf")) if kind in MAPPED_BY_MLX else {}
    want = {}
    for key, data in tensors.items():
        value = gguf.dequantize(data, kind)
        entry = {"shape": list(value.shape), "float32": bits(value.astype(np.float32))}
        stem = key.removesuffix(".weight")
        if kind in MAPPED_BY_MLX and key.endswith(".weight"):
            entry["weight"] = bits(np.array(loaded[key]))
            for part in ("scales", "biases"):
                half = np.array(loaded[f"{stem}.{part}"])
                assert half.dtype == np.float16
                entry[part] = bits(half.astype(np.float32))
                entry["half_" + part] = bits(half, np.uint16)
        elif kind in PACKED and key.endswith(".weight"):
            words, scales, biases = packed_fives(kind, data, rows, cols)
            entry["weight"], entry["scales"], entry["biases"] = bits(words), bits(scales), bits(biases)
            entry["half_scales"] = bits(scales.astype(np.float16), np.uint16)
            entry["half_biases"] = bits(biases.astype(np.float16), np.uint16)
            assert np.array_equal(biases.astype(np.float16).astype(np.float32), biases)
        want[key] = entry
    write_json(name, want)


def write_tensors(name, kind, tensors):
    writer = gguf.GGUFWriter(path(name + ".gguf"), "test")
    for key, data in tensors.items():
        writer.add_tensor(key, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_json(name, want):
    with open(path(name + ".json"), "w") as f:
        json.dump(want, f, separators=(",", ":"))
        f.write("\n")


HALVES = {T.Q2_K: (80, 82), T.Q3_K: (108,), T.Q4_K: (0, 2), T.Q5_K: (0, 2), T.Q6_K: (208,), T.IQ4_NL: (0,), T.IQ4_XS: (0,)}


def any_blocks(kind, shape, rng):
    """Blocks of random bits; their float16 numbers are odd ones first, then small ones."""
    block, size = GGML_QUANT_SIZES[kind]
    n = int(np.prod(shape)) // block
    raw = rng.integers(0, 256, (n, size), dtype=np.uint8)
    odd = [2.0**-24, -0.0625, 0.0, 1.5, -500.0, 511.5]
    for k, at in enumerate(HALVES.get(kind, ())):
        halves = np.array((odd[k:] + rng.normal(0, 0.01, n).tolist())[:n], np.float16)
        raw[:, at : at + 2] = halves.view(np.uint8).reshape(n, 2)
    if kind == T.MXFP4:
        raw[:, 0] = ([0, 1, 2, 127, 250] + rng.integers(110, 130, n).tolist())[:n]
    return raw.reshape(*shape[:-1], -1)


def ggml_blocks(lib, kind, weights):
    """weights, quantised by ggml."""
    weights = np.ascontiguousarray(weights, np.float32)
    rows, cols = weights.shape
    block, size = GGML_QUANT_SIZES[kind]
    out = np.zeros((rows, cols // block * size), np.uint8)
    pointer = lambda a: a.ctypes.data_as(ctypes.c_void_p)
    lib.ggml_quantize_chunk.restype = ctypes.c_size_t
    wrote = lib.ggml_quantize_chunk(ctypes.c_int(kind.value), pointer(weights), pointer(out), ctypes.c_int64(0),
                                    ctypes.c_int64(rows), ctypes.c_int64(cols), None)
    assert wrote == out.nbytes
    return out


def block_file(lib, kind):
    rng = np.random.default_rng(int(kind))
    tensors = {
        "normal.weight": ggml_blocks(lib, kind, rng.normal(0, 0.3, (2, 256))),
        "odd.weight": any_blocks(kind, (2, 256), rng),
        "cube": any_blocks(kind, (2, 1, 256), rng),
    }
    name = kind.name.lower()
    write_tensors(name, kind, tensors)
    want = {}
    for key, data in tensors.items():
        with np.errstate(invalid="ignore", over="ignore"):
            value = gguf.dequantize(data, kind).astype(np.float32)
        want[key] = {"shape": list(value.shape), "float32": bits(value)}
        if kind == T.MXFP4:
            packed_mxfp4(data, value)
    write_json(name, want)


def packed_mxfp4(data, value):
    """MLX's mode mxfp4 holds the same nibbles in order."""
    blocks = data.reshape(-1, 17)
    nibbles = np.concatenate([blocks[:, 1:] & 15, blocks[:, 1:] >> 4], axis=1)
    words = bit_stream(nibbles.astype(np.int64), 4).reshape(-1, 4)
    back = mx.dequantize(mx.array(words), mx.array(blocks[:, :1].copy()), None, 32, 4, "mxfp4", dtype=mx.float32)
    assert np.array_equal(np.array(back).ravel(), value.ravel())  # MLX has a negative zero, ggml has not


def metadata_file(name, endian=GGUFEndian.LITTLE):
    writer = gguf.GGUFWriter(path(name), "test", endianess=endian)
    writer.add_uint8("u8", 200)
    writer.add_int8("i8", -100)
    writer.add_uint16("u16", 60000)
    writer.add_int16("i16", -30000)
    writer.add_uint32("u32", 4000000000)
    writer.add_int32("i32", -2000000000)
    writer.add_uint64("u64", 2**64 - 1)
    writer.add_int64("i64", -(2**63))
    writer.add_float32("f32", 0.15625)
    writer.add_float64("f64", 1e300)
    writer.add_bool("yes", True)
    writer.add_bool("no", False)
    writer.add_string("text", "na\u00efve \u4e16\u754c")
    for sub, values in (
        (V.UINT8, [1, 255]), (V.INT8, [-1, 127]), (V.UINT16, [1, 65535]), (V.INT16, [-1, 32767]),
        (V.UINT32, [1, 2**32 - 1]), (V.INT32, [-1, 2**31 - 1]), (V.UINT64, [1, 2**63]), (V.INT64, [-1, 2**63 - 1]),
        (V.FLOAT32, [0.5, -2.0]), (V.FLOAT64, [0.1, -1e-300]), (V.BOOL, [True, False]), (V.STRING, ["a", "", "bc"]),
    ):
        writer.add_key_value("array." + sub.name.lower(), values, V.ARRAY, sub)
    writer.add_key_value("nested", [[1, 2], [3], [4, 5, 6]], V.ARRAY, V.ARRAY)
    writer.add_custom_alignment(64)
    writer.add_tensor("a", np.arange(5, dtype=np.float32))
    writer.add_tensor("b", np.arange(6, dtype=np.float16).reshape(2, 3))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def types_table():
    with open(path("types.json"), "w") as f:
        json.dump({t.name: [t.value, *GGML_QUANT_SIZES[t]] for t in GGML_QUANT_SIZES}, f)
        f.write("\n")


def tiny_file():
    writer = gguf.GGUFWriter(path("tiny.gguf"), "llama")
    writer.add_block_count(1)
    writer.add_array("tokenizer.ggml.tokens", ["<s>", "hello", "world"])
    ramp = np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32)
    writer.add_tensor("token_embd.weight", gguf.quantize(ramp, T.Q8_0), raw_dtype=T.Q8_0)
    writer.add_tensor("output_norm.weight", np.ones(8, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sha(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()[:16]


def text_sha(strings):
    return hashlib.sha256("\0".join(strings).encode()).hexdigest()[:16]


def model(source):
    reader = gguf.GGUFReader(source)
    loaded, meta = mx.load(source, return_metadata=True)
    tensors = {}
    for t in reader.tensors:
        entry = {"type": t.tensor_type.name, "shape": [int(d) for d in reversed(t.shape)]}
        entry["float32"] = sha(gguf.dequantize(t.data, t.tensor_type).astype(np.float32))
        if t.tensor_type in MAPPED_BY_MLX:
            stem = t.name.removesuffix(".weight")
            entry["weight"] = sha(np.array(loaded[t.name]))
            entry["scales"] = sha(np.array(loaded[stem + ".scales"]).astype(np.float32))
            entry["biases"] = sha(np.array(loaded[stem + ".biases"]).astype(np.float32))
        tensors[t.name] = entry
    out = {
        "keys": [k for k in reader.fields if not k.startswith("GGUF.")],
        "tokens": text_sha(meta["tokenizer.ggml.tokens"]),
        "merges": text_sha(meta["tokenizer.ggml.merges"]),
        "template": text_sha([meta["tokenizer.chat_template"]]),
        "tensors": tensors,
    }
    with open(path("smollm2.json"), "w") as f:
        json.dump(out, f, indent=0)
        f.write("\n")


if __name__ == "__main__" and sys.argv[1:2] == ["blocks"]:
    ggml = ctypes.CDLL(sys.argv[2])
    for kind in (*HALVES, T.MXFP4):
        block_file(ggml, kind)
elif __name__ == "__main__":
    for kind in (T.F32, T.F16, T.BF16, *PACKED):
        quant_file(kind)
    metadata_file("metadata.gguf")
    metadata_file("bigendian.gguf", GGUFEndian.BIG)
    types_table()
    tiny_file()
    if len(sys.argv) > 1:
        model(sys.argv[1])
