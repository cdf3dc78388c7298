"""Products of vectors and matrices."""

import mlx.core as mx

from recorder import ALL, FLOATS, INEXACT, Recorder, arr, broadcast, distinct, of, special, transposed

CALLS = {
    "Addmm": lambda c, a, b, alpha, beta: mx.addmm(c, a, b, alpha, beta),
    "BlockMaskedMM": mx.block_masked_mm,
    "Einsum": lambda text, arrays: mx.einsum(text, *arrays),
    "GatherMM": lambda a, b, left, right, ordered: mx.gather_mm(a, b, left, right, sorted_indices=ordered),
    "HadamardTransform": mx.hadamard_transform,
    "Inner": mx.inner, "Kron": mx.kron, "Matmul": mx.matmul, "Outer": mx.outer,
    "SegmentedMM": lambda a, b, s: mx.segmented_mm(a, b, s),
    "Tensordot": lambda a, b, left, right: mx.tensordot(a, b, [left, right]),
    "TensordotAxis": mx.tensordot,
    "Vecdot": lambda a, b, axis: mx.vecdot(a, b, axis=axis),
}


def add(r, *args):
    r.add(*args, compare="sum")


def dense(r):
    for dtype in ALL:
        a, b = arr(dtype, (3, 4)), arr(dtype, (4, 2))
        add(r, "Matmul", a, b)
        add(r, "Matmul", arr(dtype, (2, 3, 4)), b)
        add(r, "Matmul", arr(dtype, (4,)), b)
        add(r, "Addmm", arr(dtype, (2,)), a, b, 0.5, 2.0)
        add(r, "Inner", a, arr(dtype, (2, 4)))
        add(r, "Outer", arr(dtype, (3,)), arr(dtype, (2,)))
        add(r, "Kron", arr(dtype, (2, 2)), arr(dtype, (3, 1)))
        add(r, "Tensordot", arr(dtype, (2, 3, 4)), arr(dtype, (4, 3)), [1, 2], [1, 0])
        add(r, "TensordotAxis", a, b, 1)
        add(r, "Vecdot", a, arr(dtype, (3, 4), -1, 1), -1)
        add(r, "Vecdot", a, arr(dtype, (3, 1)), 0)
        add(r, "Einsum", "ij,jk->ki", [a, b])
        add(r, "Einsum", "ij->j", [a])
        add(r, "HadamardTransform", arr(dtype, (2, 8)), None)
    for dtype in INEXACT:
        add(r, "Matmul", transposed(arr(dtype, (4, 3))), transposed(arr(dtype, (2, 4))))
        add(r, "Matmul", arr(dtype, (3, 4)), arr(dtype, (4,)))
        add(r, "Matmul", arr(dtype, (2, 1, 3, 4)), arr(dtype, (3, 4, 2)))
        add(r, "Matmul", arr(dtype, (0, 4)), arr(dtype, (4, 2)))
        add(r, "Matmul", arr(dtype, (3, 0)), arr(dtype, (0, 2)))
        add(r, "Matmul", arr(dtype, (33, 65)), arr(dtype, (65, 17)))
        add(r, "Addmm", arr(dtype, (3, 1)), arr(dtype, (3, 4)), transposed(arr(dtype, (2, 4))), 1.0, 1.0)
        add(r, "Einsum", "bij,bjk->bik", [arr(dtype, (2, 3, 4)), arr(dtype, (2, 4, 2))])
        add(r, "Einsum", "...ij->...ji", [arr(dtype, (2, 3, 4))])
        add(r, "Einsum", "ii", [arr(dtype, (3, 3))])
    for n in (1, 2, 12, 20, 28, 32):
        add(r, "HadamardTransform", arr(mx.float32, (3, n)), 0.5)
    add(r, "Matmul", broadcast(arr(mx.float32, (4,)), (3, 4)), arr(mx.float32, (4, 2)))
    add(r, "Matmul", special(mx.float32), special(mx.float32))
    add(r, "TensordotAxis", arr(mx.float32, (2, 3)), arr(mx.float32, (4,)), 0)


