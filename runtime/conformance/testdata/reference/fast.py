"""mlx.core.fast, and mlx.core.distributed in a group of one."""

import math

import mlx.core as mx

from recorder import ALL, FLOATS, In, Recorder, arr, of, special, strided, transposed

ft, group = mx.fast, mx.distributed


def attention(q, k, v, scale, mode, mask, sinks, fused):
    return ft.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask if mask is not None else mode or None, sinks=sinks, force_fused=fused)


def rope(x, dims, traditional, base, scale, offset, freqs):
    return ft.rope(x, dims, traditional=traditional, base=base, scale=scale, offset=offset, freqs=freqs)


CALLS = {
    "CrossEntropy": ft.cross_entropy, "LayerNorm": ft.layer_norm, "RMSNorm": ft.rms_norm, "RoPE": rope, "RoPEDynamic": rope,
    "ScaledDotProductAttention": attention,
    "AllGather": lambda x, g: group.all_gather(x), "AllMax": lambda x, g: group.all_max(x),
    "AllMin": lambda x, g: group.all_min(x), "AllSum": lambda x, g: group.all_sum(x),
    "SumScatter": lambda x, g: group.sum_scatter(x), "Recv": lambda s, d, src, g: group.recv(s, d, src),
    "RecvLike": lambda x, src, g: group.recv_like(x, src), "Send": lambda x, dst, g: group.send(x, dst),
}


def norms(r):
    for dtype in ALL:
        x, w, b = arr(dtype, (2, 3, 8)), arr(dtype, (8,), 0, 2), arr(dtype, (8,))
        r.add("RMSNorm", x, w, 1e-5, compare="sum")
        r.add("RMSNorm", x, None, 1e-5, compare="sum")
        r.add("LayerNorm", x, w, b, 1e-5, compare="sum")
        r.add("LayerNorm", x, None, b, 1e-3, compare="sum")
        r.add("LayerNorm", x, None, None, 1e-5, compare="sum")
    f = mx.float32
    for x in (transposed(arr(f, (8, 3))), strided(arr(f, (2, 16))), arr(f, (0, 8)), arr(f, (8,)), arr(f, (2, 8), -0.0625, 0.0625)):
        r.add("RMSNorm", x, arr(f, (8,), 0, 2), 1e-5, compare="sum")
        r.add("LayerNorm", x, arr(f, (8,), 0, 2), arr(f, (8,)), 1e-5, compare="sum")
    for n in (1, 33, 4099):
        r.add("RMSNorm", arr(f, (2, n)), None, 1e-5, compare="sum")
        r.add("LayerNorm", arr(f, (2, n)), None, None, 1e-5, compare="sum")
    r.add("RMSNorm", arr(mx.float16, (2, 8)), arr(f, (8,)), 1e-5, compare="sum")
    r.add("RMSNorm", special(f), None, 1e-5, compare="sum")
    x = arr(f, (2, 8))
    for bad in (("RMSNorm", x, arr(f, (7,)), 1e-5), ("RMSNorm", arr(f, ()), None, 1e-5), ("RMSNorm", x, arr(f, (2, 8)), 1e-5),
                ("LayerNorm", x, arr(f, (7,)), None, 1e-5), ("LayerNorm", x, None, arr(f, (7,)), 1e-5), ("LayerNorm", arr(f, ()), None, None, 1e-5),
                ("LayerNorm", x, arr(f, (2, 8)), None, 1e-5)):
        r.refuse(*bad)


def ropes(r):
    for dtype in FLOATS + [mx.int32, mx.complex64]:
        x = arr(dtype, (2, 2, 3, 8))
        for traditional in (False, True):
            r.add("RoPE", x, 8, traditional, 10000.0, 1.0, 0, None, compare="sum")
            r.add("RoPE", x, 4, traditional, 100.0, 0.5, 7, None, compare="sum")
            r.add("RoPE", x, 8, traditional, None, 1.0, 3, arr(mx.float32, (4,), 1, 20), compare="sum")
            r.add("RoPEDynamic", x, 8, traditional, 10000.0, 1.0, of(5, mx.int32), None, compare="sum")
            r.add("RoPEDynamic", x, 6, traditional, 500.0, 2.0, of([1, 4], mx.int32), None, compare="sum")
            r.add("RoPEDynamic", x, 8, traditional, None, 1.0, of([0, 9], mx.int32), arr(mx.float32, (4,), 1, 20), compare="sum")
    f = mx.float32
    x = arr(f, (1, 2, 3, 8))
    r.add("RoPE", In(arr(f, (1, 3, 2, 8)).base, ["TransposeAxes", [0, 2, 1, 3]]), 8, False, 10000.0, 1.0, 2, None, compare="sum")
    r.add("RoPE", strided(arr(f, (1, 2, 3, 16))), 8, False, 10000.0, 1.0, 2, None, compare="sum")
    r.add("RoPE", arr(f, (3, 8)), 8, True, 10000.0, 1.0, 1, None, compare="sum")
    r.add("RoPE", arr(f, (2, 1, 1, 8)), 8, False, 10000.0, 1.0, 1000, None, compare="sum")
    for op, offset in (("RoPE", 0), ("RoPEDynamic", of(0, mx.int32))):
        for bad in ((arr(f, (8,)), 8, False, 10.0, 1.0, offset, None), (x, 8, False, None, 1.0, offset, None),
                    (x, 8, False, 10.0, 1.0, offset, arr(f, (4,))), (x, 8, False, None, 1.0, offset, arr(f, (3,))), (x, 8, False, None, 1.0, offset, arr(f, (2, 2)))):
            r.refuse(op, *bad)
    r.refuse("RoPEDynamic", x, 8, False, 10.0, 1.0, of([1, 2, 3], mx.int32), None)
    r.refuse("RoPEDynamic", x, 8, False, 10.0, 1.0, of([1.0], f), None)


