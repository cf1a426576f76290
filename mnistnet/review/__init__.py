"""The questions that a design and its run are asked, each answered with a figure, why it matters, and evidence.

The questions are those of the course's assignment. Every figure is computed; see docs/review.md. Knows no torch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from mnistnet import gallery
from mnistnet.gallery import Entry
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.review import architecture as design
from mnistnet.review import regularization, training
from mnistnet.review.answers import Answer, Concern, Group, Place
from mnistnet.review.architecture import Finding
from mnistnet.review.layers import Facts, facts
from mnistnet.runs.run import Run
from mnistnet.training.progress import EpochDone
from mnistnet.training.range_test import RateRange
from mnistnet.training.recipe import Recipe

__all__ = ["Answer", "Concern", "Place", "review"]

# Name, group, title, and what finds the answer in a design.
_OF_DESIGNS: tuple[tuple[str, Group, str, Callable[[Facts], Finding]], ...] = (
    ("layers", "Architecture", "How many layers?", design.layers),
    ("convolutions", "Architecture", "How many 3×3 convolutions?", design.convolutions_3x3),
    ("field", "Architecture", "How large is the receptive field?", design.receptive_field),
    ("kernels", "Architecture", "How many kernels?", design.kernels),
    ("pooling", "Architecture", "Where does max-pooling stand?", design.pooling),
    ("pooling_distance", "Architecture", "How far is max-pooling from the prediction?", design.pooling_distance),
    ("pointwise", "Architecture", "Which 1×1 convolutions are there?", design.pointwise),
    ("transitions", "Architecture", "Where do transition layers stand?", design.transition_position),
    ("stopping", "Architecture", "When do convolutions stop?", design.stopping),
    ("softmax", "Architecture", "Where is softmax?", design.softmax),
    ("batch_norm", "Regularization", "Where is batch norm?", regularization.batch_norm),
    ("norm_distance", "Regularization", "How far is batch norm from the prediction?", regularization.norm_distance),
    ("dropout", "Regularization", "Where is dropout?", regularization.dropout),
)


def review(
    architecture: Architecture,
    recipe: Recipe,
    run: Run | None = None,
    metrics: Sequence[EpochDone] = (),
    range_: RateRange | None = None,
) -> tuple[Answer, ...]:
    """All questions, answered for the design and recipe, and for `run` with its epochs where there is one.

    `range_`: what a range test of this design and recipe suggests. Never raises: of a design that cannot be built the
    first answer says why, and those that depend on its layers are left out.
    """
    fault = summarize(architecture).fault
    if fault:
        place = Place(fault.layer + 1)
        why = f"{fault.message[:1].upper()}{fault.message[1:]}. Until then the other questions have no answer."
        found = [Answer("layers", "Architecture", "How many layers?", "cannot be built", why, Concern.LOOK, place)]
    else:
        found = _of_design(facts(architecture))
    return (*found, *_of_training(recipe, run, metrics, range_, _closest(architecture, recipe)))


def _of_design(of: Facts) -> list[Answer]:
    near = _closest(of.architecture, None)
    its = facts(PRESETS[near.preset].architecture) if near else None
    answers = []
    for name, group, title, find in _OF_DESIGNS:
        answer = _answer(name, group, title, find(of))
        answers.append(replace(answer, evidence=evidence(near, find(its).figure)) if near and its else answer)
    return answers


def _of_training(
    recipe: Recipe, run: Run | None, rows: Sequence[EpochDone], range_: RateRange | None, near: Entry | None
) -> list[Answer]:
    normalization = regularization.image_normalization(recipe)
    rate, batch = training.learning_rate(recipe, run, range_), training.batch_size(recipe)
    rate_seen = evidence(near, training.rate_figure(near.recipe)) if near else ""
    batch_seen = evidence(near, training.batch_figure(near.recipe)) if near else ""
    gaps = evidence(near, _gap(near)) if near else ""
    group: Group = "Regularization"
    return [
        replace(
            _answer("overfitting", group, "Does it overfit?", regularization.overfitting(run, rows)), evidence=gaps
        ),
        _answer("normalization", group, "How are images normalised?", normalization),
        replace(_answer("learning_rate", "Training", "Which learning rate?", rate), evidence=rate_seen),
        replace(_answer("batch_size", "Training", "Which batch size?", batch), evidence=batch_seen),
        _answer("early_signs", "Training", "Is it going badly, told early?", training.early_signs(run, rows)),
    ]


def _answer(name: str, group: Group, title: str, found: Finding) -> Answer:
    return Answer(name, group, title, found.figure, found.why, found.concern, found.place)


def _closest(architecture: Architecture, recipe: Recipe | None) -> Entry | None:
    """The gallery's training of another preset, the closest in parameters; with `recipe`: on its data set."""
    params = max(1, summarize(architecture).params)
    known = [
        entry
        for entry in gallery.entries().values()
        if not entry.is_final_fit
        and PRESETS[entry.preset].architecture.layers != architecture.layers
        and (recipe is None or entry.recipe.dataset == recipe.dataset)
    ]
    return min(known, key=lambda entry: abs(math.log(PRESETS[entry.preset].params / params)), default=None)


def evidence(entry: Entry, figure: str) -> str:
    """The same figure of a preset that the gallery has trained, with what it reached, its seeds and conditions."""
    how = "validated on the test set" if entry.recipe.protocol == "course" else "holdout"
    return (
        f"{entry.preset} ({PRESETS[entry.preset].params:,} parameters; {entry.mean:.2%} on the test set, mean of "
        f"{len(entry.outcomes)} seeds, {entry.recipe.epochs} epochs, {how}): {figure}."
    )


def _gap(entry: Entry) -> str:
    """Validation minus training accuracy in the last epoch, the mean over the seeds, in words."""
    gaps = [outcome.curve[-1].validation_accuracy - outcome.curve[-1].train_accuracy for outcome in entry.outcomes]
    return f"difference {sum(gaps) / len(gaps) * 100:+.2f} points in the last epoch, mean of the seeds"
