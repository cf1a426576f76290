# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Batch norm and ReLU on grouped maps: value * scale + offset, at least `floor`.

Grouped maps are float32, channels in groups of LANES, filled up with zeros: (n, c * h * w) stands for
(n, groups, h, w, LANES), so that a group of a sample's map lies close together. scale, offset and
coefficients are filled up as well.
"""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.lanes import LANES, add, fma, load, mul, splat, store, where_less
from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS, SERIAL


@njit(**SERIAL)
def framed(y, scale, offset, floor, height, width, z):
    """z: max(y * scale + offset, floor) inside a border of zeros that is there already."""
    stride = (width + 2) * LANES
    lowest = splat(floor)
    at = 0
    for group in range(len(scale) // LANES):
        factor, shift = load(scale, group * LANES), load(offset, group * LANES)
        for row in range(height):
            to = (group * (height + 2) + row + 1) * stride + LANES
            for _ in range(width):
                value = fma(load(y, at), factor, shift)
                store(z, to, where_less(value, lowest, lowest, value))
                at += LANES
                to += LANES


@njit(**SERIAL)
def through(y, scale, offset, floor, coefficients, g, places, out):
    """The gradient at y of batch norm and ReLU, whose is g: (c * places), or (c,) where it is alike at every place."""
    lowest, zero = splat(floor), splat(np.float32(0))
    groups = len(scale) // LANES
    step = LANES if len(g) > len(scale) else 0
    at = 0
    for group in range(groups):
        c = group * LANES
        a, b, e = load(coefficients[0], c), load(coefficients[1], c), load(coefficients[2], c)
        factor, shift = load(scale, c), load(offset, c)
        of = at if step else c
        for _ in range(places):
            value = load(y, at)
            passed = where_less(lowest, fma(value, factor, shift), mul(a, load(g, of)), zero)
            store(out, at, add(passed, fma(value, b, e)))
            at += LANES
            of += step


@njit(**SERIAL)
def passing(y, scale, offset, floor, g, places, total, products):
    """Adds to total (c,) the gradients g that y's ReLU lets through, to `products` these times y."""
    lowest, zero = splat(floor), splat(np.float32(0))
    at = 0
    for group in range(len(scale) // LANES):
        c = group * LANES
        one, two = load(total, c), load(products, c)
        factor, shift = load(scale, c), load(offset, c)
        for _ in range(places):
            value = load(y, at)
            passed = where_less(lowest, fma(value, factor, shift), load(g, at), zero)
            one = add(one, passed)
            two = fma(passed, value, two)
            at += LANES
        store(total, c, one)
        store(products, c, two)


@njit(**PARALLEL)
def means(y, scale, offset, floor, places, out, passed, weighted):
    """What batch norm and ReLU make of y (n, c * places), averaged over places: out (n, c).

    passed, weighted (n, c): the share of places that pass the ReLU, and the mean over all places of y where
    it passes, 0 elsewhere.
    """
    n, channels = out.shape
    for part in prange(PARTS):
        lowest, zero, one = splat(floor), splat(np.float32(0)), splat(np.float32(1))
        share = splat(np.float32(1 / places))
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            at = 0
            for c in range(0, channels, LANES):
                factor, shift = load(scale, c), load(offset, c)
                total, count, product = zero, zero, zero
                for _ in range(places):
                    value = load(y[sample], at)
                    result = fma(value, factor, shift)
                    total = add(total, where_less(result, lowest, lowest, result))
                    count = add(count, where_less(lowest, result, one, zero))
                    product = add(product, where_less(lowest, result, value, zero))
                    at += LANES
                store(out[sample], c, mul(total, share))
                store(passed[sample], c, mul(count, share))
                store(weighted[sample], c, mul(product, share))


@njit(**PARALLEL)
def activated(y, scale, offset, floor, places, out):
    """What batch norm and ReLU make of y (n, c * places): out (n, places, channels), without the padding."""
    n, _, channels = out.shape
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for c in range(channels):
                at = c // LANES * places * LANES + c % LANES
                for place in range(places):
                    value = y[sample, at + place * LANES] * scale[c] + offset[c]
                    out[sample, place, c] = floor if value < floor else value


@njit(**PARALLEL)
def all_passing(y, scale, offset, floor, g, places, sums):
    """sums (PARTS, 2, c): of the gradients g where y passes the ReLU, and of their products with y; same shapes."""
    n = len(y)
    for part in prange(PARTS):
        sums[part] = 0
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            passing(y[sample], scale, offset, floor, g[sample], places, sums[part, 0], sums[part, 1])
