"""The kinds of choices that a search may have: what varies, and between which values.

A choice names a place of the starting design by its number in the design file, from 0.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnistnet.nets.architecture import MAX_CHANNELS, MAX_LAYERS
from mnistnet.training.recipe import TITLES

Value: TypeAlias = int | float | str
Values: TypeAlias = Mapping[str, Value]  # by the names of choices

MAX_CHOICES = 40
MAX_OPTIONS = 50
# Fields that a search decides itself, or that are no choice of training: see `Search`.
FIXED_FIELDS = ("dataset", "protocol", "seed", "threads", "device", "precision", "epochs")

Finite = Annotated[float, Field(allow_inf_nan=False)]
Place = Annotated[int, Field(ge=0, lt=MAX_LAYERS)]
Options = Annotated[tuple[int | Finite | str, ...], Field(min_length=2, max_length=MAX_OPTIONS, strict=False)]


class _Choice(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @property
    def name(self) -> str:
        """Its name among the values of a trial."""
        raise NotImplementedError


class _Range(_Choice):
    """Whole numbers from `low` to `high`, both included, in steps of `step` from `low`."""

    low: int
    high: int
    step: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _in_order(self) -> "_Range":
        if self.low >= self.high:
            raise ValueError(f"low {self.low} and high {self.high}: choose a low below high")
        return self

    @property
    def options(self) -> tuple[int, ...]:
        """All values, in order."""
        return tuple(range(self.low, self.high + 1, self.step))


class Width(_Range):
    """The width of a layer: its channels or features."""

    vary: Literal["width"] = "width"
    layer: Place
    low: Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
    high: Annotated[int, Field(ge=1, le=MAX_CHANNELS)]

    @property
    def name(self) -> str:
        return f"width of layer {self.layer + 1}"


class Repeat(_Range):
    """How often a layer stands in a row at its place; 0 leaves it out."""

    vary: Literal["repeat"] = "repeat"
    layer: Place
    low: Annotated[int, Field(ge=0, le=8)]
    high: Annotated[int, Field(ge=1, le=8)]

    @property
    def name(self) -> str:
        return f"count of layer {self.layer + 1}"


class Pooling(_Choice):
    """Where a 2x2 max pool stands: behind the layer of one of these numbers of the starting design.

    The pool is `layer` of the starting design, which leaves its place.
    """

    vary: Literal["pooling"] = "pooling"
    layer: Place
    behind: Annotated[tuple[Place, ...], Field(min_length=2, max_length=MAX_LAYERS, strict=False)]

    @property
    def name(self) -> str:
        return f"place of layer {self.layer + 1}"

    @property
    def options(self) -> tuple[int, ...]:
        """The numbers of the layers, as in the file."""
        return self.behind


class Setting(_Choice):
    """A setting of a layer, as the design file calls it, among options: `dropout`, `kernel`, `rate` and the like."""

    vary: Literal["setting"] = "setting"
    layer: Place
    field: Annotated[str, Field(max_length=20)]
    options: Options

    @property
    def name(self) -> str:
        return f"{self.field} of layer {self.layer + 1}"


class RecipeOptions(_Choice):
    """A field of the recipe, among options."""

    vary: Literal["recipe"] = "recipe"
    field: Annotated[str, Field(max_length=30)]
    options: Options

    @property
    def name(self) -> str:
        return TITLES.get(self.field, self.field)


class RecipeRange(_Choice):
    """A real-valued field of the recipe, from `low` to `high`; `log` where ratios matter, as for a learning rate."""

    vary: Literal["recipe range"] = "recipe range"
    field: Annotated[str, Field(max_length=30)]
    low: Finite
    high: Finite
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> "RecipeRange":
        if self.low >= self.high or (self.log and self.low <= 0):
            above = ", above 0 for a logarithmic range" if self.log else ""
            raise ValueError(f"low {self.low:g} and high {self.high:g}: choose a low below high{above}")
        return self

    @property
    def name(self) -> str:
        return TITLES.get(self.field, self.field)


Choice = Annotated[Width | Repeat | Pooling | Setting | RecipeOptions | RecipeRange, Field(discriminator="vary")]
Space: TypeAlias = tuple[Choice, ...]
KINDS = ("width", "repeat", "pooling", "setting", "recipe", "recipe range")
