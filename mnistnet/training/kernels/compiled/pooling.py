# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""2 x 2 max-pool that remembers places as bytes."""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS
from mnistnet.training.kernels.compiled.values import narrowed, widened


@njit(**PARALLEL)
def halve(x, y, places):
    """The largest of each window of 2 x 2, the first of equals; `places` (uint8, 0 to 3) says which.

    x (n, h, w, c); y and places (n, h // 2, w // 2, c).
    """
    n, height, width, channels = y.shape
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for row in range(height):
                for column in range(width):
                    for c in range(channels):
                        best, place = widened(x[sample, 2 * row, 2 * column, c]), np.uint8(0)
                        value = widened(x[sample, 2 * row, 2 * column + 1, c])
                        if value > best or value != value:  # a NaN is passed on, as torch does
                            best, place = value, np.uint8(1)
                        value = widened(x[sample, 2 * row + 1, 2 * column, c])
                        if value > best or value != value:
                            best, place = value, np.uint8(2)
                        value = widened(x[sample, 2 * row + 1, 2 * column + 1, c])
                        if value > best or value != value:
                            best, place = value, np.uint8(3)
                        y[sample, row, column, c] = narrowed(best, x[sample, 2 * row, 2 * column, c])
                        places[sample, row, column, c] = place


@njit(**PARALLEL)
def halve_backward(g, places, dx):
    """The gradient of `halve`: each window's goes to its largest value. dx (n, h, w, c) must begin as 0."""
    n, height, width, channels = g.shape
    zero = g.dtype.type(0)
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for row in range(height):
                for column in range(width):
                    for k in range(4):
                        for c in range(channels):
                            gradient = g[sample, row, column, c]
                            if places[sample, row, column, c] != k:
                                gradient = zero
                            dx[sample, 2 * row + k // 2, 2 * column + k % 2, c] = gradient
