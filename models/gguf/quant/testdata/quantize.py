"""Rows of weights, and the blocks that ggml's reference functions make of them, as the Python package gguf has them.

usage: quantize.py > quantize.json      (needs gguf 0.19 and numpy)

Beside random weights of several sizes there are rows of what is rare: zeros, one value throughout, values of equal size and
opposite sign, halves between two codes, the smallest numbers and those near the end of float16.
"""
import base64
import json
import sys

import numpy as np
from gguf import quants
from gguf.constants import GGMLQuantizationType as T

rng = np.random.default_rng(7)
COLUMNS = 64
rows = [rng.normal(0, size, COLUMNS) for size in (0.02, 1, 30, 1e-6, 0.02, 0.02)]
rows.append(np.zeros(COLUMNS))
rows.append(np.full(COLUMNS, -0.37))
rows.append(np.tile([1.5, -1.5], COLUMNS // 2))
rows.append(np.arange(-COLUMNS // 2, COLUMNS // 2) / 2)  # steps of a half
rows.append(np.concatenate([[127.0], np.arange(COLUMNS - 1) + 0.5]))
rows.append(np.concatenate([[-8.0], (np.arange(COLUMNS - 1) % 16 - 8) + 0.5]))
rows.append(np.ldexp(1.0, -(np.arange(COLUMNS) % 40) - 4))
rows.append(np.linspace(-65504, 60000, COLUMNS))
values = np.array(rows, np.float32)

blocks = {t.name: base64.b64encode(quants.quantize(values, t).tobytes()).decode() for t in (T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_1, T.Q4_0)}
json.dump({"columns": COLUMNS, "values": values.view(np.uint32).reshape(-1).tolist(), "blocks": blocks}, sys.stdout)
