"""mlx.core.fft."""

import mlx.core as mx

from recorder import ALL, Recorder, arr, special, strided, transposed

f = mx.fft
ONE = {"FFT": f.fft, "IFFT": f.ifft, "RFFT": f.rfft, "IRFFT": f.irfft}
MANY = {"FFT2": f.fft2, "FFTN": f.fftn, "IFFT2": f.ifft2, "IFFTN": f.ifftn, "IRFFT2": f.irfft2, "IRFFTN": f.irfftn, "RFFT2": f.rfft2, "RFFTN": f.rfftn}
CALLS = ONE | MANY | {"FFTFreq": f.fftfreq, "RFFTFreq": f.rfftfreq, "FFTShift": f.fftshift, "IFFTShift": f.ifftshift}


def record(folder):
    r = Recorder("fft", CALLS)
    for op in CALLS:
        real = op.startswith("R")
        dtypes = [d for d in ALL if not (real and d == mx.complex64)]
        if op in ONE:
            for dtype in dtypes:
                r.add(op, arr(dtype, (2, 8)), 8, -1, "backward", compare="sum")
            for n, axis, norm in ((5, 0, "ortho"), (8, 1, "forward"), (4, 1, "backward"), (12, -1, "ortho"), (7, 0, "forward"), (1, -1, "backward")):
                r.add(op, arr(mx.float32 if real else mx.complex64, (6, 8)), n, axis, norm, compare="sum")
            r.add(op, transposed(arr(mx.float32, (8, 3))), 8, -1, "backward", compare="sum")
            r.add(op, strided(arr(mx.float32, (2, 16))), 8, -1, "backward", compare="sum")
            r.add(op, arr(mx.float32, (1021,)), 1021, 0, "backward", compare="sum")  # a prime
            r.add(op, special(mx.float32), 10, 0, "backward", compare="sum")
            for bad in ((arr(mx.float32, (2, 8)), 8, 2, "backward"), (arr(mx.float32, (2, 8)), 0, 1, "backward"), (arr(mx.float32, (2, 8)), -4, 1, "backward"),
                        (arr(mx.float32, ()), 4, 0, "backward")):
                r.refuse(op, *bad)
        if op in MANY:
            for dtype in dtypes:
                r.add(op, arr(dtype, (2, 4, 6)), [4, 6], [-2, -1], "backward", compare="sum")
            a = arr(mx.float32 if real else mx.complex64, (3, 4, 6))
            for n, axes, norm in (([3, 6], [0, 2], "ortho"), ([5, 4], [1, 0], "forward"), ([2, 2], [-1, -3], "backward")):
                r.add(op, a, n, axes, norm, compare="sum")
            if op.endswith("N"):
                r.add(op, a, [3, 4, 6], [0, 1, 2], "ortho", compare="sum")
                r.add(op, a, [4], [1], "backward", compare="sum")
            for bad in ((a, [4, 6], [0, 3], "backward"), (a, [0, 6], [1, 2], "backward"), (a, [4], [1, 2], "backward"), (a, [4, 4], [1, 1], "backward")):
                r.refuse(op, *bad)
    for op in ("FFTShift", "IFFTShift"):
        for dtype in ALL:
            r.add(op, arr(dtype, (4, 5)), [0, 1], compare="exact")
            r.add(op, arr(dtype, (4, 5)), [-1], compare="exact")
        r.refuse(op, arr(mx.float32, (2, 3)), [2])
    for op in ("FFTFreq", "RFFTFreq"):
        for n, d in ((8, 1.0), (7, 0.5), (1, 2.0)):
            r.add(op, n, d)
        r.refuse(op, 0, 1.0)
        r.refuse(op, -3, 1.0)
    r.write(folder)
