# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""A batch norm's arithmetic on the sums of a channel, forward and backward."""

import numpy as np
from numba import njit

from mnistnet.training.kernels.compiled.options import SERIAL
from mnistnet.training.kernels.compiled.values import at_least


@njit(**SERIAL)
def _summed(sums, which, c, channels, width):
    """All that belongs to channel c in sums (parts, 2, width * channels or more), in float64."""
    total = 0.0
    for part in range(len(sums)):
        for column in range(width):
            total += sums[part, which, column * channels + c]
    return total


@njit(**SERIAL)
def normalizer(sums, width, count, parameters, running, saved, scale, offset):
    """Batch norm of each channel from the sums of its `count` values and of their squares.

    sums (parts, 2, width * c) float32: those of parts and, within a part, of columns. parameters: gamma and beta (c,).
    running: mean and variance (c,), updated as torch does (unbiased variance), momentum, and the norm's eps. Writes
    saved (2, c): mean and reciprocal deviation, and scale and offset (c,): the norm of x is x * scale + offset. With
    a width of 1 sums, scale and offset may be longer than there are channels.
    """
    (gamma, beta), (running_mean, running_var, momentum, eps) = parameters, running
    channels = len(gamma)
    for c in range(channels):
        mean = _summed(sums, 0, c, channels, width) / count
        variance = at_least(_summed(sums, 1, c, channels, width) / count - mean * mean, 0.0)
        deviation = 1 / np.sqrt(variance + eps)
        running_mean[c] += momentum * (mean - running_mean[c])
        running_var[c] += momentum * (variance * count / (count - 1) - running_var[c])
        saved[0, c], saved[1, c] = mean, deviation
        scale[c] = gamma[c] * deviation
        offset[c] = beta[c] - mean * scale[c]


@njit(**SERIAL)
def normalizer_backward(sums, width, count, gamma, saved, dgamma, dbeta, coefficients):
    """The gradient through the batch norm of each channel: at a value x it is scale * g + slope * x + offset.

    sums, as in `normalizer`: of the gradients g behind the norm, and of g * x. `saved` is what `normalizer` wrote.
    Writes dgamma and dbeta (c,), and coefficients (3, c): scale, slope and offset. If these are longer than there are
    channels, their padding stays as it is.
    """
    channels = len(gamma)
    for c in range(channels):
        total, products = _summed(sums, 0, c, channels, width), _summed(sums, 1, c, channels, width)
        mean, deviation = saved[0, c], saved[1, c]
        dbeta[c] = total
        dgamma[c] = deviation * (products - mean * total)
        scale = np.float32(gamma[c] * deviation)
        slope = np.float32(-scale * deviation * dgamma[c] / count)
        coefficients[0, c], coefficients[1, c] = scale, slope
        coefficients[2, c] = -scale * total / count - slope * mean
