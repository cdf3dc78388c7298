"""Writes the files that io_test.go reads, and compares what it writes with.

    pip install mlx==0.32.2 && python io.py
"""

from pathlib import Path

import mlx.core as mx

mx.set_default_device(mx.cpu)
here = Path(__file__).parent

a = mx.array([[1.5, -2.0, 3.25], [0.0, 1e-3, -7.0]], mx.float32)
b = mx.array([1, -2, 3], mx.int16)

mx.save(str(here / "python.npy"), a)
mx.save_safetensors(str(here / "python.safetensors"), {"a": a, "b": b}, {"format": "mlx", "note": "50% größer"})
mx.save_safetensors(str(here / "one.safetensors"), {"a": a}, {"format": "mlx"})
mx.save_gguf(
    str(here / "python.gguf"),
    {"blk.0.weight": a},
    {"general.name": "tiny", "size": mx.array(7, mx.uint32), "words": ["a", "größer", ""]},
)
