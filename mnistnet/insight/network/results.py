"""What was seen through a probe, as plain arrays: who looks at it needs no torch."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]

# What of a normal distribution lies beyond two standard deviations; the paper counts the pixels above that share of the
# field's middle.
_TWO_DEVIATIONS = 0.0455
_MOST_ENERGY = 0.95
PATCH = 5  # pixels a side of what is laid over an image
PAPER, INK = 0, 255  # its shade


@dataclass(frozen=True, eq=False)
class Occlusion:
    """Logits with a patch laid over each pixel in turn, (28, 28, 10), and without, (10,)."""

    logits: Floats
    plain: Floats

    def effect(self, towards: int, against: int | None = None) -> Floats:
        """(28, 28): what the patch around each pixel takes from the logit `towards`, or from its lead over `against`.

        Positive where what lay under the patch spoke for `towards`.
        """
        changes = self.plain - self.logits
        lead: Floats = changes[..., towards] - (0 if against is None else changes[..., against])
        return lead

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """The class answered with the patch around each pixel, (28, 28)."""
        answers: npt.NDArray[np.int64] = self.logits.argmax(2)
        return answers


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """How strongly one place of a layer's map hangs on each pixel: (28, 28), never negative, in any unit."""

    strength: Floats

    @property
    def two_deviations(self) -> float:
        """Side in pixels of a square as large as all pixels above 4.55 % of the strongest: the paper's measure, which
        takes the middle for the strongest."""
        return float(np.sqrt((self.strength > _TWO_DEVIATIONS * self.strength.max()).sum()))

    @property
    def most_energy(self) -> float:
        """Side in pixels of a square as large as the fewest pixels that hold 95 % of the squared gradient."""
        if not self.is_there:
            return 0.0
        energy = np.sort(self.strength.ravel().astype(np.float64) ** 2)[::-1]
        enough = int(np.searchsorted(np.cumsum(energy), _MOST_ENERGY * energy.sum() * (1 - 1e-9))) + 1
        return float(np.sqrt(min(enough, energy.size)))

    @property
    def is_there(self) -> bool:
        """Whether any pixel counts at all."""
        return bool(self.strength.max() > 0)


@dataclass(frozen=True, eq=False)
class UnitAttribution:
    """The unit of a layer that spoke loudest for a class: its place, what it added to the logit, what it looks at.

    `added` is the unit's value times the logit's gradient by it; `share` is that over all that spoke for the class in
    this layer, 0 where none did. `field` is the gradient of this very unit, on this very image.
    """

    layer: int
    channel: int
    row: int
    column: int
    added: float
    share: float
    field: EffectiveField


@dataclass(frozen=True)
class TopActivation:
    """Where one of several images drives a channel hardest: the image's place among them and the unit's."""

    image: int
    row: int
    column: int
    value: float
