"""The published solutions and our own nets, as design files, with where each comes from."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias, get_args

from mnistnet.nets.architecture import Architecture, parse
from mnistnet.nets.summary import summarize

Group: TypeAlias = Literal["to begin with", "our best", "published solutions"]
GROUPS: tuple[Group, ...] = get_args(Group)  # in the order of lists


@dataclass(frozen=True)
class Published:
    """An accuracy as its author states it: one run; the best epoch on the test set, where the source says."""

    accuracy: float


@dataclass(frozen=True)
class Preset:
    """A named design; `published` is None for our own, and where the source states no accuracy."""

    name: str
    group: Group
    origin: str
    published: Published | None = None

    @property
    def architecture(self) -> Architecture:
        """The design file of this name."""
        return _read(self.name)

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return summarize(self.architecture).params


@dataclass(frozen=True)
class PublicResult:
    """A small MNIST network that somebody reported; its design is not here."""

    params: int
    accuracy: float
    protocol: str


PUBLIC = (
    PublicResult(3_762, 0.9952, "one run"),
    PublicResult(3_762, 0.9919, "one run, a near-replicate"),
    PublicResult(7_918, 0.9950, "one run, last epoch"),
    PublicResult(8_900, 0.9950, "one run"),
    PublicResult(14_372, 0.9957, "one run, best of 20 epochs on the test set"),
)
_SEPARABLE = "pooled once, then depthwise convolutions with 1x1 convolutions behind them"
_NOT_STATED = "where the source leaves ReLU, dropout rate or the closing pooling unstated, the common choice"

PRESETS = {
    preset.name: preset
    for preset in (
        Preset("mnistnet-16k", "our best", f"mnistnet: {_SEPARABLE}, seven of them 32 and 48 wide"),
        Preset("mnistnet-10k", "our best", f"mnistnet: {_SEPARABLE}, seven of them 32 wide"),
        Preset("mnistnet-8k", "our best", f"mnistnet: {_SEPARABLE}, nine of them 16 and 32 wide"),
        Preset("mnistnet-4k", "our best", f"mnistnet: {_SEPARABLE}, eight of them 16 wide"),
        Preset("mnistnet-min", "our best", f"mnistnet: {_SEPARABLE}, five of them 16 wide"),
        Preset("plain-16k", "to begin with", "mnistnet: 3x3 convolutions with batch norm and ReLU, pooled twice"),
        Preset(
            "course-10216", "published solutions", f"published course solution, 99.4 % set as its target; {_NOT_STATED}"
        ),
        Preset(
            "course-19290",
            "published solutions",
            "published course solution with a linear head, 99.3 % stated",
            Published(0.993),
        ),
        Preset(
            "course-10040",
            "published solutions",
            f"published course solution, 99.43 % stated; {_NOT_STATED}",
            Published(0.9943),
        ),
        Preset(
            "course-19122",
            "published solutions",
            f"published course solution, 99.55 % stated; {_NOT_STATED}",
            Published(0.9955),
        ),
        Preset(
            "course-18738",
            "published solutions",
            f"published course solution, 99.39 % stated; {_NOT_STATED}",
            Published(0.9939),
        ),
    )
}
FIRST = PRESETS["plain-16k"]


@cache
def _read(name: str) -> Architecture:
    return parse(files(__name__).joinpath(f"{name}.json").read_bytes())
