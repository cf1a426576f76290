"""How long a training will take on a CPU, before it is started. Arithmetic only; no torch.

Part of the time of so small a network is the same for every image whatever the network, part goes with
its multiply-accumulates, and little into moving values. What runs have measured on the machine at hand
corrects the model as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from mnistnet.nets.geometry import Walk

# Fitted to the epochs of what mnistnet-16k was then (16,170 parameters, full convolutions), course-10040 and
# course-19122: 5.9, 8.9 and 12.1 s for 60,000 images
# (torch 2.13.0, two Zen 4 cores with bf16, batch 128; 64 for course-19122).
_SECONDS_PER_IMAGE = 3.3e-5
_SECONDS_PER_MAC = 2.6e-11
_SECONDS_PER_VALUE = 3e-10
_NEARLY_FREE = {"dropout2d"}  # draws one number a channel


@dataclass(frozen=True)
class Measured:
    """One epoch as it was: what the network costs and how fast it went, in images per second."""

    walk: Walk
    images_per_second: float


@dataclass(frozen=True)
class Estimate:
    """Seconds of training; `runs_seen` runs measured on this machine stand behind it (0: a guess)."""

    seconds: float
    runs_seen: int


def estimate(walk: Walk, images: int, epochs: int, seen: Iterable[Measured]) -> Estimate:
    """Training time of `epochs` epochs of `images` images each, corrected by the median of what was seen."""
    ratios = [1 / (one.images_per_second * seconds_per_image(one.walk)) for one in seen if one.images_per_second]
    correction = median(ratios) if ratios else 1.0
    return Estimate(seconds_per_image(walk) * correction * images * epochs, len(ratios))


def seconds_per_image(walk: Walk) -> float:
    """The uncorrected model: forward, backward and update of one image."""
    values = sum(row.values for row in walk.rows if row.type not in _NEARLY_FREE)
    return _SECONDS_PER_IMAGE + walk.macs * _SECONDS_PER_MAC + values * _SECONDS_PER_VALUE
