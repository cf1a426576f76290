# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Batch norm with the ReLU and dropout beside it, in as few passes over memory as they need.

They are so little arithmetic that a network of this size spends most of its time moving their values;
torch makes a pass for each. Maps are (n, h, w * c): channels last, a row of pixels side by side, so that
inner loops are long whatever c is.
"""

from typing import Any

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.moments import normalizer, normalizer_backward
from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS
from mnistnet.training.kernels.compiled.values import at_least, from_float32, to_float32

DRAWS = 1 << 16  # a dropout rate is a multiple of 1 / DRAWS


@njit(inline="always")
def _hashed(counter: Any, seed: Any) -> Any:
    # The finalizer of MurmurHash3 (Appleby, public domain) on a counter: independent of order, so parallel.
    # numba widens every integer operation to 64 bits; cast back, so that the loop stays in 32-bit lanes.
    bits = np.uint32(np.uint32(counter * np.uint32(0x9E3779B1)) + seed)
    bits = np.uint32(bits ^ np.uint32(bits >> np.uint32(16)))
    bits = np.uint32(bits * np.uint32(0x85EBCA6B))
    bits = np.uint32(bits ^ np.uint32(bits >> np.uint32(13)))
    bits = np.uint32(bits * np.uint32(0xC2B2AE35))
    return np.uint32(bits ^ np.uint32(bits >> np.uint32(16)))


@njit(**PARALLEL)
def normalize(x, parameters, running, floors, dropout, y, saved):
    """[ReLU,] batch norm in training mode [, ReLU] [, dropout] of x (n, h, w * c), written to y of the same shape.

    parameters, running and saved (2, c) are those of `moments.normalizer`. floors: what values before and behind the
    norm are cut at, 0 for a ReLU there, NO_FLOOR for none. dropout: keep (n, c) float32, factors of whole channels;
    of DRAWS equally likely draws the first `dropped` drop a single value; the seed (uint32) of these draws.
    """
    (below, above), (keep, dropped, seed) = floors, dropout
    n, height, length = x.shape
    channels = len(parameters[0])
    width = length // channels
    sums = np.empty((PARTS, 2, length), np.float32)
    for part in prange(PARTS):
        total, squares = sums[part, 0], sums[part, 1]
        for i in range(length):
            total[i] = 0
            squares[i] = 0
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for row in range(height):
                for i in range(length):
                    value = at_least(to_float32(x[sample, row, i]), below)
                    total[i] += value
                    squares[i] += value * value
    count = n * height * width
    scale, offset = np.empty(channels, np.float32), np.empty(channels, np.float32)
    normalizer(sums, width, count, parameters, running, saved, scale, offset)
    half = (length + 1) // 2
    for part in prange(PARTS):
        scales, offsets = np.empty(length, np.float32), np.empty(length, np.float32)
        passed = np.empty(2 * half, np.float32)
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for column in range(width):
                for c in range(channels):
                    scales[column * channels + c] = scale[c] * keep[sample, c]
                    offsets[column * channels + c] = offset[c] * keep[sample, c]
            for row in range(height):
                if dropped == 0:
                    for i in range(length):
                        value = at_least(at_least(to_float32(x[sample, row, i]), below) * scales[i] + offsets[i], above)
                        y[sample, row, i] = from_float32(value, x[sample, row, i])
                    continue
                counter = np.uint32((sample * height + row) * half)
                for i in range(half):  # one draw serves two values, half a row apart
                    bits = _hashed(np.uint32(counter + np.uint32(i)), seed)
                    passed[i] = np.float32(np.uint32(bits & np.uint32(0xFFFF)) >= dropped)
                    passed[half + i] = np.float32(np.uint32(bits >> np.uint32(16)) >= dropped)
                for i in range(length):
                    value = at_least(to_float32(x[sample, row, i]), below) * scales[i] + offsets[i]
                    y[sample, row, i] = from_float32(at_least(value, above) * passed[i], x[sample, row, i])


@njit(**PARALLEL)
def normalize_backward(g, x, y, gamma, saved, below, masked, keep, dx, dgamma, dbeta):
    """Gradients of `normalize`: writes dx (like x), dgamma and dbeta (c,) float32.

    g (n, h, w * c) is the gradient at y. gamma, saved, below and keep are those of `normalize`. masked: a ReLU is
    behind the norm, so that y is 0 wherever no gradient passes.
    """
    n, height, length = x.shape
    channels = gamma.shape[0]
    width = length // channels
    sums = np.empty((PARTS, 2, length), np.float32)
    for part in prange(PARTS):
        total, products = sums[part, 0], sums[part, 1]
        for i in range(length):
            total[i] = 0
            products[i] = 0
        kept = np.empty(length, np.float32)
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for column in range(width):
                for c in range(channels):
                    kept[column * channels + c] = keep[sample, c]
            for row in range(height):
                for i in range(length):
                    gradient = to_float32(g[sample, row, i]) * kept[i]
                    if masked and to_float32(y[sample, row, i]) == 0:
                        gradient = np.float32(0)
                    total[i] += gradient
                    products[i] += gradient * at_least(to_float32(x[sample, row, i]), below)
    count = n * height * width
    coefficients = np.empty((3, channels), np.float32)
    normalizer_backward(sums, width, count, gamma, saved, dgamma, dbeta, coefficients)
    scale, slope, offset = coefficients[0], coefficients[1], coefficients[2]
    for part in prange(PARTS):
        scales = np.empty(length, np.float32)
        slopes, offsets = np.empty(length, np.float32), np.empty(length, np.float32)
        for column in range(width):
            for c in range(channels):
                slopes[column * channels + c] = slope[c]
                offsets[column * channels + c] = offset[c]
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for column in range(width):
                for c in range(channels):
                    scales[column * channels + c] = scale[c] * keep[sample, c]
            for row in range(height):
                for i in range(length):
                    gradient = to_float32(g[sample, row, i]) * scales[i]
                    if masked and to_float32(y[sample, row, i]) == 0:
                        gradient = np.float32(0)
                    value = to_float32(x[sample, row, i])
                    change = gradient + at_least(value, below) * slopes[i] + offsets[i]
                    if value <= below:
                        change = np.float32(0)
                    dx[sample, row, i] = from_float32(change, x[sample, row, i])