def sdpa(r):
    op, n = "ScaledDotProductAttention", -math.inf
    for dtype in FLOATS:
        q, k, v = arr(dtype, (1, 4, 3, 8)), arr(dtype, (1, 2, 5, 8)), arr(dtype, (1, 2, 5, 8), -1, 1)
        full = arr(dtype, (1, 4, 5, 8))
        keep = of([[True, True, True, False, False], [True, True, True, True, False], [False, True, True, True, True]], mx.bool_)
        bias = In(mx.where(keep.mx, mx.array(0.25, dtype), mx.array(n, dtype)))
        r.add(op, q, full, full, 0.35, "", None, None, False, compare="sum")
        for mode, mask in (("", None), ("causal", None), ("array", keep), ("array", bias), ("array", arr(dtype, (1, 4, 3, 5))), ("array", arr(dtype, (1, 4, 1, 5)))):
            for sinks in (None, arr(dtype, (4,))):
                r.add(op, q, k, v, 0.35, mode, mask, sinks, False, compare="sum")
        r.add(op, arr(dtype, (2, 4, 1, 8)), arr(dtype, (2, 1, 5, 8)), arr(dtype, (2, 1, 5, 8), -1, 1), 0.35, "causal", None, None, False, compare="sum")
        r.add(op, q, k, arr(dtype, (1, 2, 5, 6)), 0.35, "causal", None, None, False, compare="sum")
        r.add(op, In(arr(dtype, (1, 3, 4, 8)).base, ["TransposeAxes", [0, 2, 1, 3]]), k, v, 0.35, "", None, None, False, compare="sum")
        r.add(op, q, k, v, 0.35, "", None, None, True, compare="sum")
    for d in (64, 128):  # the sizes that fused kernels serve
        for dtype in (mx.float32, mx.float16, mx.bfloat16):
            for length in (1, 4):
                q, k = arr(dtype, (1, 2, length, d), -1, 1), arr(dtype, (1, 1, 9, d), -1, 1)
                r.add(op, q, k, k, 0.125, "causal", None, None, False, compare="sum")
                r.add(op, q, k, k, 0.125, "", None, arr(dtype, (2,)), False, compare="sum")
    f = mx.float32
    q, k = arr(f, (1, 4, 3, 8)), arr(f, (1, 2, 5, 8))
    i = arr(mx.int32, (1, 4, 3, 8))
    for bad in ((arr(f, (4, 3, 8)), k, k, 1.0, "", None, None, False), (q, arr(f, (1, 3, 5, 8)), arr(f, (1, 3, 5, 8)), 1.0, "", None, None, False),
                (q, arr(f, (1, 2, 5, 4)), k, 1.0, "", None, None, False), (q, k, arr(f, (1, 1, 5, 8)), 1.0, "", None, None, False),
                (q, k, k, 1.0, "array", arr(f, (2, 2)), None, False), (i, i, i, 1.0, "", None, None, False),
                (q, arr(f, (2, 2, 5, 8)), k, 1.0, "", None, None, False), (q, k, k, 1.0, "", None, arr(f, (3,)), False)):
        r.refuse(op, *bad)


def losses(r):
    for dtype in FLOATS:
        logits = arr(dtype, (2, 3, 5))
        r.add("CrossEntropy", logits, of([[0, 4, 2], [1, 1, 3]], mx.int32), compare="sum")
        r.add("CrossEntropy", arr(dtype, (5,)), of(3, mx.uint32), compare="sum")
        r.add("CrossEntropy", transposed(arr(dtype, (5, 2))), of([4, 0], mx.int64), compare="sum")
        r.add("CrossEntropy", arr(dtype, (2, 4100), -9, 9), of([7, 4099], mx.int32), compare="sum")
        r.add("CrossEntropy", of([[-math.inf, 0, 1], [300, -300, 299]], dtype), of([1, 1], mx.int32), compare="sum")
    x = arr(mx.float32, (2, 5))
    for bad in ((x, of([0.5, 1], mx.float32)), (x, of([0], mx.int32)), (arr(mx.int32, (2, 5)), of([0, 1], mx.int32)), (arr(mx.float32, ()), of(0, mx.int32))):
        r.refuse("CrossEntropy", *bad)


def alone(r):
    x = arr(mx.float32, (2, 3))
    for op in ("AllGather", "AllMax", "AllMin", "AllSum", "SumScatter"):
        for dtype in ALL:
            r.add(op, arr(dtype, (2, 3)), None, compare="exact")
    r.refuse("Send", x, 0, None)
    r.refuse("Recv", [2], mx.float32, 0, None)
    r.refuse("RecvLike", x, 0, None)


def record(folder):
    r = Recorder("fast", CALLS)
    for part in (norms, ropes, sdpa, losses, alone):
        part(r)
    r.write(folder)
