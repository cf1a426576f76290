"""The table of export formats: what each is called, what it needs, and what writes it. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mnistnet.exports import metrics, weights
from mnistnet.exports.material import Material

Files: TypeAlias = Mapping[str, bytes]  # contents by name


@dataclass(frozen=True)
class Format:
    """One export format.

    `title` and `use` (one sentence) are for people. `needs_run`: a design alone cannot be exported so. `write` gives
    the files, the main one first; it raises NeedsRun, and what reading weights or data sets raises.
    """

    name: str
    title: str
    use: str
    needs_run: bool
    write: Callable[[Material], Files]


FORMATS = {
    one.name: one
    for one in (
        Format(
            "safetensors",
            "Weights (safetensors)",
            "The trained weights, for any program that reads safetensors.",
            needs_run=True,
            write=lambda material: {"weights.safetensors": weights.safetensors(material)},
        ),
        Format(
            "csv",
            "Metrics (CSV)",
            "One line an epoch: losses, accuracies, learning rate, time.",
            needs_run=True,
            write=lambda material: {"metrics.csv": metrics.comma_separated(material)},
        ),
    )
}
