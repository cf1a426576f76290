"""The values of a review: a question about a design and its run, answered with a figure."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from mnistnet.training.recipe import TITLES

Group: TypeAlias = Literal["Architecture", "Regularization", "Training"]
GROUPS: tuple[Group, ...] = ("Architecture", "Regularization", "Training")


class Concern(StrEnum):
    """The attention that an answer asks for."""

    FINE = "fine"
    LOOK = "look at this"
    UNKNOWN = "cannot be known without a run"


@dataclass(frozen=True)
class Place:
    """The place on the Design page that changes an answer: a layer, by its number from 1, or a field of the recipe."""

    layer: int | None = None
    field: str | None = None

    @property
    def title(self) -> str:
        """`layer 5`, `batch size`, or `layers`."""
        if self.field:
            return TITLES[self.field]
        return f"layer {self.layer}" if self.layer else "layers"


LAYERS = Place()


@dataclass(frozen=True)
class Answer:
    """One question, answered for one design and its run.

    `name`: the question's own, the same for ever. `figure`: the fact, computed. `why`: one sentence on why it matters,
    and what asks for attention. `evidence`: the same of trained networks, with their number of seeds and conditions;
    empty where there is none. `place` is None where nothing can be changed.
    """

    name: str
    group: Group
    title: str
    figure: str
    why: str
    concern: Concern = Concern.FINE
    place: Place | None = LAYERS
    evidence: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The answer as plain values, for JSON."""
        return {**asdict(self), "concern": str(self.concern), "place": self.place.title if self.place else None}

    @property
    def markdown(self) -> str:
        """The answer as one item of a Markdown list."""
        seen = f" *{self.evidence}*" if self.evidence else ""
        return f"- **{self.title}** {self.figure} ({self.concern}). {self.why}{seen}"
