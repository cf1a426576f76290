"""How all loops are compiled, and into how many parts they go."""

from mnistnet.loops import PARALLEL, SERIAL

__all__ = ["PARALLEL", "PARTS", "SERIAL"]

# Loops run over a fixed number of parts, so sums have the same bits for any number of threads.
PARTS = 16
