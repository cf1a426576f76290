"""Zip files: what a member of one from outside may be, what reading one may raise, and one written. Knows no run."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping

# What zipfile raises for bytes that somebody has chosen. RuntimeError: encrypted, or an unknown compression.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    RuntimeError,
    EOFError,
    OverflowError,
    LookupError,
)
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # of the flags: encrypted, strongly encrypted, directory encrypted
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can name
_UNIX = 3


def is_plain(entry: zipfile.ZipInfo) -> bool:
    """True where it is neither link nor folder nor device, and not encrypted."""
    is_file = stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
    return is_file and not entry.is_dir() and not entry.flag_bits & _ENCRYPTED


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip file, in their order: the same bytes for the same files, whenever and wherever."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system, entry.external_attr = _UNIX, (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()
