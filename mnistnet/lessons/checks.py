"""The kinds of checks: which there are, by their names in files and links."""

from typing import Any, TypeAlias, get_args

from mnistnet.lessons.design_checks import (
    BatchNorm,
    Dropout,
    Params,
    PoolDistance,
    PoolField,
    ReceptiveField,
    Transition,
)
from mnistnet.lessons.design_checks import Settings as Settings
from mnistnet.lessons.run_checks import Ablation, Compare, Finished, Mistakes

Check: TypeAlias = (
    Params
    | ReceptiveField
    | PoolField
    | PoolDistance
    | Transition
    | BatchNorm
    | Dropout
    | Finished
    | Compare
    | Ablation
    | Mistakes
)
# In the order in which a choice offers them. A name stands in files and links, and never changes.
CHECKS: dict[str, type[Any]] = {kind.model_fields["check"].default: kind for kind in get_args(Check)}
