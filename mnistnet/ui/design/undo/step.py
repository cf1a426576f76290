"""What a step of the history changed, in a few words."""

from collections.abc import Iterator, Sequence

from mnistnet.insight.predictions.differences import NONE, changed_layers
from mnistnet.nets.architecture import Architecture, Layer
from mnistnet.training import recipe
from mnistnet.ui.design.undo.history import State

_MOST_NAMED = 2


def in_words(before: State, after: State) -> str:
    """The change from one state to the next: `layer 3: 16 channels → 24 channels`, `epochs 18 → 19`."""
    changes = [
        *_of_design(before.architecture, after.architecture),
        *recipe.changes(before.training, after.training),
    ]
    more = len(changes) - _MOST_NAMED
    return "; ".join(changes[:_MOST_NAMED]) + (f"; {more} more" if more > 0 else "")


def _of_design(before: Architecture, after: Architecture) -> Iterator[str]:
    changes = list(_of_layers(before.layers, after.layers))
    if before.name != after.name and len(changes) != 1:  # a design of another name is not told layer by layer
        yield f"design {before.name} → {after.name}"
    else:
        yield from changes


def _of_layers(before: Sequence[Layer], after: Sequence[Layer]) -> Iterator[str]:
    for change in changed_layers(before, after):
        old, new = (value.split(", ") for value in change.values)
        if NONE in change.values:
            yield f"{change.field}: {', '.join(old if new == [NONE] else new)}"
            continue
        left, right = (", ".join(part for part in one if part not in other) for one, other in ((old, new), (new, old)))
        number, _, unit = left.partition(" ")
        is_count = unit and right.endswith(f" {unit}")  # 16 → 24 channels
        yield f"{change.field}: {(number if is_count else left) or NONE} → {right or NONE}"
