"""Budget profiles and the rubric: a design and its epochs against the assignment's rules.

Knows no torch; the only home of 20,000 parameters, 20 epochs and 99.4 %.
"""

from dataclasses import dataclass

from mnistnet.nets.architecture import Architecture, Dropout, Dropout2d, GlobalAvgPool, Linear
from mnistnet.nets.layer_types import has_rate
from mnistnet.nets.summary import Summary


@dataclass(frozen=True)
class Profile:
    """The rules that a design is judged by: fewer than `params`, fewer than `epochs`, at least `accuracy`."""

    name: str
    title: str
    params: int
    epochs: int
    accuracy: float
    linear_allowed: bool = False


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("course", "The assignment: 20,000 parameters", params=20_000, epochs=20, accuracy=0.994),
        Profile("half", "Half the budget: 10,000 parameters", params=10_000, epochs=20, accuracy=0.994),
        Profile("hard", "Harder: 8,000 parameters, under 16 epochs", params=8_000, epochs=16, accuracy=0.994),
        Profile("tiny", "Tiny: 4,000 parameters", params=4_000, epochs=20, accuracy=0.99),
    )
}
COURSE = PROFILES["course"]


@dataclass(frozen=True)
class Verdict:
    """One rule of the rubric, whether it holds, and the numbers behind it."""

    rule: str
    passed: bool
    detail: str


def verdicts(architecture: Architecture, summary: Summary, epochs: int, profile: Profile = COURSE) -> list[Verdict]:
    """The rules in the rubric's order: parameters, epochs, no fully connected layer."""
    linear = [index for index, layer in enumerate(architecture.layers) if isinstance(layer, Linear)]
    places = ", ".join(f"layer {index + 1}" for index in linear)
    return [
        Verdict(
            f"under {profile.params:,} parameters",
            summary.is_whole and summary.params < profile.params,
            f"{summary.params:,}; must be under {profile.params:,}"
            if summary.is_whole
            else "cannot be counted: a layer does not fit",
        ),
        Verdict(
            f"under {profile.epochs} epochs",
            epochs < profile.epochs,
            f"{epochs}; must be under {profile.epochs}",
        ),
        Verdict(
            "no fully connected layer",
            profile.linear_allowed or not linear,
            f"fully connected: {places}" if linear else "none",
        ),
    ]


@dataclass(frozen=True)
class Note:
    """A technique the assignment suggests, and how often the design uses it. Not a rule."""

    technique: str
    uses: int


def notes(architecture: Architecture) -> list[Note]:
    """The number of layers that use batch norm, dropout and global average pooling."""
    layers = architecture.layers
    return [
        Note("batch norm", sum("batchnorm" in layer.steps for layer in layers)),
        Note("dropout", sum(isinstance(layer, Dropout | Dropout2d) or has_rate(layer.steps) for layer in layers)),
        Note("global average pooling", sum(isinstance(layer, GlobalAvgPool) for layer in layers)),
    ]
