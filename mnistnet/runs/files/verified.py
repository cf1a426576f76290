"""The bytes of a checkpoint, refused where a single bit has changed. Knows no torch."""

import hashlib
from pathlib import Path

from mnistnet.errors import SaveFailed
from mnistnet.runs.files.contents import STATE_BYTES, contents


class CheckpointError(SaveFailed):
    """The checkpoint is missing or damaged."""


def verified(path: Path, sha256: str) -> bytes:
    """The bytes of the file. Raises CheckpointError where it cannot be read, or its bytes are not those hashed."""
    try:
        data = contents(path, STATE_BYTES)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CheckpointError(f"{path}: not the bytes that were written: damaged")
    return data
