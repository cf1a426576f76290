# mypy: disable-error-code="no-untyped-def"
"""Bilinear sampling of whole batches on the CPU, compiled: the loop below `augmentation.affine`."""

import numpy as np
from numba import njit, prange


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _along(knots, row, height, out):
    """A row of the k x k knots stretched over the image, linear between them; out (w,)."""
    last, width = len(knots) - 1, len(out)
    down = np.float32(row * last) / np.float32(height - 1)
    upper = min(int(down), last - 1)
    down -= np.float32(upper)
    for column in range(width):
        across = np.float32(column * last) / np.float32(width - 1)
        left = min(int(across), last - 1)
        across -= np.float32(left)
        above = knots[upper, left] + across * (knots[upper, left + 1] - knots[upper, left])
        below = knots[upper + 1, left] + across * (knots[upper + 1, left + 1] - knots[upper + 1, left])
        out[column] = above + down * (below - above)


@njit(parallel=True, fastmath=True, cache=True, nogil=True, error_model="numpy")
def warp(images, theta, bends, out):
    """What F.grid_sample makes of F.affine_grid(theta) plus the bends, align_corners=False, zeros outside.

    images, out (n, h, w) float32; theta (n, 6) float32, each a 2 x 3 matrix from output to input
    positions in [-1, 1]. bends (n, 2, k, k) float32: how many pixels further right and down k x k points
    take their value from, the outer ones in the corners; linear in between. k of 0: nothing is bent.
    """
    n, height, width = out.shape
    stride, knots = width + 3, bends.shape[3]
    for sample in prange(n):
        # A border of zeros on every side, so that the inner loop asks nothing.
        padded = np.zeros((height + 3) * stride, np.float32)
        for row in range(height):
            for column in range(width):
                padded[(row + 1) * stride + column + 1] = images[sample, row, column]
        a, b, c, d, e, f = theta[sample]
        right_bends, down_bends = np.zeros(width, np.float32), np.zeros(width, np.float32)
        for row in range(height):
            if knots:
                _along(bends[sample, 0], row, height, right_bends)
                _along(bends[sample, 1], row, height, down_bends)
            v = np.float32(2 * row + 1) / np.float32(height) - np.float32(1)
            for column in range(width):
                u = np.float32(2 * column + 1) / np.float32(width) - np.float32(1)
                x = (a * u + b * v + c + np.float32(1)) * np.float32(width) - np.float32(1)
                y = (d * u + e * v + f + np.float32(1)) * np.float32(height) - np.float32(1)
                x = x * np.float32(0.5) + right_bends[column]
                y = y * np.float32(0.5) + down_bends[column]
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
