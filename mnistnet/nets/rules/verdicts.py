"""The words of each rule, and the verdicts on a design and its epochs, before and after training.

The only place that words a rule. What a training reached is compared in `insight.predictions.verdict`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mnistnet.nets.architecture import Architecture, GlobalAvgPool, Layer, Linear
from mnistnet.nets.layer_types import dropout_rate
from mnistnet.nets.rules.profiles import COURSE, TECHNIQUES, Profile, Technique
from mnistnet.nets.summary import Summary

AFTER_TRAINING = "known after training"
NOT_COUNTED = "cannot be counted: a layer does not fit"


@dataclass(frozen=True)
class Verdict:
    """One rule, whether it holds, and the numbers behind it.

    `passed` is None where it cannot be judged, or not yet. `detail` is the figure with its limit, for a sentence;
    `figure` the figure with its unit, for a table.
    """

    rule: str
    passed: bool | None
    detail: str
    figure: str


def verdicts(
    architecture: Architecture, summary: Summary, epochs: int, profile: Profile = COURSE, before: int = 0
) -> list[Verdict]:
    """What can be known before training, in the profile's order: parameters, epochs, fully connected, techniques."""
    return of_layers(architecture.layers, summary.params if summary.is_whole else None, epochs, profile, before)


def card(architecture: Architecture, summary: Summary, epochs: int, profile: Profile) -> list[Verdict]:
    """All rules in the profile's order; those on the accuracy have no verdict before training."""
    later = [goal_rule(profile), *([consistency_rule(profile)] if profile.last_epochs else [])]
    known = verdicts(architecture, summary, epochs, profile)
    return [*known, *(Verdict(rule, None, AFTER_TRAINING, AFTER_TRAINING) for rule in later)]


def of_layers(
    layers: Sequence[Layer], params: int | None, epochs: int, profile: Profile, before: int = 0
) -> list[Verdict]:
    """As `verdicts`; `params` is None where a layer does not fit. `layers` may lack those that no rule is about.

    `before` of the epochs were trained by the run that this one starts from.
    """
    added = f", {before} of them before this run" if before else ""
    return [
        _parameters(params, profile),
        Verdict(
            f"under {profile.epochs} epochs",
            epochs < profile.epochs,
            f"{epochs}{added}; must be under {profile.epochs}",
            f"{epochs_text(epochs)}{added}",
        ),
        _fully_connected(layers, profile),
        *(_technique(technique, layers) for technique in profile.techniques),
    ]


def parameters_rule(profile: Profile) -> str:
    """The words of the rule on the parameters."""
    return f"under {profile.params:,} parameters"


def _parameters(params: int | None, profile: Profile) -> Verdict:
    rule = parameters_rule(profile)
    if params is None:
        return Verdict(rule, False, NOT_COUNTED, NOT_COUNTED)
    detail = f"{params:,}; must be under {profile.params:,}"
    return Verdict(rule, params < profile.params, detail, parameters_text(params))


def _fully_connected(layers: Sequence[Layer], profile: Profile) -> Verdict:
    numbers = [number for number, layer in enumerate(layers, 1) if isinstance(layer, Linear)]
    places = ", ".join(f"layer {number}" for number in numbers)
    detail = f"fully connected: {places}" if numbers else "none"
    figure = f"fully connected {places}" if numbers else "none"
    if profile.linear_allowed:
        return Verdict("fully connected layers allowed", True, detail, figure)
    return Verdict("no fully connected layer", not numbers, detail, figure)


def _technique(technique: Technique, layers: Sequence[Layer]) -> Verdict:
    title, found = TECHNIQUES[technique], uses(technique, layers)
    detail = f"in {found} {'layer' if found == 1 else 'layers'}" if found else f"no layer uses {title}"
    return Verdict(_technique_rule(technique), found > 0, detail, f"{title} {detail}" if found else f"no {title}")


def _technique_rule(technique: Technique) -> str:
    return f"{TECHNIQUES[technique]} used"


def goal_rule(profile: Profile) -> str:
    """The words of the rule on the accuracy."""
    where = "test set" if profile.split == "test" else "validation images"
    return f"at least {profile.goal} on the {where} of MNIST{' in one epoch' if profile.consistency == 'once' else ''}"


def consistency_rule(profile: Profile) -> str:
    """The words of the rule on the last epochs, of a profile that has one."""
    last = f"each of the last {profile.last_epochs} epochs" if profile.last_epochs > 1 else "the last epoch"
    return f"at least {profile.goal} validation accuracy in {last}"


def sentence(profile: Profile) -> str:
    """All rules of the profile, in one line without a full stop."""
    rules = [f"fewer than {profile.params:,} parameters", f"fewer than {profile.epochs} epochs"]
    rules += [] if profile.linear_allowed else ["no fully connected layer"]
    rules += [_technique_rule(technique) for technique in profile.techniques]
    rules += [goal_rule(profile), *([consistency_rule(profile)] if profile.last_epochs else [])]
    return ", ".join(rules)


def epochs_text(count: int) -> str:
    """A number of epochs in words: `1 epoch`, `19 epochs`."""
    return f"{count} epoch" if count == 1 else f"{count} epochs"


def parameters_text(count: int) -> str:
    """A number of parameters in words: `1 parameter`, `19,999 parameters`."""
    return "1 parameter" if count == 1 else f"{count:,} parameters"


@dataclass(frozen=True)
class Note:
    """A technique the assignment suggests, and how often the design uses it. Not a rule."""

    technique: str
    uses: int


def notes(architecture: Architecture) -> list[Note]:
    """The number of layers that use batch norm, dropout and global average pooling."""
    return [Note(title, uses(technique, architecture.layers)) for technique, title in TECHNIQUES.items()]


def uses(technique: Technique, layers: Sequence[Layer]) -> int:
    """The number of layers that use a technique. Dropout at rate 0 drops nothing and is not counted."""
    if technique == "batchnorm":
        return sum("batchnorm" in layer.steps for layer in layers)
    if technique == "globalavgpool":
        return sum(isinstance(layer, GlobalAvgPool) for layer in layers)
    return sum(bool(dropout_rate(layer)) for layer in layers)
