"""Writes ops.json: what Python's mlx.core gives for the operations in
reference_test.go. Run it with the MLX of go.generate's pin:

    pip install mlx==0.32.2 && python ops.py
"""

import json
import math
from pathlib import Path

import mlx.core as mx

mx.set_default_device(mx.cpu)

f32, i32 = mx.float32, mx.int32
I = {
    "x": mx.array([[-0.9, -0.5, -0.1], [0.2, 0.6, 0.95]], f32),  # within (-1, 1)
    "y": mx.array([[1.5, -2.0, 0.5], [3.0, -0.25, 2.0]], f32),  # not zero
    "p": mx.array([[1.1, 1.5, 2.0], [2.5, 3.25, 4.0]], f32),  # above 1
    "v": mx.array([3.0, 1.0, 2.0, 5.0, 4.0, 0.0], f32),  # a permutation
    "u": mx.array([1.0, 2.0, 4.0, 4.0, 7.0, 9.0], f32),  # sorted
    "q": mx.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]], f32),  # positive definite
    "t": mx.arange(24, dtype=f32).reshape(2, 3, 4) / 8 - 1,
    "i": mx.array([[1, 2, 3], [4, 5, 6]], i32),
    "j": mx.array([[3, 1, 2], [2, 2, 5]], i32),
    "k": mx.array([2, 0, 1, 2], i32),  # indices
    "b": mx.array([[True, False, True], [False, False, True]]),
    "c": mx.array([[True, True, False], [False, True, False]]),
    "z": mx.array([1 + 2j, -3 + 0.5j, 0.25 - 1j], mx.complex64),
    "n": mx.array([1.0, math.nan, math.inf, -math.inf], f32),
    "w": mx.sin(mx.arange(4 * 64, dtype=f32)).reshape(4, 64),  # weights to quantise
    "h": mx.cos(mx.arange(2 * 64, dtype=f32)).reshape(2, 64),
    "img": mx.sin(mx.arange(2 * 5 * 6 * 2, dtype=f32)).reshape(2, 5, 6, 2),
    "ker": mx.cos(mx.arange(3 * 2 * 2 * 2, dtype=f32)).reshape(3, 2, 2, 2),
    "vol": mx.sin(mx.arange(4 * 4 * 4 * 2, dtype=f32)).reshape(1, 4, 4, 4, 2),
    "vker": mx.cos(mx.arange(3 * 2 * 2 * 2 * 2, dtype=f32)).reshape(3, 2, 2, 2, 2),
    "seq": mx.sin(mx.arange(2 * 7 * 2, dtype=f32)).reshape(2, 7, 2),
    "sker": mx.cos(mx.arange(3 * 3 * 2, dtype=f32)).reshape(3, 3, 2),
    "rows": mx.array([1, 0], i32),
    "new": mx.array([[1.5, 2.0, -3.0], [0.5, -1.0, 4.0]], f32),  # of those rows
    "key": mx.random.key(7),
    "heads": mx.sin(mx.arange(1 * 2 * 3 * 8, dtype=f32)).reshape(1, 2, 3, 8),
    "big": mx.sin(mx.arange(32 * 32, dtype=f32)).reshape(32, 32),
}
x, y, p, v, u, q, t, i, j, k, b, c, z, n, w, h = (I[s] for s in "x y p v u q t i j k b c z n w h".split())
img, ker, vol, vker, seq, sker, key, heads, big = (
    I[s] for s in "img ker vol vker seq sker key heads big".split())
la, fft, rnd, fast = mx.linalg, mx.fft, mx.random, mx.fast

O = {}

