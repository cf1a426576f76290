"""How all loops are compiled, and into how many parts they go. Tells numba where compiled loops are kept."""

from typing import Any

from numba import config, njit

from mnistnet.training.kernels import cache

config.CACHE_DIR = str(cache.place(cache.FOLDER, config.CACHE_DIR) or "")

# No "fast math": the machine code of a process that has just compiled a loop and of one that found it in the cache
# went through LLVM's passes in another order, and each rounded in its own way where it was free to.
SERIAL: dict[str, Any] = {"cache": bool(config.CACHE_DIR), "nogil": True, "error_model": "numpy"}
PARALLEL: dict[str, Any] = {**SERIAL, "parallel": True}

# Loops run over a fixed number of parts, so sums have the same bits for any number of threads.
PARTS = 16


@njit(**SERIAL)  # type: ignore[untyped-decorator]
def _twice(value: Any) -> Any:
    return value + value


def check() -> bool:
    """Compile one small loop; whether it was kept. Numba's own OSError or RuntimeError where either is impossible."""
    _twice(1)
    return bool(config.CACHE_DIR)
