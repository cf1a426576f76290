"""Checks of the current design: each a frozen value with its settings, its task in words, and its outcome."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistnet.lessons.work import Outcome, Work
from mnistnet.nets.architecture import MAX_LAYERS
from mnistnet.nets.layer_types import dropout_rate, last_with_width

_MOST_PARAMS, _LARGEST_FIELD = 5_000_000, 500

Side = Annotated[int, Field(ge=1, le=_LARGEST_FIELD)]
Count = Annotated[int, Field(ge=1, le=MAX_LAYERS)]
Rate = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class Settings(BaseModel):
    """The settings of a check: frozen, and nothing but its own fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    # What the check is called where one is chosen.
    label: ClassVar[str]

    @property
    def task(self) -> str:
        """The task in words."""
        raise NotImplementedError

    def outcome(self, work: Work) -> Outcome:
        """The outcome for this work."""
        raise NotImplementedError


class Between(Settings):
    """A check with a lower and an upper limit, both allowed themselves."""

    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> "Between":
        if self.low > self.high:
            raise ValueError("low is above high; exchange them")
        return self


def _of_whole(work: Work, done: bool, figure: str) -> Outcome:
    """The outcome, where the design can be built; not done where it has a fault."""
    if work.summary.fault:
        return Outcome(False, f"layer {work.summary.fault.layer + 1} does not fit")
    return Outcome(done, figure)


class Params(Between):
    """The number of trainable parameters."""

    label: ClassVar[str] = "Parameters between two numbers"
    check: Literal["params"] = "params"
    low: Annotated[int, Field(ge=0, le=_MOST_PARAMS)] = 0
    high: Annotated[int, Field(ge=0, le=_MOST_PARAMS)] = 19_999

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Have {self.low:,} to {self.high:,} parameters"

    def outcome(self, work: Work) -> Outcome:
        """Done where the count lies between the limits."""
        count = work.summary.params
        return _of_whole(work, self.low <= count <= self.high, f"{count:,} now")


class ReceptiveField(Settings):
    """The receptive field of the last convolution before the map is averaged into single values."""

    label: ClassVar[str] = "Receptive field of the last convolution"
    check: Literal["field"] = "field"
    at_least: Side = 20

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Give the last convolution a receptive field of at least {self.at_least}×{self.at_least} pixels"

    def outcome(self, work: Work) -> Outcome:
        """Done where the field is large enough."""
        averages = [row.layer for row in work.summary.rows if row.type == "globalavgpool"]
        before = [row for row in work.convolutions if not averages or row.layer < averages[0]]
        field = before[-1].field if before else 1
        return _of_whole(work, field >= self.at_least, f"{field}×{field} now")


class PoolField(Between):
    """The receptive field of the map that the first max pool reads."""

    label: ClassVar[str] = "Receptive field where the first max pool stands"
    check: Literal["pool_field"] = "pool_field"
    low: Side = 5
    high: Side = 11

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Pool first where the receptive field is {self.low}×{self.low} to {self.high}×{self.high} pixels"

    def outcome(self, work: Work) -> Outcome:
        """Done where the first max pool stands between the limits."""
        pool = next((row for row in work.summary.rows if row.type == "maxpool"), None)
        if pool is None:
            return Outcome(False, "no max pool yet")
        field = pool.before.field if pool.before else 1
        return _of_whole(work, self.low <= field <= self.high, f"{field}×{field} now")


class PoolDistance(Settings):
    """The number of convolutions behind the last max pool, the head among them."""

    label: ClassVar[str] = "Convolutions behind the last max pool"
    check: Literal["pool_distance"] = "pool_distance"
    at_least: Count = 3

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Have at least {self.at_least} convolutions behind the last max pool"

    def outcome(self, work: Work) -> Outcome:
        """Done where the last max pool is far enough from the prediction."""
        pools = [row.layer for row in work.summary.rows if row.type == "maxpool"]
        if not pools:
            return Outcome(False, "no max pool yet")
        behind = sum(row.layer > pools[-1] for row in work.convolutions)
        return _of_whole(work, behind >= self.at_least, f"{behind} now")


class Transition(Settings):
    """The number of transition layers: 1x1 convolutions that give fewer channels than they read; the head is none."""

    label: ClassVar[str] = "1×1 convolutions that reduce the channels"
    check: Literal["transition"] = "transition"
    at_least: Count = 1

    @property
    def task(self) -> str:
        """The task in words."""
        layers = "layer" if self.at_least == 1 else "layers"
        return f"Have at least {self.at_least} transition {layers}: 1×1 convolutions that reduce the channels"

    def outcome(self, work: Work) -> Outcome:
        """Done where there are enough of them."""
        layers, head = work.design.layers, last_with_width(work.design.layers)
        found = [
            row.layer
            for row in work.summary.rows
            if row.type == "conv" and getattr(layers[row.layer], "kernel", 0) == 1 and row.layer != head
            if row.before and row.channels < row.before.channels
        ]
        return _of_whole(work, len(found) >= self.at_least, f"{len(found)} now")


class BatchNorm(Settings):
    """Batch norm behind every convolution but the head."""

    label: ClassVar[str] = "Batch norm behind every convolution"
    check: Literal["batchnorm"] = "batchnorm"

    @property
    def task(self) -> str:
        """The task in words."""
        return "Have batch norm behind every convolution but the last"

    def outcome(self, work: Work) -> Outcome:
        """Done where none but the head lacks it."""
        head = last_with_width(work.design.layers)
        hidden = [row.layer for row in work.convolutions if row.layer != head]
        missing = [layer for layer in hidden if "batchnorm" not in work.design.layers[layer].steps]
        figure = f"{len(hidden) - len(missing)} of {len(hidden)}"
        return _of_whole(work, bool(hidden) and not missing, figure)


class Dropout(Between):
    """Dropout in use, at rates between two limits."""

    label: ClassVar[str] = "Dropout between two rates"
    check: Literal["dropout"] = "dropout"
    low: Rate = 0.01
    high: Rate = 0.2

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Use dropout, at rates from {self.low:g} to {self.high:g} only"

    def outcome(self, work: Work) -> Outcome:
        """Done where there is dropout, and each rate lies between the limits."""
        rates = [rate for layer in work.design.layers if (rate := dropout_rate(layer)) is not None]
        figure = f"rates: {', '.join(f'{rate:g}' for rate in sorted(set(rates)))}" if rates else "no dropout yet"
        within = bool(rates) and all(self.low <= rate <= self.high for rate in rates)
        return _of_whole(work, within, figure)
