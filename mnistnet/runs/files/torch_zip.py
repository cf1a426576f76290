"""The file that torch.save writes, checked before torch reads it: stored members, tensors and plain values only.

torch's own restricted unpickler (`weights_only`) runs no code, but unpacks what is compressed and makes, for instance,
byte arrays of whatever length it is asked for.
"""

import io
import pickle
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mnistnet.runs.files.contents import STATE_BYTES

_MOST_PICKLED = 4 * 1024**2
_MOST_VISITED = 10_000_000  # values and containers; a training's state has some thousand
# What a state of tensors, numbers and texts needs. With STACK_GLOBAL, INST and the like the name is not in sight.
_KINDS = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_GLOBALS = {"torch._utils _rebuild_tensor_v2", "collections OrderedDict", *(f"torch {kind}Storage" for kind in _KINDS)}
_OPCODES = """
    PROTO STOP MARK GLOBAL REDUCE BINPERSID EMPTY_DICT EMPTY_LIST EMPTY_TUPLE DICT LIST TUPLE TUPLE1 TUPLE2 TUPLE3
    SETITEM SETITEMS APPEND APPENDS BUILD PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET MEMOIZE NONE NEWTRUE NEWFALSE
    BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE
"""
_ALLOWED = frozenset(_OPCODES.split())
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_SCALARS = {"NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"} | {
    "BINUNICODE",
    "SHORT_BINUNICODE",
}
_FLAT = {"GLOBAL", "EMPTY_TUPLE"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_LONGEST_TUPLE = 8  # a longer one, as of any other container, may only be held a few times
_BROKEN = (
    pickle.PickleError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class StateError(ValueError):
    """The bytes are no file that torch.save has written of tensors and plain values."""


def load(data: bytes) -> dict[str, Any]:
    """The state in a file's bytes, on the CPU. Raises StateError, whatever the bytes are."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            whole = _stored_again(archive)
        state = torch.load(io.BytesIO(whole), map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or not all(map(_is_stored, tensors(state))):
            raise StateError("not a state, or larger than its file")
        return state
    except StateError:
        raise
    except _BROKEN as error:
        raise StateError(f"{type(error).__name__}: {error}") from None


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in dicts, lists and tuples within each other."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from tensors(inner)


def _is_stored(tensor: Tensor) -> bool:
    """True where all its values are in the file: with strides of 0 a few bytes pass for any number of them."""
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _stored_again(archive: zipfile.ZipFile) -> bytes:
    """The members as a new zip: torch reads zips in a way of its own, and is to find what was checked here."""
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size for entry in entries):
        raise StateError("its members are compressed")
    if sum(entry.file_size for entry in entries) > STATE_BYTES or len({e.filename for e in entries}) < len(entries):
        raise StateError("its members are too large, or have the same names")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as stored:
        for entry in entries:
            data = archive.read(entry)
            if entry.filename.endswith("data.pkl"):
                _require_plain(data)
            if not entry.filename.endswith(("constants.pkl", ".storage_alignment")):
                stored.writestr(zipfile.ZipInfo(entry.filename), data)
    return buffer.getvalue()


def _require_plain(pickled: bytes) -> None:
    if len(pickled) > _MOST_PICKLED:
        raise StateError("its structure is too large")
    made: list[str] = []  # what was put on the stack, in order
    flat: set[int] = set()  # places in the memo whose value holds no other container
    stored, shared = 0, 0
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name not in _ALLOWED or (opcode.name == "GLOBAL" and argument not in _GLOBALS):
            raise StateError(f"it holds more than tensors and plain values ({opcode.name})")
        if opcode.name in _PUTS:
            if _is_flat(made):
                flat.add(stored if argument is None else argument)
            stored += 1
        else:
            made.append(opcode.name)
            shared += opcode.name in _GETS and argument not in flat
    # A container that is held once more at most doubles what walking through the state takes, or hashing it: 45
    # tuples, each twice in the next, have 2^45 values.
    if len(made) << min(shared, 64) > _MOST_VISITED:
        raise StateError("its containers lie within each other too often")


def _is_flat(made: list[str]) -> bool:
    """True where the last value holds no container: a scalar, a name, something empty, or a tuple of scalars."""
    last, before = made[-1] if made else "", made[-1 - _LONGEST_TUPLE : -1]
    if last == "TUPLE":
        return "MARK" in before and _SCALARS.issuperset(before[len(before) - before[::-1].index("MARK") :])
    if last in _TUPLES:
        return _SCALARS.issuperset(before[-_TUPLES[last] :])
    return last in _SCALARS or last in _FLAT
