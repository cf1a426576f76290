"""How all loops are compiled, and into how many parts they go."""

from typing import Any

# Loops run over a fixed number of parts, so sums have the same bits for any number of threads.
PARTS = 16

# Everything of "fast math" but the promise that there is no infinity and no NaN: a training that diverges has both.
_LOOSE = {"contract", "reassoc", "nsz", "arcp", "afn"}
SERIAL: dict[str, Any] = {"fastmath": _LOOSE, "cache": True, "nogil": True, "error_model": "numpy"}
PARALLEL: dict[str, Any] = {**SERIAL, "parallel": True}
