"""Quantisation in every mode, and products with quantised weights."""

import mlx.core as mx

from recorder import In, Recorder, arr, of, transposed


CALLS = {
    "Dequantize": lambda w, scales, biases, group, bits, mode, world, dtype: mx.dequantize(w, scales, biases, group, bits, mode, world, dtype),
    "GatherQMM": lambda x, w, s, b, left, right, t, group, bits, mode, ordered: mx.gather_qmm(
        x, w, s, b, left, right, t, group, bits, mode, sorted_indices=ordered),
    "GatherQQMM": lambda x, w, s, left, right, group, bits, mode, gx, gw, ordered: mx.gather_qqmm(
        x, w, s, left, right, group, bits, mode, gx, gw, sorted_indices=ordered),
    "QQMM": mx.qqmm,
    "Quantize": lambda w, group, bits, mode, world: list(mx.quantize(w, group, bits, mode, global_scale=world)),
    "QuantizedMatmul": mx.quantized_matmul,
    "ToFP8": mx.to_fp8,
    "FromFP8": mx.from_fp8,
}
MODES = [("affine", group, bits) for bits in (2, 3, 4, 5, 6, 8) for group in (32, 64, 128)]
MODES += [("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)]


def packed(shape, dtype, mode, group, bits):
    w = arr(mx.float32, shape, -3, 3).mx.astype(dtype)
    parts = [In(p) for p in mx.quantize(w, group, bits, mode)]
    return parts + [None] * (3 - len(parts))


def products(r):
    for mode, group, bits in MODES:
        for dtype in (mx.float32, mx.float16, mx.bfloat16):
            if dtype != mx.float32 and group == 128:
                continue
            weights = arr(mx.float32, (4, 128), -3, 3).mx.astype(dtype)
            r.add("Quantize", In(weights), group, bits, mode, None)
            w, s, b = packed((4, 128), dtype, mode, group, bits)
            r.add("Dequantize", w, s, b, group, bits, mode, None, None, compare="sum")
            r.add("Dequantize", w, s, b, group, bits, mode, None, mx.float32, compare="sum")
            w, s, b = packed((8, 128), dtype, mode, group, bits)
            for rows in (1, 3):
                r.add("QuantizedMatmul", arr(dtype, (rows, 128), -1, 1), w, s, b, True, group, bits, mode, compare="sum")
            w, s, b = packed((32, 128), dtype, mode, group, bits)
            r.add("QuantizedMatmul", arr(dtype, (2, 32), -1, 1), w, s, b, False, group, bits, mode, compare="sum")
            w, s, b = packed((3, 4, 128), dtype, mode, group, bits)
            left, right = of([0, 1], mx.uint32), of([2, 0], mx.uint32)
            r.add("GatherQMM", arr(dtype, (2, 1, 128), -1, 1), w, s, b, left, right, True, group, bits, mode, False, compare="sum")
            r.add("GatherQMM", arr(dtype, (2, 1, 128), -1, 1), w, s, b, None, of([0, 1], mx.uint32), True, group, bits, mode, True, compare="sum")
            if group == 32:
                w, s, b = packed((3, 16, 64), dtype, mode, group, bits)
                r.add("GatherQMM", arr(dtype, (2, 2, 16), -1, 1), w, s, b, left, right, False, group, bits, mode, False, compare="sum")
    f = mx.float32
    for mode in ("affine", "mxfp4", "mxfp8", "nvfp4"):  # without group and bits: those of the mode
        w, s, b = packed((4, 128), f, mode, None, None)
        r.add("Quantize", arr(f, (4, 128), -3, 3), None, None, mode, None)
        r.add("Dequantize", w, s, b, None, None, mode, None, None, compare="sum")
        r.add("QuantizedMatmul", transposed(arr(f, (128, 2), -1, 1)), w, s, b, True, None, None, mode, compare="sum")
    r.add("Quantize", arr(f, (2, 2, 64)), 32, 4, "affine", None)
    r.add("Quantize", of([[0.0] * 32, [1.0] * 32], f), 32, 4, "affine", None)
    world = of(2.5, f)
    r.add("Quantize", arr(f, (4, 128), -3, 3), 16, 4, "nvfp4", world)
    w, s = (In(p) for p in mx.quantize(arr(f, (4, 128), -3, 3).mx, 16, 4, "nvfp4"))
    r.add("Dequantize", w, s, None, 16, 4, "nvfp4", world, None, compare="sum")


def both(r):
    """Products that quantise the left side too."""
    f = mx.float32
    for mode, group, bits in (("nvfp4", 16, 4), ("mxfp8", 32, 8), ("mxfp4", 32, 4)):
        for dtype in (f, mx.bfloat16, mx.float16):
            w, s, _ = packed((8, 64), dtype, mode, group, bits)
            for rows in (1, 2):
                r.add("QQMM", arr(dtype, (rows, 64)), w, s, group, bits, mode, None, None, compare="sum")
                r.add("QQMM", arr(dtype, (rows, 64)), arr(dtype, (8, 64)), None, group, bits, mode, None, None, compare="sum")
            w, s, _ = packed((3, 8, 64), dtype, mode, group, bits)
            r.add("GatherQQMM", arr(dtype, (2, 1, 64)), w, s, None, of([2, 0], mx.uint32), group, bits, mode, None, None, False, compare="sum")
    w, s, _ = packed((8, 64), f, "nvfp4", 16, 4)
    x = arr(f, (2, 64))
    for bad in (("QQMM", x, w, s, 64, 4, "affine", None, None), ("QQMM", x, w, s, 16, 4, "nvfp5", None, None), ("QQMM", arr(f, (2, 32)), w, s, 16, 4, "nvfp4", None, None),
                ("QQMM", arr(mx.int32, (2, 64)), w, s, 16, 4, "nvfp4", None, None),
                ("GatherQQMM", x, w, s, None, None, 64, 4, "affine", None, None, False), ("GatherQQMM", x, w, s, None, None, 16, 4, "x", None, None, False),
                ("GatherQQMM", arr(f, (2, 1, 32)), w, s, None, None, 16, 4, "nvfp4", None, None, False)):
        r.refuse(*bad)


def refused(r):
    f = mx.float32
    w, s, b = packed((8, 128), f, "affine", 64, 4)
    x, a = arr(f, (2, 128)), arr(f, (4, 128))
    for bad in (("Quantize", arr(mx.int32, (4, 128)), 64, 4, "affine", None), ("Quantize", a, 48, 4, "affine", None), ("Quantize", a, 64, 7, "affine", None),
                ("Quantize", arr(f, (4, 100)), 64, 4, "affine", None), ("Quantize", arr(f, (64,)), 64, 4, "affine", None), ("Quantize", a, 64, 4, "mxfp4", None),
                ("Quantize", a, 32, 8, "mxfp4", None), ("Quantize", a, 64, 4, "fp3", None), ("Quantize", a, 64, 4, "affine", of(1, f)),
                ("Dequantize", w, s, None, 64, 4, "affine", None, None), ("Dequantize", a, s, b, 64, 4, "affine", None, None),
                ("Dequantize", w, s, b, 32, 4, "affine", None, None), ("Dequantize", w, s, b, 64, 8, "affine", None, None), ("Dequantize", w, s, b, 64, 4, "none", None, None),
                ("QuantizedMatmul", arr(f, (2, 64)), w, s, b, True, 64, 4, "affine"), ("QuantizedMatmul", x, a, s, b, True, 64, 4, "affine"),
                ("QuantizedMatmul", x, w, s, None, True, 64, 4, "affine"), ("QuantizedMatmul", x, w, s, b, True, 32, 4, "affine"),
                ("QuantizedMatmul", x, w, s, b, True, 64, 4, "none"),
                ("GatherQMM", arr(f, (2, 1, 64)), w, s, b, None, None, True, 64, 4, "affine", False), ("GatherQMM", x, a, s, b, None, None, True, 64, 4, "affine", False),
                ("GatherQMM", x, w, s, b, None, None, True, 64, 4, "none", False), ("GatherQMM", x, w, s, b, of([0.5], f), None, True, 64, 4, "affine", False),
                ("FromFP8", arr(f, (3,)), f), ("FromFP8", arr(mx.uint8, (3,)), mx.int32), ("ToFP8", arr(mx.int32, (3,)))):
        r.refuse(*bad)


def fp8(r):
    for dtype in (mx.float16, mx.bfloat16, mx.float32):  # of float64 MLX converts the wrong bytes
        r.add("ToFP8", arr(dtype, (3, 5)))
        r.add("ToFP8", of([0.0, -0.0, 448, 500, 1e-3, 0.3, -17], dtype))
        r.add("FromFP8", of(list(range(0, 256, 3)), mx.uint8), dtype, compare="exact")
    r.add("FromFP8", transposed(of([1, 60, 100, 200], mx.uint8, (2, 2))), mx.float32, compare="exact")


def record(folder):
    r = Recorder("quantized", CALLS)
    for part in (products, both, refused, fp8):
        part(r)
    r.write(folder)
