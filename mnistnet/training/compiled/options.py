"""How all loops are compiled, and into how many parts they go."""

from typing import Any

# Loops run over a fixed number of parts, so sums have the same bits for any number of threads.
PARTS = 16

# No "fast math": the machine code of a process that has just compiled a loop and of one that found it in the cache
# went through LLVM's passes in another order, and each rounded in its own way where it was free to.
SERIAL: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
PARALLEL: dict[str, Any] = {**SERIAL, "parallel": True}
