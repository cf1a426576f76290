"""How long a training will take on a CPU, before it is started. Arithmetic only; no torch.

Part of the time of so small a network is the same for every image whatever the network, part goes with
its multiply-accumulates, and little into moving values. What runs have measured on the machine at hand
corrects the model as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from mnistnet.nets.summary import Summary

# Fitted to the epochs of what mnistnet-16k was then (16,170 parameters, full convolutions), course-10040 and
# course-19122: 5.9, 8.9 and 12.1 s for 60,000 images
# (torch 2.13.0, two Zen 4 cores with bf16, batch 128; 64 for course-19122).
_SECONDS_PER_IMAGE = 3.3e-5
_SECONDS_PER_MAC = 2.6e-11
_SECONDS_PER_VALUE = 3e-10
# Measured on three other machines, some of them busy: from half to four times what the model says.
_UNMEASURED = (0.5, 4.0)
_MARGIN = 1.25  # around what was measured: other widths and batch sizes, and what else the machine does
_ODD = 4.0  # a ratio that many times off the median was another machine's load, not this one's speed
_NEARLY_FREE = {"dropout2d"}  # draws one number a channel


@dataclass(frozen=True)
class Measured:
    """One epoch as it was: what the network costs and how fast it went, in images per second."""

    summary: Summary
    images_per_second: float


@dataclass(frozen=True)
class Estimate:
    """Seconds of training, most likely between `low` and `high`; `runs_seen` runs measured on this machine stand
    behind it (0: a guess)."""

    seconds: float
    low: float
    high: float
    runs_seen: int


def estimate(summary: Summary, images: int, epochs: int, seen: Iterable[Measured]) -> Estimate:
    """Training time of `epochs` epochs of `images` images each, corrected by the median of what was seen.

    The range is that of the measured ratios with a margin, without those far off the median.
    """
    ratios = [1 / (one.images_per_second * seconds_per_image(one.summary)) for one in seen if one.images_per_second]
    modelled = seconds_per_image(summary) * images * epochs
    if not ratios:
        return Estimate(modelled, modelled * _UNMEASURED[0], modelled * _UNMEASURED[1], 0)
    middle = median(ratios)
    usual = [middle, *(ratio for ratio in ratios if middle / _ODD <= ratio <= middle * _ODD)]
    low, high = min(usual) / _MARGIN, max(usual) * _MARGIN
    return Estimate(modelled * middle, modelled * low, modelled * high, len(ratios))


def seconds_per_image(summary: Summary) -> float:
    """The uncorrected model: forward, backward and update of one image."""
    values = sum(row.values for row in summary.rows if row.type not in _NEARLY_FREE)
    return _SECONDS_PER_IMAGE + summary.macs * _SECONDS_PER_MAC + values * _SECONDS_PER_VALUE
