# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Depthwise separable convolutions in a row, as loops of their own; grouped maps as in `activation`.

One array is kept per batch norm, the values that go into it, and each loop does all that lies between
two of them while a sample is in the processor's first cache: apply the one, convolve, sum for the other.
"""

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.activation import framed, passing, through
from mnistnet.training.kernels.compiled.lanes import LANES, add, fma, load, loads, room, splat, spread, store, stores
from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS, SERIAL


@njit(**SERIAL)
def _slide(z, weights, height, width, groups, out):
    """Depthwise: out (groups, h * w) from z with its border and weights (groups, 9)."""
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
                stores(out, to, (s0, s1, s2, s3, s4, s5, s6))
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
def _mix(d, weights, places, inputs, outputs, out):
    """Pointwise: out (outputs, places) from d (inputs, places) and weights (outputs, inputs * LANES); groups."""
    zero = splat(np.float32(0))
    for k in range(outputs):
        for place in range(0, places - 6, 7):
            s0, s1, s2, s3, s4, s5, s6 = zero, zero, zero, zero, zero, zero, zero
            weight = k * inputs * LANES * LANES
            for c in range(inputs):
                at = (c * places + place) * LANES
                for _ in range(LANES):
                    w = load(weights, weight)
                    s0 = fma(spread(d, at), w, s0)
                    s1 = fma(spread(d, at + LANES), w, s1)
                    s2 = fma(spread(d, at + 2 * LANES), w, s2)
                    s3 = fma(spread(d, at + 3 * LANES), w, s3)
                    s4 = fma(spread(d, at + 4 * LANES), w, s4)
                    s5 = fma(spread(d, at + 5 * LANES), w, s5)
                    s6 = fma(spread(d, at + 6 * LANES), w, s6)
                    at += 1
                    weight += LANES
            to = (k * places + place) * LANES
            stores(out, to, (s0, s1, s2, s3, s4, s5, s6))
        for place in range(places // 7 * 7, places):
            s0 = zero
            for c in range(inputs):
                for lane in range(LANES):
                    weight = ((k * inputs + c) * LANES + lane) * LANES
                    s0 = fma(spread(d, (c * places + place) * LANES + lane), load(weights, weight), s0)
            store(out, (k * places + place) * LANES, s0)


@njit(**SERIAL)
def _outer(d, g, places, inputs, outputs, total):
    """Gradient of `_mix`'s weights: adds the sum over places of d times g to `total` (outputs, inputs * LANES)."""
    for k in range(outputs):
        for c in range(inputs):
            for half in range(0, LANES, 8):
                to = ((k * inputs + c) * LANES + half) * LANES
                s0, s1, s2, s3, s4, s5, s6, s7 = loads(total, to, 8)
                at, of = k * places * LANES, c * places * LANES + half
                for _ in range(places):
                    gradient = load(g, at)
                    s0 = fma(spread(d, of), gradient, s0)
                    s1 = fma(spread(d, of + 1), gradient, s1)
                    s2 = fma(spread(d, of + 2), gradient, s2)
                    s3 = fma(spread(d, of + 3), gradient, s3)
                    s4 = fma(spread(d, of + 4), gradient, s4)
                    s5 = fma(spread(d, of + 5), gradient, s5)
                    s6 = fma(spread(d, of + 6), gradient, s6)
                    s7 = fma(spread(d, of + 7), gradient, s7)
                    at += LANES
                    of += LANES
                stores(total, to, (s0, s1, s2, s3, s4, s5, s6, s7))


@njit(**SERIAL)
def _taps(z, g, height, width, groups, total):
    """Gradient of `_slide`'s weights: adds to `total` (groups, 9). z and g have borders."""
    stride = (width + 2) * LANES
    zero = splat(np.float32(0))
    for group in range(groups):
        for i in range(3):
            left = (group * 9 + 3 * i) * LANES
            s0, s1, s2 = loads(total, left, 3)
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
            stores(total, left, (add(s0, t0), add(s1, t1), add(s2, t2)))


