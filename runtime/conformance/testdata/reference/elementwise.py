"""Operations on each element, and those on pairs and triples of them."""

import mlx.core as mx

from recorder import ALL, FLOATS, INEXACT, INTS, In, Recorder, arr, broadcast, layouts, of, special, transposed

UNARY = {
    "Abs": mx.abs, "Arccos": mx.arccos, "Arccosh": mx.arccosh, "Arcsin": mx.arcsin, "Arcsinh": mx.arcsinh,
    "Arctan": mx.arctan, "Arctanh": mx.arctanh, "BitwiseInvert": mx.bitwise_invert, "Ceil": mx.ceil,
    "Conjugate": mx.conjugate, "Cos": mx.cos, "Cosh": mx.cosh, "Degrees": mx.degrees, "Erf": mx.erf,
    "Erfinv": mx.erfinv, "Exp": mx.exp, "Expm1": mx.expm1, "Floor": mx.floor, "Imag": mx.imag,
    "IsFinite": mx.isfinite, "IsInf": mx.isinf, "IsNaN": mx.isnan, "IsNegInf": mx.isneginf, "IsPosInf": mx.isposinf,
    "Log": mx.log, "Log10": mx.log10, "Log1p": mx.log1p, "Log2": mx.log2, "LogicalNot": mx.logical_not,
    "Negative": mx.negative, "Positive": mx.positive, "Radians": mx.radians, "Real": mx.real,
    "Reciprocal": mx.reciprocal, "Rsqrt": mx.rsqrt, "Sigmoid": mx.sigmoid, "Sign": mx.sign, "Sin": mx.sin,
    "Sinh": mx.sinh, "Sqrt": mx.sqrt, "Square": mx.square, "StopGradient": mx.stop_gradient, "Tan": mx.tan,
    "Tanh": mx.tanh, "Trunc": mx.trunc,
}
BINARY = {
    "Add": mx.add, "Arctan2": mx.arctan2, "Divide": mx.divide, "Equal": mx.equal, "FloorDivide": mx.floor_divide,
    "Greater": mx.greater, "GreaterEqual": mx.greater_equal, "Less": mx.less, "LessEqual": mx.less_equal,
    "LogAddExp": mx.logaddexp, "LogicalAnd": mx.logical_and, "LogicalOr": mx.logical_or, "LogicalXor": mx.logical_xor,
    "Maximum": mx.maximum, "Minimum": mx.minimum, "Multiply": mx.multiply, "NotEqual": mx.not_equal,
    "Power": mx.power, "Remainder": mx.remainder, "Subtract": mx.subtract, "Divmod": mx.divmod,
    "BitwiseAnd": mx.bitwise_and, "BitwiseOr": mx.bitwise_or, "BitwiseXor": mx.bitwise_xor,
    "LeftShift": mx.left_shift, "RightShift": mx.right_shift,
}
DIVISIONS = {"FloorDivide", "Remainder", "Divmod"}  # of integers: a zero ends the process on a CPU
EXACT = {
    "Abs", "BitwiseInvert", "Ceil", "Conjugate", "Floor", "Imag", "Negative", "Positive", "Real", "Sign",
    "StopGradient", "Trunc", "Maximum", "Minimum",
}
OTHER = {
    "Allclose": lambda a, b, rtol, atol, nan: mx.allclose(a, b, rtol, atol, equal_nan=nan),
    "ArrayEqual": lambda a, b, nan: mx.array_equal(a, b, equal_nan=nan),
    "Clip": mx.clip,
    "IsClose": lambda a, b, rtol, atol, nan: mx.isclose(a, b, rtol, atol, equal_nan=nan),
    "NaNToNum": mx.nan_to_num,
    "Round": mx.round,
    "Where": mx.where,
}


def unary(r):
    for op in UNARY:
        how = "exact" if op in EXACT else None
        for dtype in ALL:
            r.add(op, arr(dtype, (2, 3)), compare=how)
        for dtype in INEXACT + INTS:
            r.add(op, special(dtype), compare=how)
        for dtype in (mx.int32, mx.float32):
            for a in layouts(dtype):
                r.add(op, a, compare=how)
    wide = arr(mx.float32, (67,), -30, 30)  # past a vector register, with a remainder
    for op in ("Exp", "Sin", "Cos", "Tanh", "Sigmoid", "Erf", "Log1p", "Expm1", "Sinh", "Arcsinh"):
        r.add(op, wide)


