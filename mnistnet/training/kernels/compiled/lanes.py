# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"
"""Sixteen float32 at once, for compiled loops whose accumulators must stay in registers.

LLVM makes one vector instruction of each operation, or two where the processor's registers are half as
wide. Left to itself it keeps the sums of a matrix product in memory.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.errors import TypingError
from numba.extending import intrinsic, register_model

from mnistnet.training.kernels.compiled.options import SERIAL

LANES = 16

_FLOATS = ir.VectorType(ir.FloatType(), LANES)


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


_lanes = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)


def _checked(array: Any) -> Any:
    """The array's type; TypingError where its memory is not a row of float32."""
    if not (isinstance(array, types.Array) and (array.ndim, array.layout, array.dtype) == (1, "C", types.float32)):
        raise TypingError(f"{array}: lanes are read from and written to array(float32, 1d, C)")
    return array


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _FLOATS.as_pointer())


@intrinsic
def load(_: Any, array: Any, index: Any) -> Any:
    """The lanes of a one-dimensional contiguous float32 array from `index` on."""

    def generate(context, builder, signature, values):
        return builder.load(_address(context, builder, signature.args[0], *values), align=4)

    return _lanes(_checked(array), types.intp), generate


@intrinsic
def store(_: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Write lanes to a one-dimensional contiguous float32 array from `index` on."""

    def generate(context, builder, signature, values):
        builder.store(values[2], _address(context, builder, signature.args[0], *values[:2]), align=4)
        return context.get_dummy_value()

    return types.none(_checked(array), types.intp, lanes), generate


@intrinsic(prefer_literal=True)
def loads(_: Any, array: Any, index: Any, count: Any) -> Any:
    """`load` of `count` lanes, one behind the other, as a tuple; `count` is a plain number."""
    if not isinstance(count, types.IntegerLiteral):
        raise TypingError(f"{count}: how many lanes are loaded is written as a number")
    number = count.literal_value

    def generate(context, builder, signature, values):
        address = _address(context, builder, signature.args[0], *values[:2])
        places = [builder.gep(address, [ir.Constant(ir.IntType(64), place)]) for place in range(number)]
        return cgutils.pack_array(builder, [builder.load(place, align=4) for place in places])

    return types.UniTuple(_lanes, number)(_checked(array), types.intp, count), generate


@intrinsic
def stores(_: Any, array: Any, index: Any, several: Any) -> Any:
    """`store` of a tuple of lanes, one behind the other."""

    def generate(context, builder, signature, values):
        address = _address(context, builder, signature.args[0], *values[:2])
        for place, lanes in enumerate(cgutils.unpack_tuple(builder, values[2])):
            builder.store(lanes, builder.gep(address, [ir.Constant(ir.IntType(64), place)]), align=4)
        return context.get_dummy_value()

    return types.none(_checked(array), types.intp, several), generate


def _everywhere(builder: Any, value: Any) -> Any:
    undefined = ir.Constant(_FLOATS, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, undefined, places)


@intrinsic
def splat(_: Any, value: Any) -> Any:
    """One float32 in every lane."""
    return _lanes(types.float32), lambda context, builder, signature, values: _everywhere(builder, values[0])


@intrinsic
def spread(_: Any, array: Any, index: Any) -> Any:
    """One element of a one-dimensional contiguous float32 array in every lane."""

    def generate(context, builder, signature, values):
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        return _everywhere(builder, builder.load(builder.gep(data, [values[1]])))

    return _lanes(_checked(array), types.intp), generate


@intrinsic
def fma(_: Any, one: Any, other: Any, third: Any) -> Any:
    """one * other + third, rounded once."""

    def generate(context, builder, signature, values):
        kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
        return builder.call(function, values)

    return _lanes(_lanes, _lanes, _lanes), generate


@intrinsic
def add(_: Any, one: Any, other: Any) -> Any:
    """one + other."""
    return _lanes(_lanes, _lanes), lambda context, builder, signature, values: builder.fadd(*values)


@intrinsic
def mul(_: Any, one: Any, other: Any) -> Any:
    """one * other."""
    return _lanes(_lanes, _lanes), lambda context, builder, signature, values: builder.fmul(*values)


@intrinsic
def where_less(_: Any, one: Any, other: Any, yes: Any, no: Any) -> Any:
    """`yes` in each lane in which one < other, `no` in the others, also where either is no number."""

    def generate(context, builder, signature, values):
        return builder.select(builder.fcmp_ordered("<", values[0], values[1]), values[2], values[3])

    return _lanes(_lanes, _lanes, _lanes, _lanes), generate


@njit(**SERIAL)
def room(size):
    """`size` zeros that begin where the processor's cache lines do: a load across two of them takes twice as long."""
    whole = np.zeros(size + LANES, np.float32)
    start = -whole.ctypes.data % (4 * LANES) // 4
    return whole[start : start + size]
