"""How long a training will take on a CPU, before it is started. Arithmetic only; no torch.

Part of the time of so small a network is the same for every image whatever the network, part goes with
its multiply-accumulates, and little into moving values. A chain of separable convolutions moves next to none; torch's
own batch norm and large depthwise kernels take much longer (see `acceleration`). What runs have measured on the
machine at hand corrects the model as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from mnistnet.nets.architecture import Architecture, Depthwise, Layer
from mnistnet.nets.summary import summarize
from mnistnet.training import acceleration
from mnistnet.training.acceleration import Way

# Fitted to the epochs of what mnistnet-16k was then (16,170 parameters, full convolutions), course-10040 and
# course-19122: 5.9, 8.9 and 12.1 s for 60,000 images
# (torch 2.13.0, two Zen 4 cores with bf16, batch 128; 64 for course-19122).
_SECONDS_PER_IMAGE = 3.3e-5
_SECONDS_PER_MAC = 2.6e-11
_SECONDS_PER_VALUE = 3e-10
# Fitted to CPU seconds of one thread (one Zen core with bf16, torch 2.13.0, batch 128, fp32 and bf16, the least of 16
# to 24 steps), over 1.45, by which they exceed the above. A step of mnistnet-min took 10 ms, 14 to 17 ms with biases in
# its depthwise convolutions, which leaves the chain, 31 to 60 ms with depthwise 5x5 kernels; mnistnet-16k 36 ms, with
# biases 35 (bf16) to 56 ms. Without the kernels these took 21 to 24, 22 to 24, 38 to 66, 48 to 66 and 49 to 68 ms.
_SECONDS_PER_CHAINED_MAC = 5.5e-11
_SECONDS_PER_DEPTHWISE_VALUE = 1.2e-9  # more than other values, by torch's own depthwise convolution
_SECONDS_PER_LARGE_DEPTHWISE_MAC = 3e-10  # more, of kernels above 3x3: 2.0 to 2.4 in fp32, 3.1 to 6.0 in bf16
_SECONDS_PER_NORMALIZED_VALUE = 1.5e-9  # more than compiled, by torch's own batch norm
# Measured on three other machines, some of them busy: from half to four times what the model says.
_UNMEASURED = (0.5, 4.0)
_MARGIN = 1.25  # around what was measured: other widths and batch sizes, and what else the machine does
_ODD = 4.0  # a ratio that many times off the median was another machine's load, not this one's speed
_NEARLY_FREE = {"dropout2d"}  # draws one number a channel


@dataclass(frozen=True)
class Measured:
    """One epoch as it was: of which design, and how fast it went, in images per second."""

    architecture: Architecture
    images_per_second: float


@dataclass(frozen=True)
class Estimate:
    """Seconds of training, most likely between `low` and `high`; `runs_seen` runs measured on this machine stand
    behind it (0: a guess)."""

    seconds: float
    low: float
    high: float
    runs_seen: int


def estimate(architecture: Architecture, images: int, epochs: int, seen: Iterable[Measured]) -> Estimate:
    """Training time of `epochs` epochs of `images` images each, corrected by the median of what was seen.

    The range is that of the measured ratios with a margin, without those far off the median.
    """
    measured = [one for one in seen if one.images_per_second]
    ratios = [1 / (one.images_per_second * seconds_per_image(one.architecture)) for one in measured]
    modelled = seconds_per_image(architecture) * images * epochs
    if not ratios:
        return Estimate(modelled, modelled * _UNMEASURED[0], modelled * _UNMEASURED[1], 0)
    middle = median(ratios)
    usual = [middle, *(ratio for ratio in ratios if middle / _ODD <= ratio <= middle * _ODD)]
    low, high = min(usual) / _MARGIN, max(usual) * _MARGIN
    return Estimate(modelled * middle, modelled * low, modelled * high, len(ratios))


@dataclass(frozen=True)
class Rates:
    """The uncorrected model of one image: seconds of its own, and for each row of the summary seconds for each
    multiply-accumulate and for each output value. They go with the kinds of layers, not with their widths."""

    per_image: float
    per_mac: tuple[float, ...]
    per_value: tuple[float, ...]


def seconds_per_image(architecture: Architecture) -> float:
    """The uncorrected model: forward, backward and update of one image; of a design with a fault, its sound part."""
    summary, model = summarize(architecture), rates(architecture)
    rows = zip(summary.rows, model.per_mac, model.per_value, strict=True)
    return model.per_image + sum(row.macs * per_mac + row.values * per_value for row, per_mac, per_value in rows)


def rates(architecture: Architecture) -> Rates:
    """The model of a design on this machine; of one with a fault, of its sound part."""
    return _rates(architecture, acceleration.absence())


@lru_cache(maxsize=256)
def _rates(architecture: Architecture, _: str) -> Rates:
    """`_`: why there are no kernels, on which the ways depend."""
    summary = summarize(architecture)
    ways = acceleration.fast_path(architecture, summary).rows
    each = [_rate(row.type, way, architecture.layers[row.layer]) for row, way in zip(summary.rows, ways, strict=True)]
    return Rates(_SECONDS_PER_IMAGE, tuple(mac for mac, _ in each), tuple(value for _, value in each))


def _rate(kind: str, way: Way, layer: Layer) -> tuple[float, float]:
    """Seconds for each multiply-accumulate and for each output value of an operation."""
    if way == "chain":
        return _SECONDS_PER_CHAINED_MAC, 0.0
    per_mac, per_value = _SECONDS_PER_MAC, 0.0 if kind in _NEARLY_FREE else _SECONDS_PER_VALUE
    if way == "torch" and kind == "batchnorm":
        per_value += _SECONDS_PER_NORMALIZED_VALUE
    if way == "torch" and kind == "depthwise" and isinstance(layer, Depthwise):
        per_value += _SECONDS_PER_DEPTHWISE_VALUE
        per_mac += _SECONDS_PER_LARGE_DEPTHWISE_MAC if layer.kernel > 3 else 0.0
    return per_mac, per_value