@njit(**SERIAL)
def _transposed(mixed, inputs, outputs):
    crossed = np.empty_like(mixed)
    for k in range(outputs * LANES):
        for c in range(inputs * LANES):
            value = mixed[(k // LANES * inputs * LANES + c) * LANES + k % LANES]
            crossed[(c // LANES * outputs * LANES + k) * LANES + c % LANES] = value
    return crossed


@njit(**PARALLEL)
def block(y, scale, offset, floor, slid, mixed, height, width, out, sums):
    """A separable convolution of what batch norm and ReLU make of y.

    y (n, c * h * w); slid (c * 9) and mixed (k * c) its weights; out (n, k * h * w). sums (PARTS, 2, k): of
    out and of its squares.
    """
    n, outputs = len(y), sums.shape[2] // LANES
    groups, places = len(scale) // LANES, height * width
    for part in prange(PARTS):
        z = room(groups * (height + 2) * (width + 2) * LANES)
        d = room(groups * places * LANES)
        sums[part] = 0
        total, squares = sums[part, 0], sums[part, 1]
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            framed(y[sample], scale, offset, floor, height, width, z)
            _slide(z, slid, height, width, groups, d)
            result = out[sample]
            _mix(d, mixed, places, groups, outputs, result)
            at = 0
            for k in range(outputs):
                one, two = load(total, k * LANES), load(squares, k * LANES)
                for _ in range(places):
                    value = load(result, at)
                    one = add(one, value)
                    two = fma(value, value, two)
                    at += LANES
                store(total, k * LANES, one)
                store(squares, k * LANES, two)


@njit(**PARALLEL)
def block_backward(
    y, scale, offset, floor, slid, mixed, height, width,
    after, after_scale, after_offset, after_floor, coefficients, g, dy, slid_total, mixed_total, sums,
):  # fmt: skip
    """Gradients of `block`, and through the batch norm and ReLU behind it.

    after (n, k * h * w): what `block` wrote; g the gradient at what batch norm and ReLU made of it, of
    the same shape, or (n, k) where it is alike at every place. coefficients (3, k): see `moments`.
    dy (n, c * h * w): the gradient at what batch norm and ReLU made of y. slid_total (PARTS, c * 9) and
    mixed_total (PARTS, k * c): sums of weights' gradients. sums (PARTS, 2, c): of dy where it passes
    y's ReLU, and of its products with y.
    """
    n, groups, outputs = len(y), len(scale) // LANES, len(after_scale) // LANES
    places, stride = height * width, (width + 2) * LANES
    turned = np.empty_like(slid)
    for group in range(groups):
        for i in range(9):
            for lane in range(LANES):
                turned[(group * 9 + i) * LANES + lane] = slid[(group * 9 + 8 - i) * LANES + lane]
    crossed = _transposed(mixed, groups, outputs)
    for part in prange(PARTS):
        z = room(groups * (height + 2) * stride)
        dd = room(groups * (height + 2) * stride)
        d = room(groups * places * LANES)
        inner = room(outputs * places * LANES)
        flat = room(groups * places * LANES)
        slid_total[part] = 0
        mixed_total[part] = 0
        sums[part] = 0
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            through(after[sample], after_scale, after_offset, after_floor, coefficients, g[sample], places, inner)
            framed(y[sample], scale, offset, floor, height, width, z)
            _slide(z, slid, height, width, groups, d)
            _outer(d, inner, places, groups, outputs, mixed_total[part])
            _mix(inner, crossed, places, outputs, groups, flat)
            for group in range(groups):
                for row in range(height):
                    to = (group * (height + 2) + row + 1) * stride + LANES
                    at = (group * height + row) * width * LANES
                    dd[to : to + width * LANES] = flat[at : at + width * LANES]
            _taps(z, dd, height, width, groups, slid_total[part])
            _slide(dd, turned, height, width, groups, dy[sample])
            passing(y[sample], scale, offset, floor, dy[sample], places, sums[part, 0], sums[part, 1])
