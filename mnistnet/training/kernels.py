# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""What follows a convolution, in as few passes over memory as it needs: loops compiled for the CPU.

Batch norm, ReLU and dropout are so little arithmetic that a network of this size spends most of its time
moving their values; torch takes a pass for each. Arrays in, arrays out: no torch here.

Values are float32, or bfloat16 as the uint16 of its bits, which numpy lacks a type for. Maps are
(n, h, w * c): channels last, a row of pixels side by side, so that inner loops are long whatever c is.
Loops run over a fixed number of parts, so sums have the same bits for any number of threads.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic, overload

PARTS = 16
FLOOR = np.float32(-3.4e38)  # what a value is cut at where nothing is cut; times 0 it is still a number
DRAWS = 1 << 16  # steps in which a dropout rate is told apart

# Everything of "fast math" but the promise that there is no infinity and no NaN: a training that diverges has both.
_LOOSE = {"contract", "reassoc", "nsz", "arcp", "afn"}
_OPTIONS: dict[str, Any] = {"parallel": True, "fastmath": _LOOSE, "cache": True, "nogil": True, "error_model": "numpy"}


@intrinsic
def _as_float(_: Any, bits: Any) -> Any:
    return types.float32(types.uint32), lambda context, builder, signature, values: builder.bitcast(
        values[0], ir.FloatType()
    )


@intrinsic
def _as_bits(_: Any, value: Any) -> Any:
    return types.uint32(types.float32), lambda context, builder, signature, values: builder.bitcast(
        values[0], ir.IntType(32)
    )


def _load(value):
    raise NotImplementedError


def _round(value, like):
    raise NotImplementedError


@overload(_load, inline="always")
def _load_typed(value):
    if value == types.uint16:
        return lambda value: _as_float(np.uint32(value) << np.uint32(16))
    return lambda value: value


@overload(_round, inline="always")
def _round_typed(value, like):
    if like == types.uint16:

        def to_even(value, like):  # unannotated: numba compares the signatures
            bits = _as_bits(value)
            return np.uint16((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))

        return to_even
    return lambda value, like: value


@njit(inline="always")
def _cut(value: Any, floor: Any) -> Any:
    # Not `max`, which may drop a NaN: a ReLU passes it on.
    return floor if value < floor else value


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


@njit(**_OPTIONS)
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
                    value = _cut(_load(x[sample, row, i]), below)
                    total[i] += value
                    squares[i] += value * value
    count = n * height * width
    scale, offset = np.empty(channels, np.float32), np.empty(channels, np.float32)
    for c in range(channels):
        total64, squares64 = 0.0, 0.0
        for part in range(PARTS):
            for column in range(width):
                total64 += sums[part, 0, column * channels + c]
                squares64 += sums[part, 1, column * channels + c]
        mean = total64 / count
        variance = _cut(squares64 / count - mean * mean, 0.0)
        deviation = 1 / np.sqrt(variance + eps)
        running_mean[c] += momentum * (mean - running_mean[c])
        running_var[c] += momentum * (variance * count / (count - 1) - running_var[c])
        saved[0, c], saved[1, c] = mean, deviation
        scale[c] = gamma[c] * deviation
        offset[c] = beta[c] - mean * scale[c]
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
                        value = _cut(_cut(_load(x[sample, row, i]), below) * scales[i] + offsets[i], above)
                        y[sample, row, i] = _round(value, x[sample, row, i])
                    continue
                counter = np.uint32((sample * height + row) * half)
                for i in range(half):  # one draw serves two values, half a row apart
                    bits = _mixed(np.uint32(counter + np.uint32(i)), seed)
                    passed[i] = np.float32(np.uint32(bits & np.uint32(0xFFFF)) >= dropped)
                    passed[half + i] = np.float32(np.uint32(bits >> np.uint32(16)) >= dropped)
                for i in range(length):
                    value = _cut(_cut(_load(x[sample, row, i]), below) * scales[i] + offsets[i], above) * passed[i]
                    y[sample, row, i] = _round(value, x[sample, row, i])


@njit(**_OPTIONS)
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
                    gradient = _load(g[sample, row, i]) * kept[i]
                    if masked and _load(y[sample, row, i]) == 0:
                        gradient = np.float32(0)
                    total[i] += gradient
                    products[i] += gradient * _cut(_load(x[sample, row, i]), below)
    count = n * height * width
    scale, slope, offset = (
        np.empty(channels, np.float32),
        np.empty(channels, np.float32),
        np.empty(channels, np.float32),
    )
    for c in range(channels):
        total64, products64 = 0.0, 0.0
        for part in range(PARTS):
            for column in range(width):
                total64 += sums[part, 0, column * channels + c]
                products64 += sums[part, 1, column * channels + c]
        mean, deviation = saved[0, c], saved[1, c]
        dbeta[c] = total64
        dgamma[c] = deviation * (products64 - mean * total64)
        scale[c] = gamma[c] * deviation
        slope[c] = -scale[c] * deviation * dgamma[c] / count
        offset[c] = -scale[c] * total64 / count - slope[c] * mean
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
                    gradient = _load(g[sample, row, i]) * scales[i]
                    if masked and _load(y[sample, row, i]) == 0:
                        gradient = np.float32(0)
                    value = _load(x[sample, row, i])
                    change = gradient + _cut(value, below) * slopes[i] + offsets[i]
                    if value <= below:
                        change = np.float32(0)
                    dx[sample, row, i] = _round(change, x[sample, row, i])


@njit(**_OPTIONS)
def halve(x, y, places):
    """The largest of each window of 2 x 2, the first of equals; `places` (uint8, 0 to 3) says which.

    x (n, h, w, c); y and places (n, h // 2, w // 2, c).
    """
    n, height, width, channels = y.shape
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for row in range(height):
                for column in range(width):
                    for c in range(channels):
                        best, place = _load(x[sample, 2 * row, 2 * column, c]), np.uint8(0)
                        value = _load(x[sample, 2 * row, 2 * column + 1, c])
                        if value > best or value != value:  # a NaN is passed on, as torch does
                            best, place = value, np.uint8(1)
                        value = _load(x[sample, 2 * row + 1, 2 * column, c])
                        if value > best or value != value:
                            best, place = value, np.uint8(2)
                        value = _load(x[sample, 2 * row + 1, 2 * column + 1, c])
                        if value > best or value != value:
                            best, place = value, np.uint8(3)
                        y[sample, row, column, c] = _round(best, x[sample, 2 * row, 2 * column, c])
                        places[sample, row, column, c] = place


@njit(**_OPTIONS)
def halve_backward(g, places, dx):
    """The gradient of `halve`: each window's goes to its largest value. dx (n, h, w, c) must begin as 0."""
    n, height, width, channels = g.shape
    zero = g.dtype.type(0)
    for part in prange(PARTS):
        for sample in range(n * part // PARTS, n * (part + 1) // PARTS):
            for row in range(height):
                for column in range(width):
                    for k in range(4):
                        for c in range(channels):
                            gradient = g[sample, row, column, c]
                            if places[sample, row, column, c] != k:
                                gradient = zero
                            dx[sample, 2 * row + k // 2, 2 * column + k % 2, c] = gradient
