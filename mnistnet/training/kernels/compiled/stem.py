# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""The first convolution of an image with the 2 x 2 max-pool behind its activation; terms as in `activation`.

No map of the image's full size is written: the backward pass convolves again.
"""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS, SERIAL
from mnistnet.training.kernels.compiled.simd import (
    LANES,
    add,
    aligned_zeros,
    fma,
    load,
    load_many,
    load_splat,
    mul,
    select_less,
    splat,
    store,
    store_many,
)


@njit(**SERIAL)
def _window(x, weights, width, row, column, group):
    """The four outputs of the convolution that one value is pooled from, for one group of channels."""
    zero = splat(np.float32(0))
    s0, s1, s2, s3 = zero, zero, zero, zero
    stride = width + 2
    for i in range(3):
        at = (2 * row + i) * stride + 2 * column
        for j in range(3):
            w = load(weights, (group * 9 + 3 * i + j) * LANES)
            s0 = fma(load_splat(x, at + j), w, s0)
            s1 = fma(load_splat(x, at + j + 1), w, s1)
            s2 = fma(load_splat(x, at + stride + j), w, s2)
            s3 = fma(load_splat(x, at + stride + j + 1), w, s3)
    return s0, s1, s2, s3


@njit(**SERIAL)
def _pad(image, height, width, x):
    """Copy the image into x (h + 2, w + 2), whose border of zeros is there already."""
    for row in range(height):
        for column in range(width):
            x[(row + 1) * (width + 2) + column + 1] = image[row * width + column]


@njit(**SERIAL)
def _to_largest(s0, s1, s2, best, left):
    """The gradient `left` of a window's largest value at its four values: to the first of equals, as torch does."""
    zero = splat(np.float32(0))
    g0, left = select_less(s0, best, zero, left), select_less(s0, best, left, zero)
    g1, left = select_less(s1, best, zero, left), select_less(s1, best, left, zero)
    g2, left = select_less(s2, best, zero, left), select_less(s2, best, left, zero)
    return g0, g1, g2, left


@njit(**SERIAL)
def _four(x, at):
    """Four neighbouring pixels, each in all lanes."""
    return load_splat(x, at), load_splat(x, at + 1), load_splat(x, at + 2), load_splat(x, at + 3)


@njit(**PARALLEL)
def stem_forward(images, weights, size, out, sums):
    """A 3 x 3 convolution of one channel, of which the largest value of each 2 x 2 window is kept.

    images (n, h * w); weights (c * 9); size: h and w, both even. Writes out (n, c * (h // 2) * (w // 2)) and sums
    (PARTS, 2, c): of all outputs of the convolution and of their squares.
    """
    height, width = size
    n, groups = len(images), sums.shape[2] // LANES
    for part in prange(PARTS):
        x = aligned_zeros((height + 2) * (width + 2))
        sums[part] = 0
        total, squares = sums[part, 0], sums[part, 1]
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            _pad(images[sample], height, width, x)
            to = 0
            for group in range(groups):
                c = group * LANES
                one, two = load(total, c), load(squares, c)
                for row in range(height // 2):
                    for column in range(width // 2):
                        s0, s1, s2, s3 = _window(x, weights, width, row, column, group)
                        one = add(one, add(add(s0, s1), add(s2, s3)))
                        two = fma(s0, s0, fma(s1, s1, fma(s2, s2, fma(s3, s3, two))))
                        s0, s2 = select_less(s0, s1, s1, s0), select_less(s2, s3, s3, s2)
                        store(out[sample], to, select_less(s0, s2, s2, s0))
                        to += LANES
                store(total, c, one)
                store(squares, c, two)


@njit(**PARALLEL)
def stem_backward(images, weights, size, folded, coefficients, g, totals):
    """Gradient of the weights of `stem_forward`, through the batch norm and ReLU behind it.

    g (n, c * (h // 2) * (w // 2)): the gradient at the activation of the pooled values. Writes totals (PARTS, c * 9):
    sums of gradients.
    """
    (height, width), (scale, offset, floor) = size, folded
    n, groups, stride = len(images), len(scale) // LANES, width + 2
    for part in prange(PARTS):
        x = aligned_zeros((height + 2) * (width + 2))
        totals[part] = 0
        total = totals[part]
        lowest, zero = splat(floor), splat(np.float32(0))
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            _pad(images[sample], height, width, x)
            gradient = g[sample]
            of = 0
            for group in range(groups):
                c, tap = group * LANES, group * 9 * LANES
                a, b, e = load(coefficients[0], c), load(coefficients[1], c), load(coefficients[2], c)
                factor, shift = load(scale, c), load(offset, c)
                d0, d1, d2, d3, d4, d5, d6, d7, d8 = load_many(total, tap, 9)
                for row in range(height // 2):
                    for column in range(width // 2):
                        s0, s1, s2, s3 = _window(x, weights, width, row, column, group)
                        upper, lower = select_less(s0, s1, s1, s0), select_less(s2, s3, s3, s2)
                        best = select_less(upper, lower, lower, upper)
                        left = select_less(lowest, fma(best, factor, shift), mul(a, load(gradient, of)), zero)
                        of += LANES
                        g0, g1, g2, g3 = _to_largest(s0, s1, s2, best, left)
                        g0, g1 = add(g0, fma(s0, b, e)), add(g1, fma(s1, b, e))
                        g2, g3 = add(g2, fma(s2, b, e)), add(g3, fma(s3, b, e))
                        at = 2 * row * stride + 2 * column
                        x00, x01, x02, x03 = _four(x, at)
                        x10, x11, x12, x13 = _four(x, at + stride)
                        x20, x21, x22, x23 = _four(x, at + 2 * stride)
                        x30, x31, x32, x33 = _four(x, at + 3 * stride)
                        d0 = fma(x00, g0, fma(x01, g1, fma(x10, g2, fma(x11, g3, d0))))
                        d1 = fma(x01, g0, fma(x02, g1, fma(x11, g2, fma(x12, g3, d1))))
                        d2 = fma(x02, g0, fma(x03, g1, fma(x12, g2, fma(x13, g3, d2))))
                        d3 = fma(x10, g0, fma(x11, g1, fma(x20, g2, fma(x21, g3, d3))))
                        d4 = fma(x11, g0, fma(x12, g1, fma(x21, g2, fma(x22, g3, d4))))
                        d5 = fma(x12, g0, fma(x13, g1, fma(x22, g2, fma(x23, g3, d5))))
                        d6 = fma(x20, g0, fma(x21, g1, fma(x30, g2, fma(x31, g3, d6))))
                        d7 = fma(x21, g0, fma(x22, g1, fma(x31, g2, fma(x32, g3, d7))))
                        d8 = fma(x22, g0, fma(x23, g1, fma(x32, g2, fma(x33, g3, d8))))
                store_many(total, tap, (d0, d1, d2, d3, d4, d5, d6, d7, d8))
