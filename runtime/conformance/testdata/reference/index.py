"""Operations that take or put elements by position."""

import mlx.core as mx
import numpy as np

from recorder import ALL, In, Recorder, arr, broadcast, distinct, of, special, transposed


def slices(start, stop, step):
    """C's bounds as Python's: a stop before the first element means all of them."""
    return tuple(slice(a, None if c < 0 and b < -10 else b, c) for a, b, c in zip(start, stop, step))


def gather(a, indices, axes, sizes):
    """Slices of the given sizes, each at the place that the indices name."""
    dtype, a, indices = a.dtype, np.array(a), np.broadcast_arrays(*[np.array(i) for i in indices]) if indices else []
    shape = indices[0].shape if len(indices) else ()
    out = np.empty(shape + tuple(sizes), a.dtype)
    for at in np.ndindex(*shape):
        start = [0] * a.ndim
        for i, axis in zip(indices, axes):
            start[axis] = int(i[at]) + (a.shape[axis] if i[at] < 0 else 0)
        out[at] = a[tuple(slice(s, s + n) for s, n in zip(start, sizes))]
    return mx.array(out, dtype)


def front(a, indices, updates, axes, put):
    """Scatters with Python's indexing, which takes the axes in front."""
    n = len(axes)
    ndim = max([i.ndim for i in indices] or [0])
    order = list(axes) + [i for i in range(a.ndim) if i not in axes]
    a = mx.transpose(a, order)
    updates = mx.transpose(updates, [*range(ndim), *[ndim + i for i in order]]) if a.ndim else updates
    updates = mx.squeeze(updates, tuple(range(ndim, ndim + n))) if n else updates
    out = put(a, tuple(indices) if n != 1 else indices[0], updates)
    return mx.transpose(out, [order.index(i) for i in range(a.ndim)])


def assign(a, index, updates):
    a = mx.array(a)
    a[index] = updates
    return a


PUT = {
    "": assign,
    "Add": lambda a, i, u: a.at[i].add(u),
    "Max": lambda a, i, u: a.at[i].maximum(u),
    "Min": lambda a, i, u: a.at[i].minimum(u),
    "Prod": lambda a, i, u: a.at[i].multiply(u),
}


def masked(a, mask, src):
    a = mx.array(a)
    a[mask] = src
    return a


def add_along(a, indices, values, axis):
    out = np.array(a)
    values = np.broadcast_to(np.array(values), indices.shape)
    for at in np.ndindex(*indices.shape):
        to = list(at)
        to[axis] = int(indices[at].item())
        out[tuple(to)] += values[at]
    return mx.array(out, a.dtype)


CALLS = {
    "Gather": gather,
    "GatherSingle": lambda a, i, axis, sizes: gather(a, [i], [axis], sizes),
    "MaskedScatter": masked,
    "PutAlongAxis": mx.put_along_axis,
    "ScatterAddAxis": add_along,
    "SearchSorted": lambda a, v, side: mx.searchsorted(a, v, side=side),
    "Slice": lambda a, start, stop, step: a[slices(start, stop, step)],
    "SliceDynamic": mx.slice,
    "SliceUpdateDynamic": mx.slice_update,
    "Take": lambda a, i: mx.take(a, i), "TakeAxis": mx.take,
    "TakeAlongAxis": mx.take_along_axis,
}
for kind, put in PUT.items():
    CALLS["Scatter" + kind] = lambda a, i, u, axes, put=put: front(a, i, u, axes, put)
    CALLS[f"Scatter{kind}Single"] = lambda a, i, u, axis, put=put: front(a, [i], u, [axis], put)
    CALLS["SliceUpdate" + kind] = lambda a, u, start, stop, step, put=put: put(a, slices(start, stop, step), u)


