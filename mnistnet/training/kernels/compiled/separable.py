# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Depthwise separable convolutions (depthwise 3 x 3, then pointwise) on grouped maps; terms as in `activation`.

One array is kept per batch norm, the values that go into it. Each loop does all that lies between two of them while
a sample is in the processor's first cache: activate, convolve, and sum for the next norm. Weights are in groups of
the channel that they are first indexed by: depthwise (groups, 9, LANES), pointwise (output groups, inputs, LANES).
"""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.activation import activate_padded, activation_gradient, add_gradient_sums
from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS, SERIAL
from mnistnet.training.kernels.compiled.simd import (
    LANES,
    add,
    aligned_zeros,
    fma,
    load,
    load_many,
    load_splat,
    splat,
    store,
    store_many,
)
from mnistnet.training.kernels.compiled.weights import flipped_weights, transposed_weights


@njit(**SERIAL)
def _depthwise(z, weights, height, width, groups, out):
    """Depthwise convolution of one sample: out (groups, h * w) from z (groups, h + 2, w + 2), weights (groups, 9)."""
    stride = (width + 2) * LANES
    zero = splat(np.float32(0))
    to = 0
    for group in range(groups):
        for row in range(height):
            first = (group * (height + 2) + row) * stride
            for _ in range(width // 7):
                s0, s1, s2, s3, s4, s5, s6 = zero, zero, zero, zero, zero, zero, zero
                tap = group * 9 * LANES
                for i in range(3):
                    at = first + i * stride
                    for _ in range(3):
                        w = load(weights, tap)
                        s0 = fma(load(z, at), w, s0)
                        s1 = fma(load(z, at + LANES), w, s1)
                        s2 = fma(load(z, at + 2 * LANES), w, s2)
                        s3 = fma(load(z, at + 3 * LANES), w, s3)
                        s4 = fma(load(z, at + 4 * LANES), w, s4)
                        s5 = fma(load(z, at + 5 * LANES), w, s5)
                        s6 = fma(load(z, at + 6 * LANES), w, s6)
                        at += LANES
                        tap += LANES
                store_many(out, to, (s0, s1, s2, s3, s4, s5, s6))
                to += 7 * LANES
                first += 7 * LANES
            for _ in range(width % 7):
                s0 = zero
                tap = group * 9 * LANES
                for i in range(3):
                    for j in range(3):
                        s0 = fma(load(z, first + i * stride + j * LANES), load(weights, tap), s0)
                        tap += LANES
                store(out, to, s0)
                to += LANES
                first += LANES


@njit(**SERIAL)
def _pointwise(d, weights, positions, inputs, outputs, out):
    """Pointwise convolution of one sample: out (outputs, positions) from d (inputs, positions) and weights (outputs,
    inputs * LANES). `inputs` and `outputs` count groups, and every element is a vector of LANES."""
    zero = splat(np.float32(0))
    for k in range(outputs):
        for position in range(0, positions - 6, 7):
            s0, s1, s2, s3, s4, s5, s6 = zero, zero, zero, zero, zero, zero, zero
            weight = k * inputs * LANES * LANES
            for c in range(inputs):
                at = (c * positions + position) * LANES
                for _ in range(LANES):
                    w = load(weights, weight)
                    s0 = fma(load_splat(d, at), w, s0)
                    s1 = fma(load_splat(d, at + LANES), w, s1)
                    s2 = fma(load_splat(d, at + 2 * LANES), w, s2)
                    s3 = fma(load_splat(d, at + 3 * LANES), w, s3)
                    s4 = fma(load_splat(d, at + 4 * LANES), w, s4)
                    s5 = fma(load_splat(d, at + 5 * LANES), w, s5)
                    s6 = fma(load_splat(d, at + 6 * LANES), w, s6)
                    at += 1
                    weight += LANES
            to = (k * positions + position) * LANES
            store_many(out, to, (s0, s1, s2, s3, s4, s5, s6))
        for position in range(positions // 7 * 7, positions):
            s0 = zero
            for c in range(inputs):
                for lane in range(LANES):
                    weight = ((k * inputs + c) * LANES + lane) * LANES
                    s0 = fma(load_splat(d, (c * positions + position) * LANES + lane), load(weights, weight), s0)
            store(out, (k * positions + position) * LANES, s0)


@njit(**SERIAL)
def _pointwise_weight_gradient(d, g, positions, inputs, outputs, total):
    """Gradient of `_pointwise`'s weights: adds d times g, summed over positions, to total (outputs, inputs * LANES)."""
    for k in range(outputs):
        for c in range(inputs):
            for half in range(0, LANES, 8):
                to = ((k * inputs + c) * LANES + half) * LANES
                s0, s1, s2, s3, s4, s5, s6, s7 = load_many(total, to, 8)
                at, of = k * positions * LANES, c * positions * LANES + half
                for _ in range(positions):
                    gradient = load(g, at)
                    s0 = fma(load_splat(d, of), gradient, s0)
                    s1 = fma(load_splat(d, of + 1), gradient, s1)
                    s2 = fma(load_splat(d, of + 2), gradient, s2)
                    s3 = fma(load_splat(d, of + 3), gradient, s3)
                    s4 = fma(load_splat(d, of + 4), gradient, s4)
                    s5 = fma(load_splat(d, of + 5), gradient, s5)
                    s6 = fma(load_splat(d, of + 6), gradient, s6)
                    s7 = fma(load_splat(d, of + 7), gradient, s7)
                    at += LANES
                    of += LANES
                store_many(total, to, (s0, s1, s2, s3, s4, s5, s6, s7))


