# mypy: disable-error-code="no-untyped-def"
"""Bilinear sampling of whole batches on the CPU, compiled: the loop below `augmentation.affine`."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, fastmath=True, cache=True, nogil=True, error_model="numpy")
def warp(images, theta, out):
    """What F.grid_sample makes of F.affine_grid(theta), align_corners=False, zeros outside.

    images, out (n, h, w) float32; theta (n, 6) float32, each a 2 x 3 matrix from output to input
    positions in [-1, 1].
    """
    n, height, width = out.shape
    stride = width + 3
    for sample in prange(n):
        # A border of zeros on every side, so that the inner loop asks nothing.
        padded = np.zeros((height + 3) * stride, np.float32)
        for row in range(height):
            for column in range(width):
                padded[(row + 1) * stride + column + 1] = images[sample, row, column]
        a, b, c, d, e, f = theta[sample]
        for row in range(height):
            v = np.float32(2 * row + 1) / np.float32(height) - np.float32(1)
            for column in range(width):
                u = np.float32(2 * column + 1) / np.float32(width) - np.float32(1)
                x = ((a * u + b * v + c + np.float32(1)) * np.float32(width) - np.float32(1)) * np.float32(0.5)
                y = ((d * u + e * v + f + np.float32(1)) * np.float32(height) - np.float32(1)) * np.float32(0.5)
                # From the border's first pixel on; positions further out see zeros as well.
                x = min(max(x, np.float32(-1)), np.float32(width)) + np.float32(1)
                y = min(max(y, np.float32(-1)), np.float32(height)) + np.float32(1)
                left, top = np.int32(x), np.int32(y)
                right_share, lower_share = x - np.float32(left), y - np.float32(top)
                at = np.int32(top * np.int32(stride) + left)
                upper = padded[at] + right_share * (padded[at + 1] - padded[at])
                below = at + np.int32(stride)
                lower = padded[below] + right_share * (padded[below + 1] - padded[below])
                out[sample, row, column] = upper + lower_share * (lower - upper)
