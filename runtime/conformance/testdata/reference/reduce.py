"""Reductions, scans, sorting and softmax."""

import math

import mlx.core as mx

from recorder import ALL, FLOATS, INEXACT, In, Recorder, arr, distinct, layouts, of, special, strided, transposed

PLAIN = {
    "All": mx.all, "Any": mx.any, "CountNonzero": mx.count_nonzero, "LogSumExp": mx.logsumexp, "Max": mx.max,
    "Mean": mx.mean, "Median": mx.median, "Min": mx.min, "Prod": mx.prod, "Sum": mx.sum,
}
SPREAD = {"Std": mx.std, "Var": mx.var}
ARG = {"Argmax": mx.argmax, "Argmin": mx.argmin}
SCAN = {"Cummax": mx.cummax, "Cummin": mx.cummin, "LogCumsumExp": mx.logcumsumexp}
SCAN_DTYPE = {"Cumprod": mx.cumprod, "Cumsum": mx.cumsum}


def calls():
    c = {}
    for op, f in PLAIN.items():
        c[op] = lambda a, keep, f=f: f(a, keepdims=keep)
        c[op + "Axis"] = c[op + "Axes"] = lambda a, axis, keep, f=f: f(a, axis=axis, keepdims=keep)
    for op, f in SPREAD.items():
        c[op] = lambda a, keep, ddof, f=f: f(a, keepdims=keep, ddof=ddof)
        c[op + "Axis"] = c[op + "Axes"] = lambda a, axis, keep, ddof, f=f: f(a, axis=axis, keepdims=keep, ddof=ddof)
    for op, f in ARG.items():
        c[op] = lambda a, keep, f=f: f(a, keepdims=keep)
        c[op + "Axis"] = lambda a, axis, keep, f=f: f(a, axis=axis, keepdims=keep)
    for op, f in SCAN.items():
        c[op] = lambda a, rev, inc, f=f: f(a, reverse=rev, inclusive=inc)
        c[op + "Axis"] = lambda a, axis, rev, inc, f=f: f(a, axis=axis, reverse=rev, inclusive=inc)
    for op, f in SCAN_DTYPE.items():
        c[op] = lambda a, rev, inc, dtype, f=f: f(a, reverse=rev, inclusive=inc, dtype=dtype)
        c[op + "Axis"] = lambda a, axis, rev, inc, dtype, f=f: f(a, axis=axis, reverse=rev, inclusive=inc, dtype=dtype)
    for op, f in (("Sort", mx.sort), ("Argsort", mx.argsort)):
        c[op] = lambda a, f=f: f(a, axis=None)
        c[op + "Axis"] = lambda a, axis, f=f: f(a, axis=axis)
    for op, f in (("Partition", mx.partition), ("Argpartition", mx.argpartition), ("TopK", mx.topk)):
        c[op] = lambda a, k, f=f: f(a, k, axis=None)
        c[op + "Axis"] = lambda a, k, axis, f=f: f(a, k, axis=axis)
    c["Softmax"] = lambda a, precise: mx.softmax(a, precise=precise)
    c["SoftmaxAxis"] = c["SoftmaxAxes"] = lambda a, axis, precise: mx.softmax(a, axis=axis, precise=precise)
    c["Trace"] = mx.trace
    c["TraceAxes"] = mx.trace
    return c


def reductions(r):
    for op in list(PLAIN) + list(SPREAD):
        tail = [1] if op in SPREAD else []
        how = "sum" if op in ("Sum", "Mean", "Prod", "Std", "Var") else None
        for dtype in ALL:
            a = arr(dtype, (2, 3, 4))
            r.add(op, a, False, *tail, compare=how)
            r.add(op + "Axis", a, -2, False, *tail, compare=how)
            r.add(op + "Axes", a, [0, -1], True, *tail, compare=how)
        for dtype in INEXACT:
            r.add(op + "Axis", In(special(dtype).base[:, None]), 1, False, *[0][:len(tail)])
            r.add(op, special(dtype), True, *[0][:len(tail)])
        for dtype in (mx.int32, mx.float32):
            for a in layouts(dtype):
                zero = [0][:len(tail)]
                r.add(op, a, True, *zero, compare=how)
                if a.mx.ndim:
                    r.add(op + "Axis", a, -1, False, *zero, compare=how)
                r.add(op + "Axes", a, [], False, *zero, compare=how)
        a = arr(mx.float32, (2, 3))
        r.add(op + "Axis", transposed(arr(mx.float32, (65, 33))), 0, False, *tail, compare="sum")
        r.add(op + "Axes", arr(mx.float32, (3, 4, 5, 6)), [1, 3], False, *tail, compare="sum")
        r.refuse(op + "Axis", a, 2, False, *tail)
        r.refuse(op + "Axis", a, -3, False, *tail)
        r.refuse(op + "Axes", a, [0, 5], False, *tail)
        if op not in ("Median",):
            r.refuse(op + "Axes", a, [0, 0], False, *tail)


def positions(r):
    for op in ARG:
        for dtype in ALL:
            a = arr(dtype, (2, 3, 4))
            r.add(op, a, False)
            r.add(op + "Axis", a, 1, True)
            r.add(op + "Axis", a, -1, False)
        for dtype in FLOATS:
            r.add(op, In(special(dtype).base[1:]), False)
        for a in layouts(mx.float32):
            r.add(op, a, True)
            r.add(op + "Axis", a, -1, False)
        r.refuse(op + "Axis", arr(mx.float32, (2, 3)), 2, False)
        r.refuse(op, arr(mx.float32, (0,)), False)


