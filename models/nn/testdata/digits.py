"""The handwritten digits that scikit-learn carries (UCI, Optical Recognition of Handwritten Digits, test set), for the example.

usage: digits.py digits.gz

Needs scikit-learn. Each of the 1797 rows is 65 bytes: an image of 8x8 pixels from 0 to 16, row by row, and the digit.
"""
import gzip
import sys

import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
rows = np.concatenate([digits.data, digits.target[:, None]], axis=1).astype(np.uint8)
with open(sys.argv[1], "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
    z.write(rows.tobytes())