def parts(r):
    for dtype in FLOATS:
        a, b = arr(dtype, (4, 2, 3)), arr(dtype, (3, 3, 2))
        left, right = of([0, 3, 1], mx.uint32), of([2, 0, 2], mx.uint32)
        add(r, "GatherMM", a, b, left, right, False)
        add(r, "GatherMM", a, b, None, of([0, 1, 1, 2], mx.uint32), True)
        add(r, "GatherMM", a, arr(dtype, (4, 3, 2)), None, None, False)
        add(r, "GatherMM", a, transposed(arr(dtype, (2, 3, 3))), left, right, False)
        add(r, "SegmentedMM", arr(dtype, (3, 8)), arr(dtype, (8, 2)), of([[0, 3], [3, 8], [2, 2]], mx.uint32))
        x, y = arr(dtype, (32, 64)), arr(dtype, (64, 32))
        mask, wide, tall = of([[True]], mx.bool_), of([[True, False]], mx.bool_), of([[False], [True]], mx.bool_)
        if dtype != mx.float64:
            add(r, "BlockMaskedMM", x, y, 32, mask, wide, tall)
            add(r, "BlockMaskedMM", x, y, 32, None, wide, None)
            add(r, "BlockMaskedMM", x, y, 32, of([[0.5]], dtype), of([[2.0, 0.25]], dtype), of([[1.0], [3.0]], dtype))
            add(r, "BlockMaskedMM", x, y, 32, None, None, None)


def refused(r):
    a, i, one = arr(mx.float32, (2, 3)), arr(mx.int32, (2, 3)), arr(mx.float32, ())
    for bad in (("Matmul", a, a), ("Matmul", one, a), ("Addmm", a, a, a, 1.0, 1.0), ("Addmm", arr(mx.float32, (5, 5)), a, arr(mx.float32, (3, 2)), 1.0, 1.0),
                ("Inner", a, arr(mx.float32, (2, 4))), ("Tensordot", a, a, [0, 1], [0]), ("Tensordot", a, a, [1], [2]), ("Tensordot", a, a, [0], [1]),
                ("TensordotAxis", a, a, 3), ("TensordotAxis", a, a, -1), ("Vecdot", a, arr(mx.float32, (2, 4)), -1), ("Vecdot", a, a, 2), ("Vecdot", one, one, 0),
                ("Einsum", "ij,jk", [a]), ("Einsum", "ij,jk->ik", [a, a]), ("Einsum", "i!", [a]), ("Einsum", "ijk", [a]), ("Einsum", "ij->k", [a]),
                ("HadamardTransform", arr(mx.float32, (2, 7)), None), ("HadamardTransform", arr(mx.complex64, (2, 8)), None),
                ("GatherMM", a, a, of([0], mx.uint32), None, False), ("GatherMM", arr(mx.float32, (2, 2, 3)), arr(mx.float32, (2, 3, 2)), of([0.5], mx.float32), None, False),
                ("GatherMM", one, a, None, None, False), 
                ("SegmentedMM", a, arr(mx.float32, (3, 2)), of([[0.5, 1]], mx.float32)), ("SegmentedMM", a, arr(mx.float32, (3, 2)), of([0, 1, 2], mx.uint32)),
                ("BlockMaskedMM", a, a, 32, None, None, None),
                ("BlockMaskedMM", arr(mx.float32, (32, 64)), arr(mx.float32, (64, 32)), 32, of([True] * 3, mx.bool_), None, None)):
        r.refuse(*bad)
    r.add("GatherMM", i, arr(mx.int32, (3, 2)), None, None, False)
    r.add("SegmentedMM", i, arr(mx.int32, (3, 2)), of([[0, 1]], mx.uint32))


def record(folder):
    r = Recorder("matrix", CALLS)
    for part in (dense, parts, refused):
        part(r)
    r.write(folder)