def scans(r):
    for op in list(SCAN) + list(SCAN_DTYPE):
        tail = [None] if op in SCAN_DTYPE else []
        how = "sum" if tail else None
        for dtype in ALL:
            for rev in (False, True):
                for inc in (False, True):
                    r.add(op + "Axis", arr(dtype, (2, 5)), 1, rev, inc, *tail, compare=how)
            r.add(op, arr(dtype, (2, 3)), False, True, *tail, compare=how)
            r.add(op + "Axis", arr(dtype, (2, 3, 4)), 0, True, True, *tail, compare=how)
        for dtype in (mx.int32, mx.float32):
            for a in layouts(dtype):
                if a.mx.ndim:
                    r.add(op + "Axis", a, -1, False, True, *tail, compare=how)
                if a.mx.size:  # a scan of nothing divides by zero
                    r.add(op, a, True, False, *tail, compare=how)
        r.add(op, In(special(mx.float32).base[3:]), False, True, *tail)
        r.refuse(op + "Axis", arr(mx.float32, (2, 3)), 2, False, True, *tail)
        r.refuse(op + "Axis", arr(mx.float32, (2, 3)), -3, False, True, *tail)
        if tail:
            r.add(op, arr(mx.int8, (2, 3)), False, True, mx.float32, compare=how)
            r.add(op + "Axis", arr(mx.float16, (2, 3)), 1, False, True, mx.float32, compare=how)


def orders(r):
    for dtype in ALL:
        a = arr(dtype, (3, 5))
        r.add("Sort", a, compare="exact")
        r.add("SortAxis", a, 0, compare="exact")
        r.add("SortAxis", a, -1, compare="exact")
        d = distinct(dtype, (2, 3)) if dtype != mx.bool_ else of([[True, False]], dtype)
        r.add("Argsort", d)
        r.add("ArgsortAxis", d, -1)
        if dtype != mx.bool_:
            d = distinct(dtype, (3, 2))
            for op in ("Partition", "Argpartition"):
                r.add(op + "Axis", d, 1, 0, compare="exact")
                r.add(op, distinct(dtype, (3,)), -2, compare="exact")
        r.add("TopK", a, 1, compare="exact")
        r.add("TopKAxis", a, 2, -1, compare="multiset")
    for dtype in FLOATS:
        r.add("Sort", special(dtype), compare="exact")
    for a in layouts(mx.float32):
        if a.mx.size:  # sorting nothing divides by zero
            r.add("Sort", a, compare="exact")
        if a.mx.ndim:
            r.add("SortAxis", a, -1, compare="exact")
    r.add("ArgsortAxis", strided(distinct(mx.float32, (2, 8))), -1)
    r.add("SortAxis", distinct(mx.float32, (3000,)), 0, compare="exact")
    a = arr(mx.float32, (2, 3))
    for op in ("Sort", "Argsort"):
        r.refuse(op + "Axis", a, 2)
    for op in ("Partition", "Argpartition", "TopK"):
        r.refuse(op, a, 7)
        r.refuse(op + "Axis", a, 4, 1)
        r.refuse(op + "Axis", a, 1, 2)
        r.refuse(op + "Axis", a, -9, 0)


def softmax(r):
    for dtype in ALL:
        for precise in (False, True):
            a = arr(dtype, (2, 3, 4))
            r.add("Softmax", a, precise)
            r.add("SoftmaxAxis", a, -1, precise)
            r.add("SoftmaxAxis", a, 0, precise)
            r.add("SoftmaxAxes", a, [0, 2], precise)
    n = -math.inf
    for dtype in FLOATS:
        r.add("SoftmaxAxis", of([[1, n, 2], [n, n, n], [math.nan, 0, 1], [100, -100, 99]], dtype), -1, True)
    for a in layouts(mx.float32):
        r.add("Softmax", a, False)
        if a.mx.ndim:
            r.add("SoftmaxAxis", a, -1, False)
    r.add("SoftmaxAxis", arr(mx.float32, (3, 4097), -20, 20), -1, False)
    r.refuse("SoftmaxAxis", arr(mx.float32, (2, 3)), 2, False)
    r.refuse("SoftmaxAxes", arr(mx.float32, (2, 3)), [0, 2], False)


def traces(r):
    for dtype in ALL:
        r.add("Trace", arr(dtype, (3, 4)), compare="sum")
        r.add("TraceAxes", arr(dtype, (2, 3, 4)), 1, -1, 0, dtype, compare="sum")
    r.add("TraceAxes", arr(mx.float32, (3, 3)), -1, 0, 1, mx.float16, compare="sum")
    r.refuse("Trace", arr(mx.float32, (3,)))
    r.refuse("TraceAxes", arr(mx.float32, (3, 4)), 0, 0, 2, mx.float32)
    r.refuse("TraceAxes", arr(mx.float32, (3, 4)), 0, 1, 1, mx.float32)


def record(folder):
    r = Recorder("reduce", calls())
    for rows in (reductions, positions, scans, orders, softmax, traces):
        rows(r)
    r.write(folder)
