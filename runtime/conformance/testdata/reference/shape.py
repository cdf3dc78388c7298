"""Operations that move elements and change nothing else; dtypes and views."""

import mlx.core as mx

from recorder import ALL, FLOATS, INTS, In, Recorder, arr, broadcast, layouts, of, special, strided, transposed


def pad(a, axes, low, high, value, mode):
    width = [(0, 0)] * a.ndim
    for axis, lo, hi in zip(axes, low, high):
        width[axis] = (lo, hi)
    return mx.pad(a, width, mode, value)


def number_of_elements(a, axes, inverted, dtype):
    """As MLX counts for its gradients: the size of the axes, or one over it."""
    n = 1
    for axis in axes:
        n *= a.shape[axis]
    return mx.array(1 / n if inverted else n, dtype)



CALLS = {
    "AsStrided": lambda a, shape, strides, offset: mx.as_strided(a, shape, strides, offset),
    "AsType": mx.astype,
    "Atleast1D": mx.atleast_1d, "Atleast2D": mx.atleast_2d, "Atleast3D": mx.atleast_3d,
    "BroadcastArrays": lambda arrays: mx.broadcast_arrays(*arrays),
    "BroadcastTo": mx.broadcast_to,
    "Concatenate": lambda arrays: mx.concatenate(arrays, axis=None),
    "ConcatenateAxis": lambda arrays, axis: mx.concatenate(arrays, axis),
    "Contiguous": mx.contiguous,
    "Copy": mx.array,
    "Diag": mx.diag,
    "Diagonal": mx.diagonal,
    "Diff": mx.diff,
    "ExpandDims": mx.expand_dims, "ExpandDimsAxes": mx.expand_dims,
    "Flatten": mx.flatten,
    "Flip": mx.flip, "FlipAxis": mx.flip, "FlipAxes": mx.flip,
    "Meshgrid": lambda arrays, sparse, indexing: mx.meshgrid(*arrays, sparse=sparse, indexing=indexing),
    "MoveAxis": mx.moveaxis,
    "NumberOfElements": number_of_elements,
    "Pad": pad,
    "PadSymmetric": lambda a, width, value, mode: mx.pad(a, width, mode, value),
    "Repeat": mx.repeat, "RepeatAxis": mx.repeat,
    "Reshape": mx.reshape,
    "Roll": mx.roll, "RollAxis": mx.roll, "RollAxes": mx.roll,
    "Split": mx.split, "SplitSections": mx.split,
    "Squeeze": mx.squeeze, "SqueezeAxis": mx.squeeze, "SqueezeAxes": mx.squeeze,
    "Stack": mx.stack, "StackAxis": mx.stack,
    "SwapAxes": mx.swapaxes,
    "Tile": mx.tile,
    "Transpose": mx.transpose, "TransposeAxes": mx.transpose,
    "Tril": mx.tril, "Triu": mx.triu,
    "Unflatten": mx.unflatten,
    "Unstack": mx.unstack, "UnstackAxis": lambda a, axis: mx.unstack(a, axis=axis),
    "View": mx.view,
}


