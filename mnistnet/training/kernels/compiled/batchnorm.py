# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Batch norm with the ReLU and dropout beside it, in as few passes over memory as they need.

They are so little arithmetic that a network of this size spends most of its time moving their values;
torch takes a pass for each. Maps are (n, h, w * c): channels last, a row of pixels side by side, so that
inner loops are long whatever c is.
"""

from typing import Any

import numpy as np
from numba import njit, prange

from mnistnet.training.kernels.compiled.moments import normalizer, normalizer_backward
from mnistnet.training.kernels.compiled.options import PARALLEL, PARTS
from mnistnet.training.kernels.compiled.values import cut, narrowed, widened

DRAWS = 1 << 16  # steps in which a dropout rate is told apart


@njit(inline="always")
def _mixed(counter: Any, seed: Any) -> Any:
    # The finalizer of MurmurHash3 (Appleby, public domain) on a counter: independent of order, so parallel.
    # numba widens every integer operation to 64 bits; cast back, so that the loop stays in 32-bit lanes.
    bits = np.uint32(np.uint32(counter * np.uint32(0x9E3779B1)) + seed)
    bits = np.uint32(bits ^ np.uint32(bits >> np.uint32(16)))
    bits = np.uint32(bits * np.uint32(0x85EBCA6B))
    bits = np.uint32(bits ^ np.uint32(bits >> np.uint32(13)))
    bits = np.uint32(bits * np.uint32(0xC2B2AE35))
    return np.uint32(bits ^ np.uint32(bits >> np.uint32(16)))


@njit(**PARALLEL)
def normalize(x, gamma, beta, running_mean, running_var, momentum, eps, below, above, keep, dropped, seed, y, saved):
    """Training-mode batch norm of max(x, below), cut below `above`, times `keep`; writes y and `saved`.

    x, y (n, h, w * c); gamma, beta and the running statistics (c,) float32, the latter updated as torch
    does (unbiased variance); keep (n, c) float32 factors of dropout; of DRAWS equally likely draws per
    value the first `dropped` make it 0. `below`, `above`: 0 for a ReLU at that place, FLOOR for none.
    saved (2, c) float32: mean and reciprocal deviation, for `normalize_backward`.
    """
    n, height, length = x.shape
    channels = gamma.shape[0]
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
                    value = cut(widened(x[sample, row, i]), below)
                    total[i] += value
                    squares[i] += value * value
    count = n * height * width
    scale, offset = np.empty(channels, np.float32), np.empty(channels, np.float32)
    normalizer(sums, width, count, gamma, beta, running_mean, running_var, momentum, eps, saved, scale, offset)
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
                        value = cut(cut(widened(x[sample, row, i]), below) * scales[i] + offsets[i], above)
                        y[sample, row, i] = narrowed(value, x[sample, row, i])
                    continue
                counter = np.uint32((sample * height + row) * half)
                for i in range(half):  # one draw serves two values, half a row apart
                    bits = _mixed(np.uint32(counter + np.uint32(i)), seed)
                    passed[i] = np.float32(np.uint32(bits & np.uint32(0xFFFF)) >= dropped)
                    passed[half + i] = np.float32(np.uint32(bits >> np.uint32(16)) >= dropped)
                for i in range(length):
                    value = cut(cut(widened(x[sample, row, i]), below) * scales[i] + offsets[i], above) * passed[i]
                    y[sample, row, i] = narrowed(value, x[sample, row, i])


@njit(**PARALLEL)
def normalize_backward(g, x, y, gamma, saved, below, masked, keep, dx, dgamma, dbeta):
    """Gradients of `normalize`: writes dx (like x), dgamma and dbeta (c,) float32.

    g (n, h, w * c) is the gradient at y. `masked`: y is 0 wherever nothing passes (a ReLU at the end).
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
                    gradient = widened(g[sample, row, i]) * kept[i]
                    if masked and widened(y[sample, row, i]) == 0:
                        gradient = np.float32(0)
                    total[i] += gradient
                    products[i] += gradient * cut(widened(x[sample, row, i]), below)
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
                    gradient = widened(g[sample, row, i]) * scales[i]
                    if masked and widened(y[sample, row, i]) == 0:
                        gradient = np.float32(0)
                    value = widened(x[sample, row, i])
                    change = gradient + cut(value, below) * slopes[i] + offsets[i]
                    if value <= below:
                        change = np.float32(0)
                    dx[sample, row, i] = narrowed(change, x[sample, row, i])