def takes(r):
    for dtype in ALL:
        a, i = arr(dtype, (3, 4)), of([[2, 0], [1, 2]], mx.int32)
        r.add("Take", a, i, compare="exact")
        r.add("TakeAxis", a, i, 0, compare="exact")
        r.add("TakeAxis", a, of([-1, 1], mx.int64), -1, compare="exact")
        r.add("TakeAlongAxis", a, of([[3, 0], [1, 1], [0, 2]], mx.uint32), 1, compare="exact")
        r.add("PutAlongAxis", a, of([[3, 0], [1, 2], [0, 2]], mx.int32), arr(dtype, (3, 2)), -1, compare="exact")
        r.add("Gather", a if dtype != mx.bfloat16 else arr(mx.float32, (3, 4)), [i], [0], [1, 4], compare="exact")
        r.add("MaskedScatter", a, arr(mx.bool_, (3, 4)), arr(dtype, (12,)), compare="exact")
    a = arr(mx.float32, (3, 4))
    for index in ([mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16]):
        r.add("TakeAxis", a, of([0, 2], index), 0, compare="exact")
        r.add("TakeAlongAxis", a, of([[0, 2, 1, 0]], index), 0, compare="exact")
    r.add("Gather", a, [of([0, 1], mx.int32), of([[2], [0]], mx.uint32)], [0, 1], [1, 1], compare="exact")
    r.add("Gather", a, [of([0, 1], mx.int32)], [1], [2, 3], compare="exact")
    r.add("Gather", transposed(arr(mx.float32, (4, 3))), [of([2], mx.int32)], [0], [1, 4], compare="exact")
    r.add("GatherSingle", a, of([[0, 3]], mx.int32), 1, [3, 1], compare="exact")
    r.add("GatherSingle", a, of(1, mx.int32), 0, [2, 4], compare="exact")
    r.add("TakeAxis", a, of([], mx.int32), 0, compare="exact")
    r.add("TakeAxis", transposed(arr(mx.float32, (4, 3))), of(1, mx.int32), 1, compare="exact")
    r.add("Take", broadcast(arr(mx.float32, (4,)), (3, 4)), of([11, -1], mx.int32), compare="exact")
    r.add("TakeAlongAxis", a, of([[0], [1], [3]], mx.int32), -1, compare="exact")
    r.add("PutAlongAxis", a, of([[1], [0], [3]], mx.int32), arr(mx.float32, ()), 1, compare="exact")
    r.add("MaskedScatter", a, of([True, False, True], mx.bool_), arr(mx.float32, (8,)), compare="exact")
    i = of([0], mx.int32)
    for bad in (("Take", a, of([0.5], mx.float32)), ("TakeAxis", a, i, 2), ("TakeAxis", arr(mx.float32, (0, 3)), i, 0),
                ("TakeAxis", a, of([0.5], mx.float32), 0), ("TakeAlongAxis", a, i, 0), ("TakeAlongAxis", a, In(i.base[None]), 2),
                ("PutAlongAxis", a, i, a, 0), ("PutAlongAxis", a, of([[0, 1]], mx.int32), arr(mx.float32, (3,)), 0)):
        r.refuse(*bad)


