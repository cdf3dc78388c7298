"""Writes the reference cases of the conformance suite: python dump.py [family ...]

Needs mlx 0.32.2 (CPU) and numpy. The files are written to the folder above."""

import importlib
import pathlib
import sys

import mlx.core as mx

FAMILIES = ["elementwise", "reduce", "shape", "index", "create", "matrix", "conv", "linalg", "fft", "draws", "fast", "quantized"]

if __name__ == "__main__":
    assert mx.__version__ == "0.32.2", mx.__version__
    mx.set_default_device(mx.cpu)
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    for family in sys.argv[1:] or FAMILIES:
        importlib.import_module(family).record(pathlib.Path(__file__).parent.parent)