# name in Go: (name in Python, input)
for go, (py, arg) in {
    "Abs": ("abs", x), "Arccos": ("arccos", x), "Arccosh": ("arccosh", p), "Arcsin": ("arcsin", x),
    "Arcsinh": ("arcsinh", x), "Arctan": ("arctan", x), "Arctanh": ("arctanh", x), "Argsort": ("argsort", v),
    "Atleast1D": ("atleast_1d", x), "Atleast2D": ("atleast_2d", v), "Atleast3D": ("atleast_3d", x),
    "BitwiseInvert": ("bitwise_invert", i), "Ceil": ("ceil", y), "Conjugate": ("conjugate", z), "Cos": ("cos", x),
    "Cosh": ("cosh", x), "Degrees": ("degrees", x), "Erf": ("erf", x), "Erfinv": ("erfinv", x), "Exp": ("exp", x),
    "Expm1": ("expm1", x), "Flatten": ("flatten", x), "Floor": ("floor", y), "Imag": ("imag", z),
    "IsFinite": ("isfinite", n), "IsInf": ("isinf", n), "IsNaN": ("isnan", n), "IsNegInf": ("isneginf", n),
    "IsPosInf": ("isposinf", n), "Log": ("log", p), "Log10": ("log10", p), "Log1p": ("log1p", x), "Log2": ("log2", p),
    "LogicalNot": ("logical_not", b), "Negative": ("negative", x), "OnesLike": ("ones_like", x),
    "Radians": ("radians", x), "Real": ("real", z), "Reciprocal": ("reciprocal", y), "Rsqrt": ("rsqrt", p),
    "Sigmoid": ("sigmoid", x), "Sign": ("sign", y), "Sin": ("sin", x), "Sinh": ("sinh", x), "Sort": ("sort", v),
    "Sqrt": ("sqrt", p), "Square": ("square", x), "Squeeze": ("squeeze", x[None]), "StopGradient": ("stop_gradient", x),
    "Tan": ("tan", x), "Tanh": ("tanh", x), "Trace": ("trace", q), "Transpose": ("transpose", x), "Trunc": ("trunc", y),
    "ZerosLike": ("zeros_like", x), "ToFP8": ("to_fp8", x), "Contiguous": ("contiguous", x),
}.items():
    O[go] = getattr(mx, py)(arg)

for go, (py, l, r) in {
    "Add": ("add", x, y), "Arctan2": ("arctan2", x, y), "BitwiseAnd": ("bitwise_and", i, j),
    "BitwiseOr": ("bitwise_or", i, j), "BitwiseXor": ("bitwise_xor", i, j), "Divide": ("divide", x, y),
    "Equal": ("equal", i, j), "FloorDivide": ("floor_divide", x, y), "Greater": ("greater", x, y),
    "GreaterEqual": ("greater_equal", i, j), "Inner": ("inner", x, y), "Kron": ("kron", x, y),
    "LeftShift": ("left_shift", i, j), "Less": ("less", x, y), "LessEqual": ("less_equal", i, j),
    "LogAddExp": ("logaddexp", x, y), "LogicalAnd": ("logical_and", b, c), "LogicalOr": ("logical_or", b, c),
    "Matmul": ("matmul", x, q), "Maximum": ("maximum", x, y), "Minimum": ("minimum", x, y),
    "Multiply": ("multiply", x, y), "NotEqual": ("not_equal", i, j), "Outer": ("outer", v, u),
    "Power": ("power", p, y), "Remainder": ("remainder", y, p), "RightShift": ("right_shift", i, j),
    "Subtract": ("subtract", x, y), "Take": ("take", v, k), "Divmod": ("divmod", i, j),
}.items():
    O[go] = getattr(mx, py)(l, r)

# reductions: whole, over axes, over an axis
for go, (py, arg) in {
    "All": ("all", b), "Any": ("any", b), "LogSumExp": ("logsumexp", t), "Max": ("max", t), "Mean": ("mean", t),
    "Median": ("median", t), "Min": ("min", t), "Prod": ("prod", t), "Sum": ("sum", t),
}.items():
    op, last = getattr(mx, py), arg.ndim - 1
    O[go], O[go + "Axes"], O[go + "Axis"] = op(arg), op(arg, axis=[0, last], keepdims=True), op(arg, axis=1)
for go, py in {"Std": "std", "Var": "var"}.items():
    op = getattr(mx, py)
    O[go], O[go + "Axes"], O[go + "Axis"] = op(t), op(t, axis=[0, 2], keepdims=True, ddof=1), op(t, axis=1, ddof=1)
