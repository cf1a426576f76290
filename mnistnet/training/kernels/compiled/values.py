# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
"""Values as they lie in memory: float32, or bfloat16 as the uint16 of its bits, which numpy lacks a type for."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

NO_FLOOR = np.float32(-3.4e38)  # the floor of values that no ReLU cuts; finite, so that times 0 it is still a number


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


def to_float32(value):
    """A value in memory as float32."""
    raise NotImplementedError


def from_float32(value, like):
    """A float32 as what lies in memory, of the type of `like`; to bfloat16 rounded to the nearest, ties to even."""
    raise NotImplementedError


@overload(to_float32, inline="always")
def _to_float32(value):
    if value == types.uint16:
        return lambda value: _as_float(np.uint32(value) << np.uint32(16))
    return lambda value: value


@overload(from_float32, inline="always")
def _from_float32(value, like):
    if like == types.uint16:

        def to_even(value, like):  # unannotated: numba compares the signatures
            bits = _as_bits(value)
            return np.uint16((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))

        return to_even
    return lambda value, like: value


@njit(inline="always")
def at_least(value: Any, floor: Any) -> Any:
    """`value`, at least `floor`."""
    # Not `max`, which may drop a NaN: a ReLU passes it on.
    return floor if value < floor else value
