"""Dumps how NumPy converts float16, for half_test.go: python half.py > half.json

numpy 2, which rounds float64 to float16 at once. Results are hashed: sha256 of their bits, little-endian.
"""

import hashlib
import json

import numpy as np


def digest(a):
    return hashlib.sha256(a.astype(a.dtype.newbyteorder("<")).tobytes()).hexdigest()


halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
halves = halves[~np.isnan(halves)]

# Every finite value with what lies around the middle to the next, which is that of the next pattern.
v = halves[np.isfinite(halves)].astype(np.float64)
middle = (v + np.roll(v, -1)) / 2
near = np.stack([v, middle, np.nextafter(middle, -np.inf), np.nextafter(middle, np.inf)], axis=1).reshape(-1)
with np.errstate(over="ignore"):
    rounded = near.astype(np.float16)

print(json.dumps({
    "to_float32": digest(halves.astype(np.float32).view(np.uint32)),
    "to_float64": digest(halves.astype(np.float64).view(np.uint64)),
    "from_float64": digest(rounded.view(np.uint16)),
}, indent=1))