for go, py in {"Argmax": "argmax", "Argmin": "argmin"}.items():
    op = getattr(mx, py)
    O[go], O[go + "Axis"] = op(y, keepdims=True), op(y, axis=1)
for go, py in {"Cummax": "cummax", "Cummin": "cummin", "Cumprod": "cumprod", "Cumsum": "cumsum",
               "LogCumsumExp": "logcumsumexp"}.items():
    op = getattr(mx, py)
    O[go], O[go + "Axis"] = op(v), op(y, axis=1, reverse=True, inclusive=False)

# the rest of ops.h
O |= {
    "Addmm": mx.addmm(x, y, q, 2.0, -0.5),
    "Allclose": mx.allclose(x, x + 1e-3, rtol=1e-2, atol=1e-4),
    "Arange": mx.arange(1.0, 3.0, 0.5, dtype=f32),
    "Argpartition": mx.argpartition(v, 2)[2],
    "ArgpartitionAxis": mx.sort(mx.argpartition(y, 1, axis=1), axis=1),  # the order within a part is free
    "ArgsortAxis": mx.argsort(y, axis=1),
    "ArrayEqual": mx.array_equal(n, n, equal_nan=True),
    "AsStrided": mx.as_strided(u, (2, 2), (1, 2), 1),
    "AsType": y.astype(i32),
    "Bartlett": mx.bartlett(5), "Blackman": mx.blackman(5), "Hamming": mx.hamming(5), "Hanning": mx.hanning(5),
    "BlockMaskedMM": mx.block_masked_mm(big, big, 32, None, mx.array([[2.0]]), mx.array([[0.5]])),
    "BroadcastTo": mx.broadcast_to(x, (2, 2, 3)),
    "Clip": mx.clip(y, -1.0, 2.0),
    "Concatenate": mx.concatenate([x, y], axis=None), "ConcatenateAxis": mx.concatenate([x, y], axis=1),
    "Conv1D": mx.conv1d(seq, sker, 2, 1, 1, 1),
    "Conv2D": mx.conv2d(img, ker, (2, 1), (1, 0), (1, 2), 1),
    "Conv3D": mx.conv3d(vol, vker, (1, 2, 1), (0, 1, 0), (1, 1, 2), 1),
    "ConvGeneral": mx.conv_general(img, ker, (1, 2), ([1, 0], [0, 1]), (2, 1), (1, 2), 1, True),
    "ConvTranspose1D": mx.conv_transpose1d(seq, sker, 2, 1, 1, 1, 1),
    "ConvTranspose2D": mx.conv_transpose2d(img, ker, (2, 1), (1, 0), (1, 2), (1, 0), 1),
    "ConvTranspose3D": mx.conv_transpose3d(vol, vker, (1, 2, 1), (0, 1, 0), (1, 1, 2), (0, 1, 0), 1),
    "Copy": x,
    "CountNonzero": mx.count_nonzero(b), "CountNonzeroAxes": mx.count_nonzero(b, axis=[0, 1], keepdims=True),
    "CountNonzeroAxis": mx.count_nonzero(b, axis=1),
    "CumsumDtype": mx.cumsum(i, axis=0).astype(f32),
    "Diag": mx.diag(v, 1), "Diagonal": mx.diagonal(t, 1, 0, 2), "Diff": mx.diff(t, 2, 1),
    "Einsum": mx.einsum("ij,kj->ik", x, y),
    "ExpandDims": mx.expand_dims(x, 1), "ExpandDimsAxes": mx.expand_dims(x, [0, 3]),
    "Eye": mx.eye(3, 4, 1, dtype=f32),
    "Flip": mx.flip(x), "FlipAxes": mx.flip(t, axis=[0, 2]), "FlipAxis": mx.flip(x, axis=1),
    "FromFP8": mx.from_fp8(mx.to_fp8(x), f32),
    "Full": mx.full((2, 3), 1.5, dtype=f32), "FullLike": mx.full_like(i, 2.5, dtype=f32),
    "Gather": mx.take(t, k[:2], axis=1).transpose(1, 0, 2)[:, :, None, :],
    "GatherSingle": mx.take(x, mx.array([1, 0]), axis=0)[:, None, :],
    "GatherMM": mx.gather_mm(t, t.transpose(0, 2, 1), mx.array([1, 0], mx.uint32), mx.array([0, 1], mx.uint32)),
    "HadamardTransform": mx.hadamard_transform(t, scale=0.5),
    "Identity": mx.identity(3, dtype=f32),
    "IsClose": mx.isclose(n, n, rtol=1e-5, atol=1e-8, equal_nan=True),
    "Linspace": mx.linspace(0.0, 1.0, 5, dtype=f32), "LinspaceEndpoint": mx.arange(5, dtype=f32) / 5,
    "LogicalXor": b != c,
    "MaskedScatter": mx.array([[10.0, -0.5, 20.0], [0.2, 0.6, 30.0]], f32),
    "MoveAxis": mx.moveaxis(t, 0, 2),
    "NaNToNum": mx.nan_to_num(n, 0.5, 9.0, -9.0),
    "NumberOfElements": mx.array(8, i32),
    "Ones": mx.ones((2, 3), dtype=f32), "OnesLikeDtype": mx.ones((2, 3), dtype=i32),
    "Pad": mx.pad(x, [(1, 2), (0, 1)], "constant", 7.0), "PadSymmetric": mx.pad(x, 1, mode="edge"),
    "Partition": mx.partition(v, 2)[2], "PartitionAxis": mx.sort(y, axis=1)[:, 1],
    "Positive": x,
    "PutAlongAxis": mx.put_along_axis(x, mx.array([[0], [2]]), mx.array([[5.0], [6.0]]), 1),
    "Repeat": mx.repeat(x, 2), "RepeatAxis": mx.repeat(x, 2, axis=1), "Reshape": mx.reshape(x, (3, -1)),
    "Roll": mx.roll(x, 1), "RollAxes": mx.roll(x, (1, 2), (0, 1)), "RollAxis": mx.roll(x, 1, 1),
    "Round": mx.round(y * 1.2345, 2),
    "SearchSorted": mx.searchsorted(u, v), "SearchSortedRight": mx.searchsorted(u, v, "right"),
    "SegmentedMM": mx.segmented_mm(x, x.T, mx.array([[0, 1], [1, 3]], mx.uint32)),
    "Slice": t[:, 0:3:2, 1:3], "SliceDynamic": mx.slice(t, mx.array([1, 2]), (1, 2), (2, 2, 2)),
    "Softmax": mx.softmax(t, axis=None), "SoftmaxAxes": mx.softmax(t, axis=[0, 2]),
    "SoftmaxAxis": mx.softmax(t, axis=1),
    "SortAxis": mx.sort(t, axis=0), "SqueezeAxes": x, "SqueezeAxis": x,
    "Stack": mx.stack([x, y]), "StackAxis": mx.stack([x, y], axis=2),
    "SwapAxes": mx.swapaxes(t, 0, 2), "TakeAlongAxis": mx.take_along_axis(x, mx.array([[2], [0]]), 1),
    "TakeAxis": mx.take(x, k, axis=1), "Tensordot": mx.tensordot(t, t, [[0, 2], [0, 2]]),
    "TensordotAxis": mx.tensordot(x, q, 1), "Tile": mx.tile(x, (2, 1)),
    "TopK": mx.sort(mx.topk(v, 3)), "TopKAxis": mx.sort(mx.topk(y, 2, axis=1), axis=1),
    "TraceAxes": mx.trace(t, 1, 0, 2, dtype=f32), "TransposeAxes": mx.transpose(t, (2, 0, 1)),
    "Tri": mx.tri(3, 4, 1, dtype=f32), "Tril": mx.tril(q, -1), "Triu": mx.triu(q, 1),
    "Unflatten": mx.unflatten(t, 2, (2, 2)), "Vecdot": mx.vecdot(x, y, axis=1), "View": mx.view(x, i32),
    "Where": mx.where(b, x, y), "Zeros": mx.zeros((2, 3), dtype=f32), "ZerosLikeDtype": mx.zeros((2, 3), dtype=i32),
    "BroadcastArrays": mx.broadcast_arrays(x, v[:3]), "Meshgrid": mx.meshgrid(v[:2], u[:3], indexing="ij"),
    "Split": mx.split(x, 3, axis=1), "SplitSections": mx.split(v, [1, 4]), "Unstack": mx.unstack(x),
    "UnstackAxis": mx.unstack(x, axis=1), "Depends": [x, y],
}