@njit(**SERIAL)
def _depthwise_weight_gradient(z, g, height, width, groups, total):
    """Gradient of `_depthwise`'s weights: adds to total (groups, 9). z and g have borders of zeros."""
    stride = (width + 2) * LANES
    zero = splat(np.float32(0))
    for group in range(groups):
        for i in range(3):
            left = (group * 9 + 3 * i) * LANES
            s0, s1, s2 = load_many(total, left, 3)
            t0, t1, t2 = zero, zero, zero
            for row in range(height):
                of = (group * (height + 2) + row + 1) * stride + LANES
                at = (group * (height + 2) + row + i) * stride
                for _ in range(width // 2):  # two columns share two of their three values
                    g0, g1 = load(g, of), load(g, of + LANES)
                    z1, z2 = load(z, at + LANES), load(z, at + 2 * LANES)
                    s0 = fma(load(z, at), g0, s0)
                    s1 = fma(z1, g0, s1)
                    s2 = fma(z2, g0, s2)
                    t0 = fma(z1, g1, t0)
                    t1 = fma(z2, g1, t1)
                    t2 = fma(load(z, at + 3 * LANES), g1, t2)
                    at += 2 * LANES
                    of += 2 * LANES
                if width % 2:
                    g0 = load(g, of)
                    s0 = fma(load(z, at), g0, s0)
                    s1 = fma(load(z, at + LANES), g0, s1)
                    s2 = fma(load(z, at + 2 * LANES), g0, s2)
            store_many(total, left, (add(s0, t0), add(s1, t1), add(s2, t2)))


@njit(**SERIAL)
def _pad(maps, height, width, groups, out):
    """Copy one sample's maps (groups, h, w) into out (groups, h + 2, w + 2), inside its border of zeros."""
    for group in range(groups):
        for row in range(height):
            to = ((group * (height + 2) + row + 1) * (width + 2) + 1) * LANES
            at = (group * height + row) * width * LANES
            out[to : to + width * LANES] = maps[at : at + width * LANES]


@njit(**PARALLEL)
def separable_forward(y, folded, weights, size, out, sums):
    """A separable convolution of the activation of y, and the sums that the batch norm behind it needs.

    y (n, c * h * w); weights: depthwise (c * 9) and pointwise (k * c); size: h and w. Writes out (n, k * h * w) and
    sums (PARTS, 2, k): of out and of its squares.
    """
    (depthwise, pointwise), (height, width) = weights, size
    n, outputs = len(y), sums.shape[2] // LANES
    groups, positions = len(folded[0]) // LANES, height * width
    for part in prange(PARTS):
        z = aligned_zeros(groups * (height + 2) * (width + 2) * LANES)
        d = aligned_zeros(groups * positions * LANES)
        sums[part] = 0
        total, squares = sums[part, 0], sums[part, 1]
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            activate_padded(y[sample], folded, height, width, z)
            _depthwise(z, depthwise, height, width, groups, d)
            result = out[sample]
            _pointwise(d, pointwise, positions, groups, outputs, result)
            at = 0
            for k in range(outputs):
                one, two = load(total, k * LANES), load(squares, k * LANES)
                for _ in range(positions):
                    value = load(result, at)
                    one = add(one, value)
                    two = fma(value, value, two)
                    at += LANES
                store(total, k * LANES, one)
                store(squares, k * LANES, two)


@njit(**PARALLEL)
def separable_backward(
    y, folded, weights, size, after, after_folded, coefficients, g, dy, depthwise_totals, pointwise_totals, sums
):  # fmt: skip
    """Gradients of `separable_forward` and of the activation behind it.

    y, folded, weights and size are what `separable_forward` had, after (n, k * h * w) what it wrote, after_folded and
    coefficients (3, k) the activation behind it, g the gradient at that: of the shape of `after`, or (n, k) where it
    is the same at every position. Writes dy (n, c * h * w): the gradient at the activation of y; depthwise_totals
    (PARTS, c * 9) and pointwise_totals (PARTS, k * c): sums of the gradients of weights; and sums (PARTS, 2, c): of
    dy where it passes y's ReLU, and of its products with y.
    """
    (depthwise, pointwise), (height, width) = weights, size
    n, groups, outputs = len(y), len(folded[0]) // LANES, len(after_folded[0]) // LANES
    positions, padded_size = height * width, groups * (height + 2) * (width + 2) * LANES
    flipped, transposed = flipped_weights(depthwise, groups), transposed_weights(pointwise, groups, outputs)
    for part in prange(PARTS):
        z = aligned_zeros(padded_size)
        d = aligned_zeros(groups * positions * LANES)
        inner = aligned_zeros(outputs * positions * LANES)
        dd = aligned_zeros(groups * positions * LANES)
        padded = aligned_zeros(padded_size)
        depthwise_totals[part] = 0
        pointwise_totals[part] = 0
        sums[part] = 0
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            activation_gradient(after[sample], after_folded, coefficients, g[sample], positions, inner)
            activate_padded(y[sample], folded, height, width, z)
            _depthwise(z, depthwise, height, width, groups, d)
            _pointwise_weight_gradient(d, inner, positions, groups, outputs, pointwise_totals[part])
            _pointwise(inner, transposed, positions, outputs, groups, dd)
            _pad(dd, height, width, groups, padded)
            _depthwise_weight_gradient(z, padded, height, width, groups, depthwise_totals[part])
            _depthwise(padded, flipped, height, width, groups, dy[sample])
            add_gradient_sums(y[sample], folded, dy[sample], positions, sums[part, 0], sums[part, 1])
