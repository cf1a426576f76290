# mypy: disable-error-code="no-untyped-def"
"""Bilinear sampling of whole batches of images: what `training.augmentation` moves them by."""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.options import PARALLEL, SERIAL


@njit(**SERIAL)
def _stretched(knots, width):
    """Each row of the knots (k, k) along the width, linear between two of them: (k, w)."""
    last = len(knots) - 1
    rows = np.empty((last + 1, width), np.float32)
    for column in range(width):
        across = np.float32(column * last) / np.float32(width - 1)
        left = min(int(across), last - 1)
        across -= np.float32(left)
        for row in range(last + 1):
            rows[row, column] = knots[row, left] + across * (knots[row, left + 1] - knots[row, left])
    return rows


@njit(**PARALLEL)
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
        if knots:
            right_rows, down_rows = _stretched(bends[sample, 0], width), _stretched(bends[sample, 1], width)
        for row in range(height):
            if knots:
                share = np.float32(row * (knots - 1)) / np.float32(height - 1)
                above = min(int(share), knots - 2)
                share -= np.float32(above)
                for column in range(width):
                    right, down = right_rows[above, column], down_rows[above, column]
                    right_bends[column] = right + share * (right_rows[above + 1, column] - right)
                    down_bends[column] = down + share * (down_rows[above + 1, column] - down)
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
