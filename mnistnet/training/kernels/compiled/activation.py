# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Batch norm and ReLU on grouped maps, forward and backward: max(value * scale + offset, floor).

Grouped maps are float32, channels in groups of LANES, filled up with zeros: (n, c * h * w) stands for
(n, groups, h, w, LANES); README.md draws it. A sample of a map is one row of it. `folded` is what batch norm and
ReLU come to in a step: scale and offset (c,), filled up as well, and the floor, 0 or NO_FLOOR. `coefficients` (3, c)
are those of `moments.normalizer_backward`. A position is one of the h * w pixels of a map.
"""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS, SERIAL
from mnistnet.training.kernels.compiled.simd import LANES, add, fma, load, mul, select_less, splat, store


@njit(**SERIAL)
def activate_padded(y, folded, height, width, out):
    """Activation of one sample y (c * h * w) into out (c * (h + 2) * (w + 2)), inside its border of zeros."""
    scale, offset, floor = folded
    stride = (width + 2) * LANES
    lowest = splat(floor)
    at = 0
    for group in range(len(scale) // LANES):
        factor, shift = load(scale, group * LANES), load(offset, group * LANES)
        for row in range(height):
            to = (group * (height + 2) + row + 1) * stride + LANES
            for _ in range(width):
                value = fma(load(y, at), factor, shift)
                store(out, to, select_less(value, lowest, lowest, value))
                at += LANES
                to += LANES


@njit(**SERIAL)
def activation_gradient(y, folded, coefficients, g, positions, out):
    """The gradient at one sample y (c * positions), from the gradient g at its activation.

    g (c * positions), or (c,) where it is the same at every position.
    """
    scale, offset, floor = folded
    lowest, zero = splat(floor), splat(np.float32(0))
    groups = len(scale) // LANES
    step = LANES if len(g) > len(scale) else 0
    at = 0
    for group in range(groups):
        c = group * LANES
        a, b, e = load(coefficients[0], c), load(coefficients[1], c), load(coefficients[2], c)
        factor, shift = load(scale, c), load(offset, c)
        of = at if step else c
        for _ in range(positions):
            value = load(y, at)
            passed = select_less(lowest, fma(value, factor, shift), mul(a, load(g, of)), zero)
            store(out, at, add(passed, fma(value, b, e)))
            at += LANES
            of += step


@njit(**SERIAL)
def add_gradient_sums(y, folded, g, positions, total, products):
    """Adds one sample's gradients g to total (c,), where y passes the ReLU, and their products with y to products."""
    scale, offset, floor = folded
    lowest, zero = splat(floor), splat(np.float32(0))
    at = 0
    for group in range(len(scale) // LANES):
        c = group * LANES
        one, two = load(total, c), load(products, c)
        factor, shift = load(scale, c), load(offset, c)
        for _ in range(positions):
            value = load(y, at)
            passed = select_less(lowest, fma(value, factor, shift), load(g, at), zero)
            one = add(one, passed)
            two = fma(passed, value, two)
            at += LANES
        store(total, c, one)
        store(products, c, two)


@njit(**PARALLEL)
def activate_and_average(y, folded, positions, out, passed, weighted):
    """Activation of y (n, c * positions), averaged over positions: out (n, c).

    passed, weighted (n, c), for the backward pass: the share of positions that pass the ReLU, and the mean over all
    positions of y where it passes, 0 elsewhere.
    """
    scale, offset, floor = folded
    n, channels = out.shape
    for part in prange(PARTS):
        lowest, zero, one = splat(floor), splat(np.float32(0)), splat(np.float32(1))
        share = splat(np.float32(1 / positions))
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            at = 0
            for c in range(0, channels, LANES):
                factor, shift = load(scale, c), load(offset, c)
                total, count, product = zero, zero, zero
                for _ in range(positions):
                    value = load(y[sample], at)
                    result = fma(value, factor, shift)
                    total = add(total, select_less(result, lowest, lowest, result))
                    count = add(count, select_less(lowest, result, one, zero))
                    product = add(product, select_less(lowest, result, value, zero))
                    at += LANES
                store(out[sample], c, mul(total, share))
                store(passed[sample], c, mul(count, share))
                store(weighted[sample], c, mul(product, share))


@njit(**PARALLEL)
def activate(y, folded, positions, out):
    """Activation of y (n, c * positions) as out (n, positions, channels): channels last, without the padding."""
    scale, offset, floor = folded
    n, _, channels = out.shape
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for c in range(channels):
                at = c // LANES * positions * LANES + c % LANES
                for position in range(positions):
                    value = y[sample, at + position * LANES] * scale[c] + offset[c]
                    out[sample, position, c] = floor if value < floor else value


@njit(**PARALLEL)
def gradient_sums(y, folded, g, positions, sums):
    """sums (PARTS, 2, c): of the gradients g where y passes the ReLU, and of their products with y; same shapes."""
    n = len(y)
    for part in prange(PARTS):
        sums[part] = 0
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            add_gradient_sums(y[sample], folded, g[sample], positions, sums[part, 0], sums[part, 1])
