"""Arguments, results and the files they are written to."""

import base64
import gzip
import json
import math

import mlx.core as mx
import numpy as np

INTS = [mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64]
FLOATS = [mx.float16, mx.bfloat16, mx.float32, mx.float64]
INEXACT = FLOATS + [mx.complex64]
ALL = [mx.bool_] + INTS + INEXACT
UNSIGNED = INTS[:4]


def name(dtype):
    return str(dtype).removeprefix("mlx.core.")


class In:
    """An input: elements in row order and the views taken of them, which make it
    non-contiguous. A view is [method of Scope, arguments after the array]."""

    def __init__(self, base, *views):
        self.base, self.views = base, views
        self.mx = base
        for method, *args in views:
            self.mx = VIEWS[method](self.mx, *args)


VIEWS = {
    "TransposeAxes": lambda a, axes: mx.transpose(a, axes),
    "Slice": lambda a, start, stop, step: a[tuple(slice(*s) for s in zip(start, stop, step))],
    "BroadcastTo": lambda a, shape: mx.broadcast_to(a, shape),
}

_values = {}


def arr(dtype, shape, low=-2, high=2):
    """Repeatable elements in steps of 1/16 (integers: whole ones, unsigned: from 0)."""
    key = (name(dtype), tuple(shape), low, high)
    if key not in _values:
        seed = sum(map(ord, key[0])) * 1009 + sum((i + 1) * 31 * n for i, n in enumerate(shape)) + int(low * 7 + high)
        rng = np.random.RandomState(seed % 2**32)
        _values[key] = In(elements(rng, dtype, tuple(shape), low, high))
    return _values[key]


def elements(rng, dtype, shape, low, high):
    if 0 in shape:
        return mx.zeros(shape, dtype)  # NumPy's empty arrays are reduced to garbage
    if dtype == mx.bool_:
        return mx.array(rng.randint(0, 2, shape).astype(bool))
    if dtype in INTS:
        low = max(low, 0) if dtype in UNSIGNED else low
        return mx.array(rng.randint(int(low * 4), int(high * 4) + 1, shape)).astype(dtype)
    v = rng.randint(int(low * 16), int(high * 16) + 1, shape) / 16
    if dtype == mx.complex64:
        v = v + 1j * (rng.randint(int(low * 16), int(high * 16) + 1, shape) / 16)
        return mx.array(v.astype(np.complex64))
    with mx.stream(mx.cpu):
        return mx.array(v.astype(np.float32)).astype(dtype)


def of(values, dtype, shape=None):
    """Given elements."""
    if dtype in INTS:
        values = np.array(values, name(dtype))
    a = mx.array(values, dtype)
    return In(a if shape is None else a.reshape(shape))


def distinct(dtype, shape):
    """Elements that are all different."""
    n = math.prod(shape)
    return In(mx.array(np.random.RandomState(n).permutation(n).reshape(shape)).astype(dtype))


def special(dtype):
    """What floats have that numbers have not, and the ends of the integers."""
    if dtype == mx.bool_:
        return of([False, True], dtype)
    if dtype in INTS:
        i = mx.iinfo(dtype)
        return of([i.min, i.max, 0, 1, 2, i.max - 1], dtype)
    n, inf = math.nan, math.inf
    if dtype == mx.complex64:
        return of([0j, complex(n, 1), complex(inf, 0), complex(-inf, 1), complex(1, n), complex(-0.0, -0.0)], dtype)
    return of([n, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, 300.0, -300.0], dtype)


def transposed(a):
    n = a.base.ndim
    return In(a.base, ["TransposeAxes", list(range(n))[::-1]])


def strided(a):
    """Every second element of the last dimension, backwards."""
    s = list(a.base.shape)
    return In(a.base, ["Slice", [0] * (len(s) - 1) + [s[-1] - 1], s[:-1] + [-s[-1] - 1], [1] * (len(s) - 1) + [-2]])


def broadcast(a, shape):
    return In(a.base, ["BroadcastTo", list(shape)])


def layouts(dtype, low=-2, high=2):
    """A scalar, empty arrays and layouts other than row order, all of shape [..., 3]."""
    a = arr(dtype, (2, 3), low, high)
    return [arr(dtype, (), low, high), arr(dtype, (0, 3), low, high), transposed(arr(dtype, (3, 2), low, high)),
            strided(arr(dtype, (2, 6), low, high)), broadcast(arr(dtype, (3,), low, high), (2, 3)), In(a.base[None])]


class Recorder:
    """One file of cases. calls maps methods of Scope to functions of mlx.core that
    take the same arguments."""

    def __init__(self, family, calls):
        self.family, self.calls = family, calls
        self.arrays, self.index, self.cases, self.seen, self.taken = [], {}, [], set(), []

    def add(self, op, *args, compare=None):
        """Records what MLX answers, or its message where it refuses."""
        case = {"op": op, "in": [self.encode(a) for a in args]}
        key = json.dumps(case)
        if key in self.seen:
            return
        self.seen.add(key)
        try:
            out = self.calls[op](*[plain(a) for a in args])
            out = list(out) if isinstance(out, (list, tuple)) else [out]
            mx.eval(out)
            case["out"] = [self.array(In(o)) for o in out]
            if compare:
                case["compare"] = compare
        except (ValueError, RuntimeError, IndexError) as e:
            case["err"] = str(e)
        except TypeError as e:
            raise TypeError(f"{op} {args}: {e}") from e
        self.cases.append(case)

    def refuse(self, op, *args):
        """Records a refusal; an answer is an error of these rows."""
        self.add(op, *args)
        if "err" not in self.cases[-1]:
            self.taken.append(self.cases[-1])

    def array(self, a):
        with mx.stream(mx.cpu):
            flat = mx.contiguous(a.base)
        mx.eval(flat)
        entry = {"d": name(flat.dtype), "s": list(flat.shape), "b": raw(flat)}
        if a.views:
            entry["v"] = [list(v) for v in a.views]
        key = json.dumps(entry)
        if key not in self.index:
            self.index[key] = len(self.arrays)
            self.arrays.append(entry)
        return self.index[key]

    def encode(self, a):
        if isinstance(a, In):
            return self.array(a)
        if isinstance(a, (list, tuple)):
            return [self.encode(x) for x in a]
        if isinstance(a, mx.Dtype):
            return name(a)
        if isinstance(a, float) and not math.isfinite(a):
            return str(a)
        return a

    def write(self, folder):
        assert not self.taken, f"MLX takes {self.taken}"
        data = {"mlx": mx.__version__, "arrays": self.arrays, "cases": self.cases}
        text = json.dumps(data, separators=(",", ":")).encode()
        path = folder / f"{self.family}.json.gz"
        path.write_bytes(gzip.compress(text, 9, mtime=0))
        refused = sum("err" in c for c in self.cases)
        print(f"{self.family}: {len(self.cases)} cases, {refused} refused, {path.stat().st_size} bytes")


def plain(a):
    if isinstance(a, In):
        return a.mx
    if isinstance(a, (list, tuple)):
        return [plain(x) for x in a]
    return a


def raw(a):
    """The bytes of a contiguous array, in base64."""
    if a.size == 0:
        return ""
    return base64.b64encode(bytes(memoryview(a.reshape(-1).view(mx.uint8)))).decode()