def operands(op, dtype):
    b = arr(dtype, (3,))
    if op in DIVISIONS or op in ("Power", "LeftShift", "RightShift"):
        b = of([1, 2, 3], dtype)
    return arr(dtype, (2, 3)), b


def binary(r):
    pairs = [(mx.bool_, mx.int8), (mx.uint8, mx.int8), (mx.uint32, mx.int32), (mx.uint64, mx.int64), (mx.int32, mx.float16),
             (mx.float16, mx.bfloat16), (mx.bfloat16, mx.float32), (mx.float32, mx.complex64), (mx.int64, mx.float32),
             (mx.float32, mx.float64)]
    for op in BINARY:
        how = "exact" if op in EXACT else None
        for dtype in ALL:
            if op in DIVISIONS and dtype == mx.bool_:
                continue
            r.add(op, *operands(op, dtype), compare=how)
        for left, right in pairs:
            r.add(op, operands(op, left)[0], operands(op, right)[1], compare=how)
        for dtype in FLOATS:
            a = special(dtype)
            r.add(op, In(a.base[:, None]), a, compare=how)
        for dtype in (mx.int32, mx.float32):
            for a in layouts(dtype):
                r.add(op, a, operands(op, dtype)[1], compare=how)
        r.add(op, arr(mx.float32, (2, 1, 3)), arr(mx.float32, (4, 1)))
        r.add(op, transposed(arr(mx.float32, (3, 2))), broadcast(arr(mx.float32, ()), (2, 3)))
        for dtype in INTS:
            if op not in DIVISIONS and op not in ("Power", "LeftShift", "RightShift"):
                r.add(op, special(dtype), In(special(dtype).base[::-1]))
        r.refuse(op, arr(mx.float32, (2, 3)), arr(mx.float32, (2,)))
        r.refuse(op, arr(mx.int32, (2, 3)), arr(mx.int32, (4, 3)))


def several(r):
    a, b = arr(mx.float32, (2, 3)), In(arr(mx.float32, (2, 3)).base + 0.001)
    for op in ("IsClose", "Allclose"):
        for rtol, atol in ((1e-5, 1e-8), (1e-2, 1e-2)):
            r.add(op, a, b, rtol, atol, False)
            r.add(op, a, a, rtol, atol, False)
        for nan in (False, True):
            r.add(op, special(mx.float32), special(mx.float32), 1e-5, 1e-8, nan)
        for dtype in ALL:
            r.add(op, arr(dtype, (3,)), arr(dtype, (2, 3)), 1e-5, 1e-8, False)
        r.refuse(op, a, arr(mx.float32, (2,)), 1e-5, 1e-8, False)
    for dtype in ALL:
        for nan in (False, True):
            r.add("ArrayEqual", special(dtype), special(dtype), nan)
        r.add("ArrayEqual", arr(dtype, (2, 3)), arr(dtype, (3,)), False)
        r.add("Clip", arr(dtype, (2, 3)), of([0], dtype), of([1], dtype))
        r.add("Clip", special(dtype), None, of(1, dtype))
        r.add("Clip", special(dtype), of(0, dtype), None)
        for decimals in (0, 1, -1):
            r.add("Round", arr(dtype, (2, 3), -20, 20), decimals)
        r.add("Where", arr(mx.bool_, (2, 3)), arr(dtype, (2, 3)), arr(dtype, (3,)))
        r.add("NaNToNum", special(dtype), 7.0, None, None)
        r.add("NaNToNum", special(dtype), 0.0, 3.0, -4.0)
    r.refuse("Clip", a, None, None)
    r.refuse("Clip", a, arr(mx.float32, (2,)), None)
    r.add("Where", arr(mx.int32, (2, 1)), arr(mx.float16, (3,)), arr(mx.int32, ()))
    r.refuse("Where", arr(mx.bool_, (2,)), a, a)


def record(folder):
    r = Recorder("elementwise", UNARY | BINARY | OTHER)
    unary(r)
    binary(r)
    several(r)
    r.write(folder)