def at(how, a, index, value):
    return getattr(a.at[index], how)(value)


def scattered(a, index, value):
    a = mx.array(a)
    a[index] = value
    return a


rows, new = I["rows"], I["new"]
for go, how in {"ScatterAdd": "add", "ScatterMax": "maximum", "ScatterMin": "minimum",
                "ScatterProd": "multiply"}.items():
    O[go] = O[go + "Single"] = at(how, x, rows, new)
O["Scatter"] = O["ScatterSingle"] = scattered(x, rows, new)
O["ScatterAddAxis"] = at("add", x, (mx.array([[0], [1]]), mx.array([[2], [1]])), mx.array([[5.0], [6.0]]))
for go, how in {"SliceUpdateAdd": "add", "SliceUpdateMax": "maximum", "SliceUpdateMin": "minimum",
                "SliceUpdateProd": "multiply"}.items():
    O[go] = at(how, x, (slice(0, 2), slice(1, 3)), new[:, :2])
O["SliceUpdate"] = O["SliceUpdateDynamic"] = scattered(x, (slice(0, 2), slice(1, 3)), new[:, :2])

# quantised: 4 bits in groups of 32; fp8-like formats
wq, ws, wb = mx.quantize(w, 32, 4)
fq, fs = mx.quantize(w, mode="mxfp8")
O |= {
    "Quantize": [wq, ws, wb], "Dequantize": mx.dequantize(wq, ws, wb, 32, 4),
    "QuantizeMXFP8": [fq, fs], "DequantizeMXFP8": mx.dequantize(fq, fs, mode="mxfp8").astype(f32),
    "QuantizedMatmul": mx.quantized_matmul(h, wq, ws, wb, True, 32, 4),
    "GatherQMM": mx.gather_qmm(h[None, :1], wq[None], ws[None], wb[None], mx.array([0], mx.uint32),
                               mx.array([0], mx.uint32), True, 32, 4),
}

