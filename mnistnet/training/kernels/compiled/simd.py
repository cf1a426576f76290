# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"
"""Vectors of LANES float32 as a numba type, for loops whose accumulators must stay in registers.

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


class _Vector(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Vector{LANES}")


_vector = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
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
    """LANES values of a one-dimensional contiguous float32 array, from `index` on."""

    def generate(context, builder, signature, values):
        return builder.load(_address(context, builder, signature.args[0], *values), align=4)

    return _vector(_checked(array), types.intp), generate


@intrinsic
def store(_: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write a vector to a one-dimensional contiguous float32 array, from `index` on."""

    def generate(context, builder, signature, values):
        builder.store(values[2], _address(context, builder, signature.args[0], *values[:2]), align=4)
        return context.get_dummy_value()

    return types.none(_checked(array), types.intp, vector), generate


@intrinsic(prefer_literal=True)
def load_many(_: Any, array: Any, index: Any, count: Any) -> Any:
    """A tuple of `count` vectors, one behind the other in the array; `count` is a literal."""
    if not isinstance(count, types.IntegerLiteral):
        raise TypingError(f"{count}: how many lanes are loaded is written as a number")
    number = count.literal_value

    def generate(context, builder, signature, values):
        address = _address(context, builder, signature.args[0], *values[:2])
        addresses = [builder.gep(address, [ir.Constant(ir.IntType(64), place)]) for place in range(number)]
        return cgutils.pack_array(builder, [builder.load(one, align=4) for one in addresses])

    return types.UniTuple(_vector, number)(_checked(array), types.intp, count), generate


@intrinsic
def store_many(_: Any, array: Any, index: Any, several: Any) -> Any:
    """Write a tuple of vectors to the array, one behind the other."""

    def generate(context, builder, signature, values):
        address = _address(context, builder, signature.args[0], *values[:2])
        for position, vector in enumerate(cgutils.unpack_tuple(builder, values[2])):
            builder.store(vector, builder.gep(address, [ir.Constant(ir.IntType(64), position)]), align=4)
        return context.get_dummy_value()

    return types.none(_checked(array), types.intp, several), generate


def _splat(builder: Any, value: Any) -> Any:
    undefined = ir.Constant(_FLOATS, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, undefined, lanes)


@intrinsic
def splat(_: Any, value: Any) -> Any:
    """One float32 in every lane (LLVM's word: splat)."""
    return _vector(types.float32), lambda context, builder, signature, values: _splat(builder, values[0])


@intrinsic
def load_splat(_: Any, array: Any, index: Any) -> Any:
    """One element of a one-dimensional contiguous float32 array in every lane."""

    def generate(context, builder, signature, values):
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        return _splat(builder, builder.load(builder.gep(data, [values[1]])))

    return _vector(_checked(array), types.intp), generate


@intrinsic
def fma(_: Any, one: Any, other: Any, third: Any) -> Any:
    """one * other + third, rounded once."""

    def generate(context, builder, signature, values):
        kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
        return builder.call(function, values)

    return _vector(_vector, _vector, _vector), generate


@intrinsic
def add(_: Any, one: Any, other: Any) -> Any:
    """one + other."""
    return _vector(_vector, _vector), lambda context, builder, signature, values: builder.fadd(*values)


@intrinsic
def mul(_: Any, one: Any, other: Any) -> Any:
    """one * other."""
    return _vector(_vector, _vector), lambda context, builder, signature, values: builder.fmul(*values)


@intrinsic
def select_less(_: Any, one: Any, other: Any, yes: Any, no: Any) -> Any:
    """`yes` in each lane in which one < other, `no` in the others, also where either is no number."""

    def generate(context, builder, signature, values):
        return builder.select(builder.fcmp_ordered("<", values[0], values[1]), values[2], values[3])

    return _vector(_vector, _vector, _vector, _vector), generate


@njit(**SERIAL)
def aligned_zeros(size):
    """`size` zeros that begin where the processor's cache lines do: a load across two of them takes twice as long."""
    whole = np.zeros(size + LANES, np.float32)
    start = -whole.ctypes.data % (4 * LANES) // 4
    return whole[start : start + size]
