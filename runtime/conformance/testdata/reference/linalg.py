"""mlx.core.linalg, which runs on the CPU."""

import math

import mlx.core as mx

from recorder import FLOATS, INEXACT, In, Recorder, arr, of, transposed

la = mx.linalg
CALLS = {
    "Cholesky": la.cholesky, "CholeskyInv": la.cholesky_inv, "Cross": la.cross, "Det": la.det, "Eig": la.eig,
    "Eigh": la.eigh, "Eigvals": la.eigvals, "Eigvalsh": la.eigvalsh, "Inv": la.inv, "LU": la.lu,
    "LUFactor": la.lu_factor, "Norm": lambda a, order, axis, keep: la.norm(a, order, axis, keep),
    "NormL2": lambda a, axis, keep: la.norm(a, None, axis, keep), "NormMatrix": lambda a, order, axis, keep: la.norm(a, order, axis, keep),
    "Pinv": la.pinv, "QR": la.qr, "Slogdet": la.slogdet, "Solve": la.solve, "SolveTriangular": lambda a, b, upper: la.solve_triangular(a, b, upper=upper),
    "SVD": lambda a, uv: la.svd(a, uv) if uv else [la.svd(a, uv)], "TriInv": la.tri_inv,
}
# The factors that are only given up to a sign or, when complex, a phase: of each column or row.
VECTORS = {"Eig": ["", "columns"], "Eigh": ["", "columns"], "QR": ["columns", "rows"], "SVD": ["columns", "", "rows"]}


def matrices(dtype):
    """Well-conditioned: a general one, a batch of them, one that lies transposed."""
    eye = 3 * mx.eye(3)
    one = (arr(mx.float32, (3, 3)).mx + eye).astype(dtype)
    return [In(one), In((arr(mx.float32, (2, 3, 3)).mx + eye).astype(dtype)), transposed(In(one)), of([[4.0]], dtype)]


def symmetric(a):
    b = a.mx.astype(mx.float32)
    return In((b + mx.swapaxes(b, -1, -2)).astype(a.mx.dtype))


def definite(a):
    b = a.mx.astype(mx.float32)
    return In((b @ mx.swapaxes(b, -1, -2) + mx.eye(b.shape[-1])).astype(a.mx.dtype))


def triangular(a, upper):
    return In((mx.triu if upper else mx.tril)(a.mx))


def factors(r):
    for dtype in (mx.float32, mx.float64):
        for a in matrices(dtype):
            n = a.mx.shape[-1]
            r.add("Inv", a, compare="sum")
            r.add("Det", a, compare="sum")
            r.add("Slogdet", a, compare="sum")
            r.add("LU", a, compare="sum")
            r.add("LUFactor", a, compare="sum")
            r.add("QR", a, compare=VECTORS["QR"])
            r.add("SVD", a, True, compare=VECTORS["SVD"])
            r.add("SVD", a, False, compare="sum")
            r.add("Pinv", a, compare="sum")
            r.add("Solve", a, arr(dtype, (n, 2)), compare="sum")
            r.add("Solve", a, arr(dtype, (n,)), compare="sum")
            for upper in (False, True):
                r.add("Cholesky", definite(a), upper, compare="sum")
                r.add("CholeskyInv", cholesky(definite(a), upper), upper, compare="sum")
                r.add("TriInv", triangular(a, upper), upper, compare="sum")
                r.add("SolveTriangular", triangular(a, upper), arr(dtype, (n, 2)), upper, compare="sum")
            for uplo in ("L", "U"):
                r.add("Eigh", symmetric(a), uplo, compare=VECTORS["Eigh"])
                r.add("Eigvalsh", symmetric(a), uplo, compare="sum")
            r.add("Eig", symmetric(a), compare=VECTORS["Eig"])
            r.add("Eigvals", a, compare="sum")
        for shape in ((3, 4), (4, 3)):
            r.add("SVD", arr(dtype, shape), True, compare=VECTORS["SVD"])
            r.add("QR", arr(dtype, shape), compare=VECTORS["QR"])
            r.add("Pinv", arr(dtype, shape), compare="sum")
            r.add("LU", arr(dtype, shape), compare="sum")
    c = In(arr(mx.complex64, (3, 3)).mx + 3 * mx.eye(3))
    herm = In(c.mx + mx.conjugate(c.mx).T)
    r.add("Eigh", herm, "L", compare=VECTORS["Eigh"])
    r.add("Eigvalsh", herm, "U", compare="sum")
    r.add("Eig", c, compare=VECTORS["Eig"])
    r.add("Eigvals", c, compare="sum")