ROWS = [  # operation, arguments after the array, its shape
    ("Atleast1D", [], ()), ("Atleast2D", [], (3,)), ("Atleast3D", [], (2, 3)),
    ("BroadcastTo", [[2, 2, 3]], (2, 3)), ("BroadcastTo", [[2, 0, 3]], (1, 3)),
    ("Contiguous", [False], (2, 3)), ("Copy", [], (2, 3)),
    ("Diag", [1], (3,)), ("Diag", [-1], (3, 4)), ("Diagonal", [1, -2, -1], (2, 3, 4)), ("Diagonal", [-1, 1, 0], (3, 4)),
    ("ExpandDims", [-1], (2, 3)), ("ExpandDimsAxes", [[0, -1]], (2, 3)),
    ("Flatten", [0, -1], (2, 3, 4)), ("Flatten", [-2, -1], (2, 3, 4)), ("Flatten", [0, 0], ()),
    ("Flip", [], (2, 3)), ("FlipAxis", [-1], (2, 3)), ("FlipAxes", [[0, -1]], (2, 3, 4)),
    ("MoveAxis", [0, -1], (2, 3, 4)), ("MoveAxis", [-1, 1], (2, 3, 4)),
    ("Repeat", [2], (2, 3)), ("RepeatAxis", [3, -1], (2, 3)), ("RepeatAxis", [0, 0], (2, 3)),
    ("Reshape", [[3, -1]], (2, 3)), ("Reshape", [[]], (1, 1)), ("Reshape", [[0, 5]], (0, 3)),
    ("Roll", [[2]], (2, 3)), ("RollAxis", [[-1], -1], (2, 3)), ("RollAxes", [[1, -2], [0, 1]], (3, 4)),
    ("Split", [2, -1], (3, 4)), ("SplitSections", [[1, 3], 0], (4, 2)), ("SplitSections", [[0, 2], -1], (2, 3)),
    ("Squeeze", [], (1, 3, 1)), ("SqueezeAxis", [-1], (1, 3, 1)), ("SqueezeAxes", [[0, -1]], (1, 3, 1)),
    ("SwapAxes", [0, -1], (2, 3, 4)), ("Tile", [[2]], (2, 3)), ("Tile", [[2, 1, 3]], (2, 2)),
    ("Transpose", [], (2, 3, 4)), ("TransposeAxes", [[-1, 0, 1]], (2, 3, 4)), ("Transpose", [], ()),
    ("Tril", [0], (3, 4)), ("Tril", [-1], (2, 3, 3)), ("Triu", [1], (3, 4)),
    ("Unflatten", [-1, [2, -1]], (3, 4)), ("Unstack", [], (2, 3)), ("UnstackAxis", [-1], (2, 3)),
]
BAD = [
    ("BroadcastTo", [[2, 4]], (2, 3)), ("Diag", [0], (2, 3, 4)), ("Diagonal", [0, 0, 2], (2, 3)), ("Diagonal", [0, 1, 1], (2, 3)),
    ("ExpandDims", [4], (2, 3)), ("ExpandDimsAxes", [[0, 0]], (2, 3)), ("Flatten", [1, 0], (2, 3)),
    ("FlipAxis", [2], (2, 3)), ("FlipAxes", [[0, 3]], (2, 3)), ("MoveAxis", [0, 2], (2, 3)), ("MoveAxis", [-3, 0], (2, 3)),
    ("Repeat", [-1], (2, 3)), ("RepeatAxis", [2, 2], (2, 3)), ("RepeatAxis", [-1, 0], (2, 3)),
    ("Reshape", [[4, 2]], (2, 3)), ("Reshape", [[-1, -1]], (2, 3)), ("Reshape", [[4, -1]], (2, 3)),
    ("RollAxis", [[1], 2], (2, 3)), ("RollAxes", [[1], [-3]], (2, 3)),
    ("Split", [4, 0], (2, 3)), ("Split", [2, 2], (2, 3)), ("SplitSections", [[1], 2], (2, 3)),
    ("SqueezeAxis", [0], (2, 3)), ("SqueezeAxis", [2], (2, 3)), ("SqueezeAxes", [[0, 0]], (1, 3)),
    ("SwapAxes", [0, 2], (2, 3)), ("TransposeAxes", [[0, 0]], (2, 3)), ("TransposeAxes", [[0]], (2, 3)),
    ("Tril", [0], (3,)), ("Triu", [0], ()), ("Unflatten", [2, [1, 2]], (2, 3)), ("Unflatten", [1, [2, 2]], (2, 3)),
    ("Unflatten", [0, []], (2, 3)), ("UnstackAxis", [2], (2, 3)), ("Unstack", [], ()),
]


def rows(r):
    for op, args, shape in ROWS:
        for dtype in ALL:
            if op in ("Tril", "Triu") or dtype in (mx.int8, mx.float32, mx.bfloat16, mx.complex64, mx.bool_, mx.int64):
                r.add(op, arr(dtype, shape), *args, compare="exact")
        if len(shape) > 1:
            r.add(op, transposed(arr(mx.float32, shape[::-1])), *args, compare="exact")
            r.add(op, strided(arr(mx.float32, (*shape[:-1], 2 * shape[-1]))), *args, compare="exact")
    for op, args, shape in BAD:
        r.refuse(op, arr(mx.float32, shape), *args)
    for op in ("Copy", "Contiguous", "Flip", "Transpose", "Squeeze", "Flatten", "Atleast1D"):
        tail = {"Contiguous": [True], "Flatten": [0, -1]}.get(op, [])
        for a in layouts(mx.float32):
            if op != "Flatten" or a.mx.ndim:
                r.add(op, a, *tail, compare="exact")
        for dtype in FLOATS:
            r.add(op, special(dtype), *tail, compare="exact")


