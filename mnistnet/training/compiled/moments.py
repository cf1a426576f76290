# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""A batch norm's arithmetic on the sums of a channel, forward and backward."""

import numpy as np
from numba import njit

from mnistnet.training.compiled.options import SERIAL
from mnistnet.training.compiled.values import cut


@njit(**SERIAL)
def norm_of(c, total, squares, count, gamma, beta, running_mean, running_var, momentum, eps, saved, scale, offset):
    """Batch norm of channel c from the sums (float64) of its `count` values and of their squares.

    Writes saved (2, c): mean and reciprocal deviation, and scale and offset: what the norm does to a value.
    """
    mean = total / count
    variance = cut(squares / count - mean * mean, 0.0)
    deviation = 1 / np.sqrt(variance + eps)
    running_mean[c] += momentum * (mean - running_mean[c])
    running_var[c] += momentum * (variance * count / (count - 1) - running_var[c])
    saved[0, c], saved[1, c] = mean, deviation
    scale[c] = gamma[c] * deviation
    offset[c] = beta[c] - mean * scale[c]


@njit(**SERIAL)
def slope_of(c, total, products, count, gamma, saved, dgamma, dbeta, scale, slope, offset):
    """The gradient through the batch norm of channel c: at a value x it is scale * g + slope * x + offset.

    total and products (float64): the sums of the gradients g behind the norm, and of g * x. `saved` is what
    `norm_of` wrote. Writes dgamma and dbeta as well.
    """
    mean, deviation = saved[0, c], saved[1, c]
    dbeta[c] = total
    dgamma[c] = deviation * (products - mean * total)
    scale[c] = gamma[c] * deviation
    slope[c] = -scale[c] * deviation * dgamma[c] / count
    offset[c] = -scale[c] * total / count - slope[c] * mean


@njit(**SERIAL)
def settle(sums, count, gamma, beta, running_mean, running_var, momentum, eps, saved, scale, offset):
    """`norm_of` of each channel from sums (PARTS, 2, c); of the padding, scale and offset stay as they are."""
    for c in range(len(gamma)):
        total, squares = 0.0, 0.0
        for part in range(len(sums)):
            total += sums[part, 0, c]
            squares += sums[part, 1, c]
        norm_of(c, total, squares, count, gamma, beta, running_mean, running_var, momentum, eps, saved, scale, offset)


@njit(**SERIAL)
def incline(sums, count, gamma, saved, dgamma, dbeta, coefficients):
    """`slope_of` of each channel from sums (PARTS, 2, c); of the padding, coefficients stay as they are."""
    for c in range(len(gamma)):
        total, products = 0.0, 0.0
        for part in range(len(sums)):
            total += sums[part, 0, c]
            products += sums[part, 1, c]
        slope_of(
            c, total, products, count, gamma, saved, dgamma, dbeta, coefficients[0], coefficients[1], coefficients[2]
        )
