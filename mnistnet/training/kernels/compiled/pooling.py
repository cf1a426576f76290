# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""2 x 2 max-pool that keeps each window's argmax as one byte."""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS
from mnistnet.training.kernels.compiled.values import from_float32, to_float32


@njit(**PARALLEL)
def max_pool(x, y, argmax):
    """The largest of each window of 2 x 2, the first of equals; `argmax` (uint8, 0 to 3) says which.

    x (n, h, w, c); y and argmax (n, h // 2, w // 2, c).
    """
    n, height, width, channels = y.shape
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for row in range(height):
                for column in range(width):
                    for c in range(channels):
                        best, index = to_float32(x[sample, 2 * row, 2 * column, c]), np.uint8(0)
                        value = to_float32(x[sample, 2 * row, 2 * column + 1, c])
                        if value > best or value != value:  # a NaN is passed on, as torch does
                            best, index = value, np.uint8(1)
                        value = to_float32(x[sample, 2 * row + 1, 2 * column, c])
                        if value > best or value != value:
                            best, index = value, np.uint8(2)
                        value = to_float32(x[sample, 2 * row + 1, 2 * column + 1, c])
                        if value > best or value != value:
                            best, index = value, np.uint8(3)
                        y[sample, row, column, c] = from_float32(best, x[sample, 2 * row, 2 * column, c])
                        argmax[sample, row, column, c] = index


@njit(**PARALLEL)
def max_pool_backward(g, argmax, dx):
    """The gradient of `max_pool`: each window's goes to its largest value. dx (n, h, w, c) must begin as 0."""
    n, height, width, channels = g.shape
    zero = g.dtype.type(0)
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for row in range(height):
                for column in range(width):
                    for k in range(4):
                        for c in range(channels):
                            gradient = g[sample, row, column, c]
                            if argmax[sample, row, column, c] != k:
                                gradient = zero
                            dx[sample, 2 * row + k // 2, 2 * column + k % 2, c] = gradient