def scatters(r):
    for dtype in ALL:
        for kind in PUT:
            if dtype == mx.bool_ and kind:
                continue
            a, i = arr(dtype, (4, 3)), of([2, 0], mx.int32)
            how = "exact" if kind != "Prod" else None
            r.add("Scatter" + kind, a, [i], arr(dtype, (2, 1, 3)), [0], compare=how)
            r.add(f"Scatter{kind}Single", a, i, arr(dtype, (2, 4, 1)), 1, compare=how)
            r.add("SliceUpdate" + kind, a, arr(dtype, (2, 2)), [0, 1], [4, 3], [2, 1], compare=how)
        r.add("ScatterAddAxis", arr(mx.float32 if dtype in (mx.bfloat16, mx.bool_) else dtype, (3, 4)), of([[1, 1], [0, 3], [2, 2]], mx.int64),
              arr(mx.float32 if dtype in (mx.bfloat16, mx.bool_) else dtype, (3, 2)), 1)
    for kind in PUT:
        a = arr(mx.float32, (4, 3))
        twice = of([1, 1, 3], mx.uint32) if kind else of([1, 2, 3], mx.uint32)
        r.add("Scatter" + kind, a, [twice], arr(mx.float32, (3, 1, 3)), [0])
        r.add("Scatter" + kind, a, [of([0, 3], mx.int64), of([2, 1], mx.int64)], arr(mx.float32, (2, 1, 1)), [0, 1])
        r.add("Scatter" + kind, transposed(arr(mx.float32, (3, 4))), [of([[3]], mx.int32)], arr(mx.float32, (1, 1, 1, 3)), [0])
        r.add("SliceUpdate" + kind, transposed(arr(mx.float32, (3, 4))), arr(mx.float32, (1, 2)), [3, -2], [-20, 3], [-2, 1])
        r.add("SliceUpdate" + kind, a, arr(mx.float32, ()), [1, 0], [3, 3], [1, 2])
        r.add("SliceUpdate" + kind, a, arr(mx.float32, (0, 3)), [1, 0], [1, 3], [1, 1])
        r.refuse("SliceUpdate" + kind, a, arr(mx.float32, (2, 2)), [0, 0], [4, 3], [1, 1])


def dynamic(r):
    for dtype in ALL:
        a = arr(dtype, (4, 5))
        for start in (of([1, 2], mx.int32), of([0, 3], mx.uint32)):
            r.add("SliceDynamic", a, start, [0, 1], [2, 2], compare="exact")
            r.add("SliceUpdateDynamic", a, arr(dtype, (2, 2)), start, [0, 1], compare="exact")
        r.add("Slice", a, [1, 0], [4, 5], [2, 1], compare="exact")
        r.add("Slice", a, [-1, -1], [-20, 0], [-1, -2], compare="exact")
    a = transposed(arr(mx.float32, (5, 4)))
    r.add("SliceDynamic", a, of([3], mx.int64), [1], [4, 2], compare="exact")
    r.add("SliceUpdateDynamic", a, arr(mx.float32, (4, 1)), of([4], mx.int32), [-1], compare="exact")
    r.add("Slice", a, [0, 9], [4, 10], [1, 1], compare="exact")
    r.add("Slice", arr(mx.float32, ()), [], [], [], compare="exact")
    one = of([1], mx.int32)
    for bad in (("SliceDynamic", a, one, [0, 1], [2, 2]), ("SliceDynamic", a, one, [2], [4, 5]), ("SliceDynamic", a, one, [0], [5, 5]),
                ("SliceDynamic", a, of([0.5], mx.float32), [0], [1, 5]), ("SliceDynamic", a, one, [0], [1]),
                ("SliceUpdateDynamic", a, a, of([0.5], mx.float32), [0]), ("SliceUpdateDynamic", a, a, one, [3]),
                ("SliceUpdateDynamic", a, arr(mx.float32, (9, 4)), one, [0])):
        r.refuse(*bad)


def search(r):
    for dtype in ALL:
        if dtype not in (mx.bool_, mx.complex64):
            for side in ("left", "right"):
                r.add("SearchSorted", of([0, 1, 1, 2, 4], dtype), of([[1, 0], [3, 5]], dtype), side)
        else:
            r.add("SearchSorted", of([0, 1], dtype), of([0], dtype), "left")
    r.add("SearchSorted", of([-1, 0, 2], mx.float32), special(mx.float32), "right")
    r.add("SearchSorted", of([], mx.float32), arr(mx.float32, (3,)), "left")
    a = arr(mx.float32, (3,))
    r.refuse("SearchSorted", a, a, "middle")
    r.refuse("SearchSorted", arr(mx.float32, (2, 3)), a, "left")


def record(folder):
    r = Recorder("index", CALLS)
    for part in (takes, scatters, dynamic, search):
        part(r)
    r.write(folder)
