"""weights.safetensors of a stranger: its header is checked before a tensor is made. Imports torch inside functions."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from mnistnet import strict_json
from mnistnet.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

_LENGTH = struct.Struct("<Q")
_MOST_HEADER = 256 * 1024  # names, shapes and places of 320 tensors take 40 KB, a design in the metadata up to 64
_BYTES = {"F32": 4, "I64": 8}  # by the types that a network's state has
_METADATA = "__metadata__"


class WeightsError(BadInput):
    """The file does not hold the weights of this network; the message names the place."""


@dataclass(frozen=True)
class Form:
    """Type, as safetensors names it, and shape of a tensor."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """The size of its values."""
        count = _BYTES[self.dtype]
        for length in self.shape:
            count *= length
        return count


Forms: TypeAlias = Mapping[str, Form]


def forms_of(state: Mapping[str, "Tensor"]) -> dict[str, Form]:
    """The forms of a network's state."""
    import torch

    types = {torch.float32: "F32", torch.int64: "I64"}
    return {name: Form(types[tensor.dtype], tuple(tensor.shape)) for name, tensor in state.items()}


def read(data: bytes, wanted: Forms) -> dict[str, "Tensor"]:
    """The tensors in a safetensors file, exactly those wanted, all finite. Raises WeightsError, whatever the bytes are.

    The memory that is taken is that of the wanted tensors, whatever the header says.
    """
    require(data, wanted)
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
    except (SafetensorError, ValueError, OverflowError) as error:
        raise WeightsError(f"damaged: {strict_json.shown(str(error))}; export the run again") from None
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise WeightsError(f"{name}: not finite: numbers without NaN and infinity are allowed; train it again")
    return tensors


def require(data: bytes, wanted: Forms) -> None:
    """Check the header alone: names, types, shapes, and places that follow each other to the end of the file.

    Raises WeightsError.
    """
    header, start = _header(data)
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise WeightsError(f"{_METADATA}: texts by name are allowed; export the run again")
    if missing := [name for name in wanted if name not in header]:
        raise WeightsError(f"{missing[0]}: missing: the design has {len(wanted)} tensors, the file {len(header)}")
    if unknown := [name for name in header if name not in wanted]:
        raise WeightsError(f"{strict_json.shown(unknown[0])}: the design has no such tensor; remove it")
    places = sorted(_place(name, header[name], form) for name, form in wanted.items())
    end = 0
    for begin, stop, name in places:
        if begin != end:
            raise WeightsError(f"{name}: its place does not follow the one before; export the run again")
        end = stop
    if end != len(data) - start:
        raise WeightsError(f"{len(data) - start:,} bytes of values, its header tells of {end:,}; export the run again")


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header, and the place where the values begin."""
    (length,) = _LENGTH.unpack(data[: _LENGTH.size]) if len(data) >= _LENGTH.size else (0,)
    start = _LENGTH.size + length
    if not 2 <= length <= _MOST_HEADER or start > len(data):
        raise WeightsError(f"a header of {length:,} bytes: 2 to {_MOST_HEADER:,} that are there are allowed")
    try:
        header = strict_json.parse(data[_LENGTH.size : start], _MOST_HEADER)
    except ValueError as error:
        raise WeightsError(f"header: {error}") from None
    if not isinstance(header, dict):
        raise WeightsError("header: no JSON object; export the run again")
    return header, start


def _place(name: str, entry: Any, form: Form) -> tuple[int, int, str]:
    """Begin and end of the tensor's values, and its name. Raises WeightsError where it has another form."""
    found = entry if isinstance(entry, dict) else {}
    shape, offsets = found.get("shape"), found.get("data_offsets")
    if len(found) != 3 or "dtype" not in found or not (_are_whole(shape) and _are_whole(offsets)):
        raise WeightsError(f"{name}: dtype, shape and data_offsets are allowed; export the run again")
    if found["dtype"] != form.dtype or tuple(shape) != form.shape:
        given = f"{strict_json.shown(found['dtype'])} of shape {strict_json.shown(shape)}"
        raise WeightsError(f"{name}: {given}: the design has {form.dtype} of shape {list(form.shape)}")
    if len(offsets) != 2 or offsets[1] - offsets[0] != form.bytes:
        raise WeightsError(f"{name}: place {strict_json.shown(offsets)}: {form.bytes:,} bytes are needed")
    return offsets[0], offsets[1], name


def _are_whole(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)