# fast.h, fft.h
causal = mx.array([[0.0, -1.0, -2.0]] * 3)
O |= {
    "LayerNorm": fast.layer_norm(x, p[0], y[1], 1e-3), "RMSNorm": fast.rms_norm(x, p[0], 1e-3),
    "RoPE": fast.rope(heads, 8, traditional=False, base=1000.0, scale=0.5, offset=3),
    "RoPETraditional": fast.rope(heads, 4, traditional=True, base=None, scale=1.0, offset=0, freqs=p.reshape(6)[:2]),
    "RoPEDynamic": fast.rope(heads, 8, traditional=False, base=1000.0, scale=0.5, offset=mx.array(3)),
    "ScaledDotProductAttention": fast.scaled_dot_product_attention(heads, heads, heads, scale=0.3, mask="causal"),
    "ScaledDotProductAttentionMask": fast.scaled_dot_product_attention(
        heads, heads, heads, scale=0.3, mask=causal, sinks=mx.array([0.5, -0.5])),
    "CrossEntropy": fast.cross_entropy(t.reshape(6, 4), mx.array([0, 1, 2, 3, 0, 1])),
    "FFT": fft.fft(v, 8, 0, norm="ortho"), "IFFT": fft.ifft(z, 3, 0), "RFFT": fft.rfft(v, 6, 0),
    "IRFFT": fft.irfft(z, 4, 0, norm="forward"),
    "FFT2": fft.fft2(t, (2, 3), (0, 1)), "IFFT2": fft.ifft2(t, (2, 3), (0, 1)),
    "RFFT2": fft.rfft2(t, (2, 3), (0, 1)), "IRFFT2": fft.irfft2(t, (2, 4), (0, 1)),
    "FFTN": fft.fftn(t, (2, 3, 4), (0, 1, 2)), "IFFTN": fft.ifftn(t, (2, 3, 4), (0, 1, 2), norm="ortho"),
    "RFFTN": fft.rfftn(t, (2, 3, 4), (0, 1, 2)), "IRFFTN": fft.irfftn(t, (2, 3, 6), (0, 1, 2)),
    "FFTFreq": fft.fftfreq(5, 0.5), "RFFTFreq": fft.rfftfreq(5, 0.5),
    "FFTShift": fft.fftshift(t, (0, 2)), "IFFTShift": fft.ifftshift(t, (1,)),
}

