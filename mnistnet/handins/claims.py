"""The checks that need no network: files, design, recipe, parameters, log and claims against each other."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TypeVar

from mnistnet import __version__, strict_json
from mnistnet.data import datasets, splits
from mnistnet.errors import BadInput
from mnistnet.handins import log
from mnistnet.handins.archive import DESIGN, LARGEST, LOG, MANIFEST, METRICS, MODEL, RECIPE
from mnistnet.handins.handin import HandIn, ModelText
from mnistnet.handins.manifest import Listed
from mnistnet.handins.results import Check
from mnistnet.nets import architecture as designs
from mnistnet.nets import rules
from mnistnet.nets.rules import Profile
from mnistnet.nets.summary import Summary, summarize
from mnistnet.training import recipe as recipes

T = TypeVar("T")

_ROUNDING = 1e-9  # of a share that was computed in another order


def judging(handin: HandIn, profile: Profile | None) -> Profile:
    """The rules that a hand-in is judged by: the profile that is given, else the built-in one that its manifest names.

    Own rules are not taken from a stranger: a hand-in that was made for them is judged by the assignment's.
    """
    return profile or rules.built_in(handin.manifest.profile) or rules.COURSE


def checks(handin: HandIn, profile: Profile | None, model_text: ModelText | None) -> Iterator[Check]:
    """All checks on what the files say, in the order of the verdict; `profile` as in `judging`."""
    claimed, recipe = handin.manifest, handin.manifest.recipe
    summary = summarize(claimed.design)
    yield _of("files", _changed(handin), f"{len(handin.read) - 1} as the manifest lists them")
    yield _of("design", _other(handin, DESIGN, designs.parse, claimed.design), "that of the manifest")
    yield _of("recipe", _other(handin, RECIPE, _recipe, recipe), "that of the manifest")
    yield _builds(summary)
    yield _model(handin, model_text)
    yield _parameters(summary, claimed.claims.parameters)
    yield _rules(handin, profile)
    before = claimed.epochs_before
    judged = judging(handin, profile)
    for rule in rules.verdicts(claimed.design, summary, before + len(claimed.log), judged, before):
        yield Check(rule.rule, bool(rule.passed), rule.detail)
    yield _of("log complete", log.gap(claimed), f"epochs 1 to {recipe.epochs}, as the recipe says")
    yield _of("log plausible", log.implausible(claimed), "each accuracy is a whole number of images")
    yield _of("log in all files", _log_difference(handin), "the manifest, metrics.csv and log.txt say the same")
    yield _of("claims consistent", _inconsistent(handin), "accuracies follow from errors and numbers of images")


def _of(name: str, fault: str | None, found: str) -> Check:
    return Check(name, fault is None, fault or found)


def _changed(handin: HandIn) -> str | None:
    """The first file that is not as the manifest lists it; reports may be edited, and are not read."""
    found = handin.manifest.files
    for name, data in handin.read.items():
        if name == MANIFEST:
            continue
        if name not in found:
            return f"{name} is not listed in {MANIFEST}"
        if not _is_as_listed(data, found[name]):
            return f"{name} was changed after the export: its sha256 is not that in {MANIFEST}"
    missing = [name for name in found if name in LARGEST and name not in handin.read]
    return f"{missing[0]} is listed in {MANIFEST} and missing" if missing else None


def _is_as_listed(data: bytes, one: Listed) -> bool:
    """True where the bytes have the hash; the line breaks of a text may be another system's, as Git changes them."""
    if sha256(data).hexdigest() == one.sha256:
        return True
    unix = data.replace(b"\r\n", b"\n")
    return one.sha256 in (sha256(unix).hexdigest(), sha256(unix.replace(b"\n", b"\r\n")).hexdigest())


def _recipe(text: bytes) -> recipes.Recipe:
    return recipes.recipe(recipes.parse(text))


def _other(handin: HandIn, name: str, parse: Callable[[bytes], T], claimed: T) -> str | None:
    try:
        return None if parse(handin.read[name]) == claimed else f"{name} is not that of {MANIFEST}"
    except BadInput as error:
        return f"{name}: {error}"


def _builds(summary: Summary) -> Check:
    fault = f"layers.{summary.fault.layer}: {summary.fault.message}" if summary.fault else None
    return _of("builds", fault, "every layer fits, 10 logits")


def _parameters(summary: Summary, claimed: int) -> Check:
    if summary.fault:
        return Check("parameters", False, f"{claimed:,} are claimed, a design that does not build has none")
    is_equal = summary.params == claimed
    return Check("parameters", is_equal, f"{summary.params:,} counted, {claimed:,} claimed")


def _model(handin: HandIn, model_text: ModelText | None) -> Check:
    """model.py is compared as text, and only where this version of mnistnet wrote it."""
    given, made = handin.read.get(MODEL), handin.manifest.versions.mnistnet
    if given is None:
        return Check(MODEL, False, "missing; export the run again")
    if model_text is None or made != __version__:
        return Check(MODEL, True, "not compared: another version of mnistnet wrote it")
    try:
        wanted = model_text(handin.manifest.design, handin.manifest.recipe).encode()
    except BadInput:
        return Check(MODEL, False, "belongs to no design that builds")
    is_equal = given.replace(b"\r\n", b"\n") == wanted
    return Check(MODEL, is_equal, "the code of this design" if is_equal else "not the code that this design gives")


def _rules(handin: HandIn, profile: Profile | None) -> Check:
    judged, named = judging(handin, profile).name, strict_json.shown(handin.manifest.profile)
    known = rules.built_in(handin.manifest.profile)
    if profile is None and known is None:
        reason = f"it was made for {named}, which does not come with mnistnet; give the file of these rules"
        return Check("rules", False, f"{judged}: {reason}")
    is_same = judged in (handin.manifest.profile, known and known.name)
    return Check("rules", True, f"{judged}, for which it was made" if is_same else f"{judged}; it was made for {named}")


def _log_difference(handin: HandIn) -> str | None:
    rows, wanted = handin.manifest.log, log.text(handin.manifest.log, handin.manifest.recipe)
    if METRICS not in handin.read or LOG not in handin.read:
        return f"{METRICS if METRICS not in handin.read else LOG} is missing; export the run again"
    if difference := log.table_difference(handin.read[METRICS], rows):
        return f"{METRICS}: {difference}"
    if handin.read[LOG].replace(b"\r\n", b"\n") != wanted.encode():
        return f"{LOG}: not what the log of {MANIFEST} gives"
    return None


def _inconsistent(handin: HandIn) -> str | None:
    claims, recipe = handin.manifest.claims, handin.manifest.recipe
    counts = splits.counts(datasets.source(recipe.dataset), recipe.protocol)
    for name, figure, total in (
        ("test", claims.test, counts.test),
        ("validation", claims.validation, counts.validation),
    ):
        if figure.total != total:
            return f"{name}: {figure.total:,} images are claimed, the data set has {total:,}"
        if abs(figure.accuracy - (total - figure.errors) / total) > _ROUNDING:
            return f"{name}: an accuracy of {figure.accuracy:.4%} is claimed, and {figure.errors:,} errors in {total:,}"
    return None
