"""What a member of a zip file from outside may be, and what reading one may raise. Knows no run."""

import stat
import struct
import zipfile
import zlib

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


def is_plain(entry: zipfile.ZipInfo) -> bool:
    """True where it is neither link nor folder nor device, and not encrypted."""
    is_file = stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
    return is_file and not entry.is_dir() and not entry.flag_bits & _ENCRYPTED