# linalg.h; what is unique only up to signs is tested by what it means
lower = la.cholesky(q)
O |= {
    "Cholesky": lower, "CholeskyInv": la.cholesky_inv(lower.T, upper=True), "Cross": la.cross(x, y, axis=1),
    "Det": la.det(q), "Eigvalsh": la.eigvalsh(q, "U"), "Inv": la.inv(q), "Pinv": la.pinv(x),
    "Slogdet": list(la.slogdet(-q)), "Solve": la.solve(q, p.T),
    "SolveTriangular": la.solve_triangular(lower.T, p.T, upper=True),
    "TriInv": la.tri_inv(lower, False), "Norm": la.norm(y, 3.0, axis=1, keepdims=True), "NormL2": la.norm(y),
    "NormMatrix": la.norm(y, "nuc", axis=[0, 1]), "LUFactor": list(la.lu_factor(q)), "LU": list(la.lu(q)),
    "SingularValues": la.svd(q, compute_uv=False),
}

# random.h, each with an explicit key
O |= {
    "RandomKey": rnd.key(7), "RandomSplit": list(rnd.split(key)), "RandomSplitNum": rnd.split(key, 3),
    "RandomBernoulli": rnd.bernoulli(0.3, (3, 4), key), "RandomCategorical": rnd.categorical(t, 1, key=key),
    "RandomCategoricalShape": rnd.categorical(y, 1, shape=(4, 2), key=key),
    "RandomCategoricalNumSamples": rnd.categorical(y, 1, num_samples=5, key=key),
    "RandomGumbel": rnd.gumbel((2, 3), f32, key), "RandomLaplace": rnd.laplace((2, 3), f32, 1.0, 2.0, key),
    "RandomNormal": rnd.normal((2, 3), f32, 1.0, 2.0, key),
    "RandomNormalBroadcast": rnd.normal((2, 3), f32, x, y, key), "RandomPermutation": rnd.permutation(t, 1, key),
    "RandomPermutationArange": rnd.permutation(6, key=key), "RandomRandint": rnd.randint(-5, 50, (2, 3), i32, key),
    "RandomTruncatedNormal": rnd.truncated_normal(-1.0, 2.0, (2, 3), f32, key),
    "RandomUniform": rnd.uniform(-1.0, 2.0, (2, 3), f32, key),
}


def dump(a):
    values = a.astype(f32) if a.dtype in (mx.float16, mx.bfloat16) else a
    flat = values.reshape(-1).tolist()
    if a.dtype == mx.complex64:
        flat = [part for e in flat for part in (e.real, e.imag)]
    names = {"inf": "inf", "-inf": "-inf", "nan": "nan"}
    flat = [names.get(str(e), e) if isinstance(e, float) else int(e) for e in flat]
    return {"dtype": str(a.dtype).removeprefix("mlx.core.").rstrip("_"), "shape": list(a.shape), "data": flat}


def block(entries):
    return "{\n" + ",\n".join(f"{json.dumps(s)}: {json.dumps(v)}" for s, v in sorted(entries.items())) + "\n}"


inputs = {s: dump(a) for s, a in I.items()}
outputs = {s: [dump(a) for a in (o if isinstance(o, (list, tuple)) else [o])] for s, o in O.items()}
Path(__file__).with_suffix(".json").write_text(
    f'{{"mlx": {json.dumps(mx.__version__)},\n"inputs": {block(inputs)},\n"outputs": {block(outputs)}}}\n')