def cholesky(a, upper):
    return In(la.cholesky(a.mx, upper=upper))


def norms(r):
    for dtype in FLOATS + [mx.int32, mx.complex64]:
        a = arr(dtype, (2, 3, 4))
        r.add("NormL2", a, None, False, compare="sum")
        r.add("NormL2", a, [-1], True, compare="sum")
        r.add("NormL2", a, [0, 2], False, compare="sum")
        for order in (math.inf, -math.inf, 0.0, 1.0, 2.0, 3.0, -1.0):
            r.add("Norm", a, order, [1], False, compare="sum")
        if dtype == mx.float32:
            for order in (math.inf, -math.inf, 1.0, -1.0, 2.0, -2.0):
                r.add("Norm", a, order, [0, 1], True, compare="sum")
            for order in ("fro", "nuc"):
                r.add("NormMatrix", a, order, [-2, -1], False, compare="sum")
                r.add("NormMatrix", arr(dtype, (3, 4)), order, None, True, compare="sum")
            r.add("Norm", arr(dtype, (5,)), 3.0, None, False, compare="sum")
            r.add("NormL2", arr(dtype, ()), None, False, compare="sum")
            r.add("NormL2", arr(dtype, (0,)), None, False, compare="sum")
        r.add("Cross", arr(dtype, (2, 3)), arr(dtype, (3,)), -1, compare="sum")
        r.add("Cross", arr(dtype, (3, 2)), arr(dtype, (3, 2), -1, 1), 0, compare="sum")


def refused(r):
    a, i, h = arr(mx.float32, (2, 3)), arr(mx.int32, (3, 3)), arr(mx.float16, (3, 3))
    s = arr(mx.float32, (3, 3))
    tails = {"Cholesky": [False], "CholeskyInv": [False], "TriInv": [False], "Eigh": ["L"], "Eigvalsh": ["L"], "SVD": [True]}
    for op in ("Cholesky", "CholeskyInv", "Det", "Eig", "Eigh", "Eigvals", "Eigvalsh", "Inv", "LU", "LUFactor", "Pinv", "QR", "Slogdet", "SVD", "TriInv"):
        tail = tails.get(op, [])
        for dtype in (mx.int32, mx.float16, mx.bool_, mx.complex64):
            r.add(op, In(symmetric(In(s.mx)).mx.astype(dtype)), *tail, compare=VECTORS.get(op, "sum"))
        r.refuse(op, arr(mx.float32, (3,)), *tail)
        if op not in ("LU", "LUFactor", "Pinv", "QR", "SVD"):
            r.refuse(op, a, *tail)
    for bad in (("Cross", a, arr(mx.float32, (2, 4)), -1), ("Cross", a, a, 2),
                ("Norm", a, 2.0, [0, 5], False), ("Norm", arr(mx.float32, (2, 3, 4)), 2.0, [0, 1, 2], False), ("Norm", a, 3.0, [0, 1], False),
                ("Norm", arr(mx.float32, (2, 3, 4)), 2.0, None, False), ("NormL2", a, [2], False), ("NormMatrix", a, "bad", [0, 1], False),
                ("NormMatrix", a, "fro", [0], False), ("Solve", a, a), ("Solve", s, a), ("Solve", i, i), ("Solve", h, h), ("Solve", arr(mx.float32, (3,)), s),
                ("SolveTriangular", a, a, False), ("SolveTriangular", s, a, False), ("SolveTriangular", i, i, True)):
        r.refuse(*bad)
    singular = of([[1, 2], [2, 4]], mx.float32)
    r.add("Det", singular, compare="sum")
    r.add("Slogdet", singular, compare="sum")
    r.refuse("Inv", singular)
    r.refuse("TriInv", of([[0.0, 0], [0, 1]], mx.float32), False)


def record(folder):
    r = Recorder("linalg", CALLS)
    for part in (factors, norms, refused):
        part(r)
    r.write(folder)
