"""A hand-in checked from its design and weights: counted, built and scored anew. No code of the hand-in is run.

`examined` checks one; `concluded` compares several with each other and adds what that shows. Imports torch when it
computes, not before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnistnet.data import datasets, splits
from mnistnet.data.datasets import Bytes
from mnistnet.handins import claims, copies, handin
from mnistnet.handins.archive import WEIGHTS, NotAHandIn
from mnistnet.handins.copies import Result
from mnistnet.handins.handin import HandIn, ModelText
from mnistnet.handins.manifest import Manifest
from mnistnet.handins.results import Check, Checked, refused
from mnistnet.handins.weights import WeightsError
from mnistnet.insight.network.steps import Steps, finish
from mnistnet.insight.predictions.evaluation import Score
from mnistnet.insight.predictions.verdict import Reached, judged
from mnistnet.nets.rules import Profile
from mnistnet.nets.summary import summarize

if TYPE_CHECKING:
    from torch import Tensor

    from mnistnet.insight.network.probe import Probe

# Images that may be counted differently than where the run was trained: the order of sums changes logits in the sixth
# digit. Of 100,000 predictions of the gallery's ten nets one has a lead over the second class below 1e-4, three below
# 1e-3 (torch 2.13.0, fp32).
TOLERANCE = 2
_MOST_MACS = 100_000_000  # of one image: with more, 10,000 images take minutes on two cores
_ACCURACY, _LAST = "accuracy", "last epoch"


@dataclass(frozen=True, eq=False)
class Examined:
    """A hand-in, checked by itself, and what others are compared with."""

    checked: Checked
    result: Result


def check(path: Path, profile: Profile | None = None, model_text: ModelText | None = None) -> Checked:
    """The hand-in in a zip file or folder after all checks; one that cannot be read fails its only check.

    Raises DataError without the data set.
    """
    try:
        given = handin.from_path(path)
    except NotAHandIn as error:
        return refused(str(path), str(error))
    return concluded([finish(examined(given, profile, model_text))])[0]


def examined(given: HandIn, profile: Profile | None = None, model_text: ModelText | None = None) -> Steps[Examined]:
    """The checks on one hand-in. `model_text` gives the text that its model.py is compared with.

    Without a `profile`, as `claims.judging`.
    Raises DataError without the data set that it was trained on.
    """
    claimed = given.manifest
    rules = claims.judging(given, profile)
    known = list(claims.checks(given, profile, model_text))
    summary = summarize(claimed.design)
    found = Checked(
        given.name,
        tuple(known),
        author=claimed.author,
        design=claimed.design.name,
        data=datasets.source(claimed.recipe.dataset).title,
        parameters=summary.params if summary.fault is None else None,
        epochs=claimed.epochs_before + len(claimed.log),
    )
    result = Result(given.name, copies.losses(claimed.log))
    if summary.fault:
        return Examined(_with(found, _unknown("the design does not build", rules)), result)
    try:
        tensors = _tensors(given)
    except WeightsError as error:
        failed = Check("weights", False, f"{WEIGHTS}: {error}")
        return Examined(_with(found, [failed, *_unknown("the weights do not fit", rules)]), result)
    known_weights = Check("weights", True, f"{len(tensors)} tensors, as the design has them")
    result = replace(result, weights=copies.vector({name: tensor.numpy() for name, tensor in tensors.items()}))
    if summary.macs > _MOST_MACS:
        reason = f"{summary.macs:,} multiply-accumulates an image: at most {_MOST_MACS:,} are computed"
        return Examined(_with(found, [known_weights, *_unknown(reason, rules)]), result)
    test, held = yield from _answers(claimed, tensors)
    found = replace(found, errors=test.errors, total=test.total)
    return Examined(_with(found, [known_weights, *_compared(claimed, test, held, rules)]), result)


def concluded(several: Sequence[Examined]) -> list[Checked]:
    """The hand-ins with the checks that compare them with each other and with the gallery."""
    found = []
    for place, one in enumerate(several):
        others = [other.result for at, other in enumerate(several) if at != place]
        against = [*others, *copies.known()]
        where = f"{len(others)} other hand-ins and the gallery" if others else "the gallery"
        log, weights = copies.same_log(one.result, against), copies.same_weights(one.result, against)
        own = [
            Check("log not another's", log is None, log or f"differs from those of {where}"),
            Check("weights not another's", weights is None, weights or f"differ from those of {where}"),
        ]
        found.append(_with(one.checked, own))
    return found


def in_order(examined: Mapping[int, Examined], unread: Mapping[int, Checked]) -> list[Checked]:
    """All hand-ins by their places, after `concluded`: those that were examined, and those that cannot be read."""
    found = dict(zip(examined, concluded(list(examined.values())), strict=True)) | dict(unread)
    return [found[place] for place in sorted(found)]


def _with(found: Checked, more: Iterable[Check]) -> Checked:
    return replace(found, checks=(*found.checks, *more))


def _unknown(reason: str, profile: Profile) -> list[Check]:
    """The checks that need the network, where there is none."""
    names = (_ACCURACY, _LAST, *(rule.rule for rule in judged(Reached((), None, "course"), profile)))
    return [Check(name, False, f"not computed: {reason}") for name in names]


def _tensors(given: HandIn) -> "dict[str, Tensor]":
    from mnistnet.handins import weights
    from mnistnet.nets.network import build

    return weights.read(given.read[WEIGHTS], weights.forms_of(build(given.manifest.design).state_dict()))


def _answers(claimed: Manifest, tensors: "dict[str, Tensor]") -> Steps[tuple[Score, Score]]:
    """The scores on the test set and on the validation images, which are the same under the course protocol."""
    from mnistnet.insight.network.probe import Probe
    from mnistnet.nets.network import build

    network = build(claimed.design)
    network.load_state_dict(tensors)
    recipe = claimed.recipe
    probe = Probe(network, datasets.source(recipe.dataset))
    images, labels = datasets.load_test(recipe.dataset)
    if recipe.protocol == "course":
        test = yield from _score(probe, images, labels, 0.0, 1.0)
        return test, test
    part = splits.split(datasets.load(recipe.dataset, fetch=False), recipe.protocol).validation
    share = len(labels) / (len(labels) + len(part))
    test = yield from _score(probe, images, labels, 0.0, share)
    held = yield from _score(probe, part.images, part.labels, share, 1.0)
    return test, held


def _score(probe: "Probe", images: Bytes, labels: Bytes, begin: float, end: float) -> Steps[Score]:
    """The score on images; the share done goes from `begin` to `end`. Logits that are not finite are errors."""
    steps = probe.answers(images)
    while True:
        try:
            yield begin + (end - begin) * next(steps)
        except StopIteration as last:
            logits = last.value
            break
    right = (logits.argmax(1) == labels) & np.isfinite(logits).all(1)
    return Score(int(len(labels) - right.sum()), len(labels))


def _compared(claimed: Manifest, test: Score, held: Score, profile: Profile) -> Iterator[Check]:
    """The figures of the weights beside those claimed, and the profile's rules on it."""
    title = datasets.source(claimed.recipe.dataset).title
    yield _agreement(_ACCURACY, f"test set of {title}", test, claimed.claims.test.errors, "are claimed")
    last = claimed.log[-1]
    logged = round((1 - last.validation_accuracy) * held.total)
    part = "test set" if claimed.recipe.protocol == "course" else "held-out images"
    yield _agreement(_LAST, f"{part} of {title}", held, logged, f"in epoch {last.epoch} of the log")
    accuracies = tuple(row.validation_accuracy for row in claimed.log)
    reached = Reached(accuracies, test, claimed.recipe.protocol, claimed.recipe.dataset)
    for rule in judged(reached, profile):
        if claimed.recipe.dataset == "mnist":
            yield Check(rule.rule, bool(rule.passed), rule.detail)
        else:
            yield Check(rule.rule, False, f"trained and tested on {title}: no accuracy on it is an MNIST accuracy")


def _agreement(name: str, where: str, found: Score, claimed: int, words: str) -> Check:
    agrees = abs(found.errors - claimed) <= TOLERANCE
    return Check(name, agrees, f"the weights give {found.text} on the {where}; {claimed:,} {words}")
