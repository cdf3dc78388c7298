"""Convolutions. Inputs are [N, spatial..., C], weights [C_out, spatial..., C_in / groups]."""

import mlx.core as mx

from recorder import ALL, INEXACT, Recorder, arr, transposed

CALLS = {
    "Conv1D": mx.conv1d,
    "Conv2D": lambda x, w, *n: mx.conv2d(x, w, n[0:2], n[2:4], n[4:6], n[6]),
    "Conv3D": lambda x, w, *n: mx.conv3d(x, w, n[0:3], n[3:6], n[6:9], n[9]),
    "ConvGeneral": lambda x, w, stride, low, high, dilation, spread, groups, flip: mx.conv_general(
        x, w, stride, (low, high), dilation, spread, groups, flip),
    "ConvTranspose1D": lambda x, w, stride, padding, dilation, output, groups: mx.conv_transpose1d(x, w, stride, padding, dilation, output, groups),
    "ConvTranspose2D": lambda x, w, *n: mx.conv_transpose2d(x, w, n[0:2], n[2:4], n[4:6], n[6:8], n[8]),
    "ConvTranspose3D": lambda x, w, *n: mx.conv_transpose3d(x, w, n[0:3], n[3:6], n[6:9], n[9:12], n[12]),
}


def add(r, *args):
    r.add(*args, compare="sum")


def record(folder):
    r = Recorder("conv", CALLS)
    for dtype in ALL:
        x1, w1 = arr(dtype, (2, 7, 4)), arr(dtype, (6, 3, 4))
        add(r, "Conv1D", x1, w1, 1, 1, 1, 1)
        add(r, "Conv2D", arr(dtype, (1, 5, 6, 2)), arr(dtype, (3, 2, 3, 2)), 1, 1, 0, 1, 1, 1, 1)
        add(r, "Conv3D", arr(dtype, (1, 3, 4, 4, 2)), arr(dtype, (2, 2, 2, 2, 2)), 1, 1, 1, 0, 0, 1, 1, 1, 1, 1)
        add(r, "ConvGeneral", x1, w1, [2], [1], [0], [1], [2], 1, True)
        add(r, "ConvTranspose1D", x1, w1, 2, 1, 1, 0, 1)
        add(r, "ConvTranspose2D", arr(dtype, (1, 3, 3, 2)), arr(dtype, (3, 2, 2, 2)), 1, 2, 0, 0, 1, 1, 0, 0, 1)
        add(r, "ConvTranspose3D", arr(dtype, (1, 2, 2, 2, 2)), arr(dtype, (2, 2, 2, 2, 2)), 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1)
    for dtype in INEXACT:
        add(r, "Conv1D", arr(dtype, (2, 7, 4)), arr(dtype, (6, 3, 2)), 2, 0, 1, 2)
        add(r, "Conv1D", arr(dtype, (1, 9, 4)), arr(dtype, (4, 3, 1)), 1, 2, 2, 4)
        add(r, "Conv2D", transposed(arr(dtype, (2, 6, 5, 1))), arr(dtype, (3, 3, 3, 2)), 2, 1, 1, 1, 1, 2, 1)
        add(r, "Conv2D", arr(dtype, (2, 5, 5, 4)), arr(dtype, (4, 3, 3, 2)), 1, 1, 1, 1, 1, 1, 2)
        add(r, "ConvGeneral", arr(dtype, (1, 5, 6, 2)), arr(dtype, (3, 2, 3, 2)), [1, 2], [0, 1], [1, 2], [2, 1], [1, 1], 1, False)
        add(r, "ConvTranspose1D", arr(dtype, (1, 4, 4)), arr(dtype, (4, 3, 2)), 2, 0, 1, 1, 2)
    f = mx.float32
    x, w = arr(f, (2, 7, 4)), arr(f, (6, 3, 4))
    x2, w2, x3, w3 = arr(f, (1, 5, 6, 2)), arr(f, (3, 2, 3, 2)), arr(f, (1, 3, 4, 4, 2)), arr(f, (2, 2, 2, 2, 2))
    for bad in (("Conv1D", x, arr(f, (6, 3, 3)), 1, 0, 1, 1), ("Conv1D", x, w, 1, 0, 1, 3), ("Conv1D", x2, w, 1, 0, 1, 1), ("Conv1D", x, arr(f, (6, 9, 4)), 1, 0, 1, 1),
                ("Conv2D", x2, arr(f, (3, 2, 3, 3)), 1, 1, 0, 0, 1, 1, 1), ("Conv2D", x, w2, 1, 1, 0, 0, 1, 1, 1),
                ("Conv3D", x3, arr(f, (2, 2, 2, 2, 3)), 1, 1, 1, 0, 0, 0, 1, 1, 1, 1), ("Conv3D", x, w3, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1),
                ("ConvGeneral", x, w, [1, 1], [0], [0], [1], [1], 1, False), ("ConvGeneral", x, arr(f, (6, 3, 3)), [1], [0], [0], [1], [1], 1, False),
                ("ConvTranspose1D", x, arr(f, (6, 3, 3)), 1, 0, 1, 0, 1), ("ConvTranspose2D", x2, arr(f, (3, 2, 3, 3)), 1, 1, 0, 0, 1, 1, 0, 0, 1),
                ("ConvTranspose3D", x3, arr(f, (2, 2, 2, 2, 3)), 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1)):
        r.refuse(*bad)
    r.write(folder)
