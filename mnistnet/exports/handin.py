"""The format `handin`: a finished run as one zip file that `check` reads again."""

import platform
from collections.abc import Mapping

from mnistnet import __version__
from mnistnet.exports import metrics, report, weights
from mnistnet.exports.code import model_py
from mnistnet.exports.material import Material, RunResult
from mnistnet.handins import log, manifest
from mnistnet.handins.archive import DESIGN, LOG, MANIFEST, METRICS, MODEL, RECIPE, WEIGHTS
from mnistnet.handins.manifest import Claims, Figure, Manifest, Versions
from mnistnet.insight.network.steps import Steps
from mnistnet.insight.predictions.verdict import validation_score
from mnistnet.nets.rules import Profile
from mnistnet.nets.summary import require
from mnistnet.runs.files import zip_members
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import WrongState

FILE = "handin.zip"
_README = """\
A result for the MNIST assignment, made by mnistnet {version}.

{model:20} the network in plain PyTorch, with its training
{weights:20} the trained weights
{log:20} one line an epoch; metrics.csv has all figures
{design:20} the layers; recipe.json says how they were trained
report.md            the report; write your analysis into it (report.html is the same, to be read)
{manifest:20} what is claimed, and the sha256 of each file

To check it by the rules {profile.name} ({profile.title}):
python -m mnistnet check {file} --profile {profile.option}
It counts, builds and scores the network from {design} and {weights}, and runs no code of this file.
Only the report may be changed: pack the folder again, and it still passes.
"""


def files(material: Material) -> Steps[Mapping[str, bytes]]:
    """The zip file, the same bytes for the same run and versions.

    Raises NeedsRun for a design without a run, WrongState for a run that is not done.
    """
    result = material.required("handin")
    if result.run.state is not RunState.DONE:
        raise WrongState(
            f"run {result.run.id}: it is {result.run.state}: a run that is done can be handed in; resume it"
        )
    recipe = f"{material.recipe.model_dump_json(indent=2)}\n"
    written = yield from report.run_report(material)
    found = {
        MODEL: model_py(material.architecture, material.recipe).encode(),
        WEIGHTS: weights.without_metadata(result),
        LOG: log.text(result.metrics, material.recipe).encode(),
        METRICS: metrics.comma_separated(material),
        DESIGN: material.architecture.to_json().encode(),
        RECIPE: recipe.encode(),
        **written.files,
        "README.txt": _readme(material.profile).encode(),
    }
    return {FILE: zip_members.packed({MANIFEST: _manifest(material, result, found).to_json(), **found})}


def _readme(profile: Profile) -> str:
    names = {"model": MODEL, "weights": WEIGHTS, "log": LOG, "design": DESIGN, "manifest": MANIFEST, "file": FILE}
    return _README.format(version=__version__, profile=profile, **names)


def _manifest(material: Material, result: RunResult, files: dict[str, bytes]) -> Manifest:
    import torch

    run, held = result.run, validation_score(result.metrics[-1].validation_accuracy, result.run)
    assert run.test_errors is not None  # of a run that is done
    assert run.test_total is not None
    return Manifest(
        version=manifest.VERSION if run.epochs_before else 1,
        run=run.id,
        profile=material.profile.name,
        design=material.architecture,
        recipe=material.recipe,
        epochs_before=run.epochs_before,
        claims=Claims(
            parameters=require(material.architecture).params,
            epochs=len(result.metrics),
            test=_figure(run.test_errors, run.test_total),
            validation=_figure(held.errors, held.total),
        ),
        log=manifest.epochs(result.metrics),
        files=manifest.listed(files),
        versions=Versions(mnistnet=__version__, torch=torch.__version__, python=platform.python_version()),
    )


def _figure(errors: int, total: int) -> Figure:
    return Figure(accuracy=(total - errors) / total, errors=errors, total=total)
