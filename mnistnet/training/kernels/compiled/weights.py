# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Weights of a separable convolution as the backward pass needs them; layouts as in `separable`."""

import numpy as np
from numba import njit

from mnistnet.training.kernels.compiled.options import SERIAL
from mnistnet.training.kernels.compiled.simd import LANES


@njit(**SERIAL)
def flipped_weights(depthwise, groups):
    """Depthwise weights as those of the convolution from the outputs' gradient back to the inputs'."""
    flipped = np.empty_like(depthwise)
    for group in range(groups):
        for i in range(9):
            for lane in range(LANES):
                flipped[(group * 9 + i) * LANES + lane] = depthwise[(group * 9 + 8 - i) * LANES + lane]
    return flipped


@njit(**SERIAL)
def transposed_weights(pointwise, inputs, outputs):
    """Pointwise weights as those of the convolution from outputs back to inputs."""
    transposed = np.empty_like(pointwise)
    for k in range(outputs * LANES):
        for c in range(inputs * LANES):
            value = pointwise[(k // LANES * inputs * LANES + c) * LANES + k % LANES]
            transposed[(c // LANES * outputs * LANES + k) * LANES + c % LANES] = value
    return transposed