def several(r):
    for dtype in ALL:
        a, b = arr(dtype, (2, 3)), arr(dtype, (4, 3))
        r.add("Concatenate", [a, b], compare="exact")
        r.add("ConcatenateAxis", [a, transposed(arr(dtype, (3, 2)))], -1, compare="exact")
        r.add("Stack", [a, a], compare="exact")
        r.add("StackAxis", [a, broadcast(arr(dtype, (3,)), (2, 3))], -1, compare="exact")
        r.add("BroadcastArrays", [a, arr(dtype, (2, 1)), arr(mx.int32, ())], compare="exact")
        r.add("Meshgrid", [arr(dtype, (2,)), arr(dtype, (3,))], False, "xy", compare="exact")
        r.add("Diff", arr(dtype, (3, 4)), 1, -1)
        r.add("Diff", arr(dtype, (3, 4)), 2, 0)
    a = arr(mx.float32, (2, 3))
    r.add("ConcatenateAxis", [a, arr(mx.int32, (2, 1)), arr(mx.float16, (2, 0))], 1, compare="exact")
    r.add("Concatenate", [a], compare="exact")
    for sparse in (False, True):
        for indexing in ("xy", "ij"):
            r.add("Meshgrid", [arr(mx.float32, (2,)), arr(mx.float32, (3,)), arr(mx.float32, (1,))], sparse, indexing, compare="exact")
    r.refuse("Concatenate", [])
    r.refuse("ConcatenateAxis", [a, arr(mx.float32, (3, 3))], 1)
    r.refuse("ConcatenateAxis", [a, a], 2)
    r.refuse("Stack", [a, arr(mx.float32, (3, 2))])
    r.refuse("Stack", [])
    r.refuse("StackAxis", [a, a], 3)
    r.refuse("BroadcastArrays", [a, arr(mx.float32, (2,))])
    r.refuse("Meshgrid", [a, a], False, "xx")
    r.refuse("Diff", a, -1, 0)
    r.refuse("Diff", a, 1, 2)
    r.refuse("Diff", arr(mx.float32, ()), 1, 0)


def pads(r):
    for dtype in ALL:
        one = of(1, dtype)
        for mode in ("constant", "edge", "reflect", "symmetric"):
            r.add("Pad", arr(dtype, (3, 4)), [0, 1], [1, 2], [0, 1], one, mode, compare="exact")
        r.add("Pad", arr(dtype, (3, 4)), [1, 0], [2, 1], [1, 0], one, "constant", compare="exact")
        r.add("PadSymmetric", arr(dtype, (2, 3)), 1, one, "constant", compare="exact")
    one, a = of(1, mx.float32), arr(mx.float32, (2, 3))
    r.add("PadSymmetric", a, 1, one, "edge", compare="exact")
    r.add("Pad", arr(mx.float32, (0, 3)), [0], [1], [1], one, "constant", compare="exact")
    r.add("Pad", transposed(arr(mx.float32, (3, 2))), [-1], [1], [2], one, "constant", compare="exact")
    for bad in (("Pad", a, [0], [-1], [0], one, "constant"), ("Pad", a, [0], [1], [1], one, "wrap"),
                ("PadSymmetric", a, -1, one, "constant"), ("PadSymmetric", a, 1, one, "no")):
        r.refuse(*bad)


def dtypes(r):
    for source in ALL:
        a = of([0, 1, 2, 3], source) if source in INTS or source == mx.bool_ else of([0, 1.75, 2.5, 3], source)
        for dtype in ALL:
            r.add("AsType", a, dtype, compare="exact")
            if dtype != mx.bool_ or source in (mx.bool_, mx.uint8):  # other bits than 0 and 1 make no bool
                r.add("View", arr(source, (3, 16), 0, 0.25 if dtype == mx.bool_ else 2), dtype, compare="exact")
        r.add("View", arr(source, (3, 1), 0, 2), mx.uint64, compare="exact")
        for inverted in (False, True):
            r.add("NumberOfElements", arr(source, (2, 3, 4)), [0, -1], inverted, mx.float32, compare="exact")
        r.add("AsStrided", arr(source, (12,)), [3, 2], [1, 4], 2, compare="exact")
    for source in FLOATS:
        r.add("AsType", special(source), mx.float32, compare="exact")
        r.add("AsType", of([65504.0, 1e-7, 70000.0, 0.1, 3.0e38], source), mx.float16, compare="exact")
        r.add("AsType", of([65504.0, 1e-7, 70000.0, 0.1, 3.0e38], source), mx.bfloat16, compare="exact")
    for a in layouts(mx.float32):
        r.add("AsType", a, mx.int8, compare="exact")
        r.add("View", a, mx.int32, compare="exact")
    r.add("NumberOfElements", arr(mx.int32, (2, 3)), [], False, mx.int32, compare="exact")
    r.add("AsStrided", transposed(arr(mx.float32, (3, 4))), [2, 2], [0, 1], 0, compare="exact")
    r.refuse("View", arr(mx.int8, (2, 3)), mx.int32)
    r.refuse("View", arr(mx.int8, ()), mx.int32)


def record(folder):
    r = Recorder("shape", CALLS)
    for part in (rows, several, pads, dtypes):
        part(r)
    r.write(folder)
