"""The report of several runs: one row a step with what it has of each technique, and each compared with the last."""

import re

import pytest

from mnistnet.exports import material as materials
from mnistnet.exports.material import Material, NeedsRun
from mnistnet.exports.report import Report, series_report
from mnistnet.insight.network.steps import finish
from mnistnet.insight.predictions.verdict import verdict_of
from mnistnet.nets.presets import FIRST
from mnistnet.runs.run import RunState
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe
from tests.exports.report.test_report import Elements, ended
from tests.support.samples import EXPLOSIVE, TINY

IDS = ("gallery-course-10040", "gallery-mnistnet-4k", "gallery-mnistnet-min")


@pytest.fixture(scope="module")
def report() -> Report:
    runs = [GALLERY.find(one) for one in IDS]
    return finish(series_report([materials.of_run(Store(), run) for run in runs if run]))


def table(report: Report, first: str) -> list[list[str]]:
    """The rows below the headings of the table whose second heading is `first`."""
    text = report.markdown.split(f"| step | {first} |", 1)[1].split("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]


def test_each_step_has_one_row_with_its_techniques(report: Report) -> None:
    rows = table(report, "run")
    assert [row[:3] for row in rows] == [
        ["1", "gallery · course-10040", "10,040"],
        ["2", "gallery · mnistnet-4k", "3,802"],
        ["3", "gallery · mnistnet-min", "2,506"],
    ]
    assert rows[0][3:] == [
        "8 layers",
        "0.05 in 8 layers",
        "max pool (layers 4, 8); global average pool (layer 12)",
        "rotation 10°, shift 0.12, scaling 0.1",
        "SGD, one cycle, to 0, peak 0.2",
    ]


def test_each_step_has_one_row_with_its_result(report: Report) -> None:
    runs = [run for run in map(GALLERY.find, IDS) if run]
    assert [row[:4] for row in table(report, "epochs")] == [
        [
            str(number),
            f"{run.epochs_done} of {run.recipe.epochs}",
            f"{run.test_accuracy:.2%}",
            f"{run.test_errors} errors in 10,000",
        ]
        for number, run in enumerate(runs, 1)
    ]
    met = {True: "yes", False: "no", None: "not judged"}
    assert [row[5:] for row in table(report, "epochs")] == [
        ["test set of MNIST, final weights", met[verdict_of(run, GALLERY.metrics(run)).met]] for run in runs
    ]


def test_what_a_step_does_not_have_is_said(store: Store) -> None:
    bare = ended(store, RunState.STOPPED, 0, architecture=EXPLOSIVE, rotation_degrees=0.0, shift=0.0, scale=0.0)
    tiny = ended(store, RunState.STOPPED, 0)
    report = finish(series_report([materials.of_run(store, bare), materials.of_run(store, tiny)]))
    rows = table(report, "run")
    assert rows[0][3:7] == ["none", "none", "global average pool (layer 5)", "none"]
    assert rows[1][3:6] == [
        "2 layers",
        "0.1 in 2 layers",
        "stride 2 (layer 1); max pool (layer 2); global average pool (layer 4)",
    ]
    assert [row[2:] for row in table(report, "epochs")] == [["none"] * 4 + ["not judged"]] * 2


def test_each_step_has_target_result_and_analysis_and_is_compared_with_the_one_before(report: Report) -> None:
    headings = re.findall(r"^### (.*)", report.markdown, re.MULTILINE)
    step = ["Target", "Changed from the step before", "Result", "Analysis"]
    assert headings[:11] == ["Target", "Result", "Analysis", *step, *step]
    assert f"| field | before: {IDS[0]} | now: {IDS[1]} |" in report.markdown
    assert f"| field | before: {IDS[1]} | now: {IDS[2]} |" in report.markdown


def test_one_chart_has_the_curves_of_all(report: Report) -> None:
    assert [picture.name for picture in report.pictures] == ["report-steps.svg"]
    assert [
        name for name in ("1: course-10040", "2: mnistnet-4k", "3: mnistnet-min") if name in report.pictures[0].svg
    ] == [
        "1: course-10040",
        "2: mnistnet-4k",
        "3: mnistnet-min",
    ]


def test_accuracies_of_different_images_are_not_to_be_compared(store: Store, report: Report) -> None:
    assert "cannot be compared" in report.markdown  # course and holdout
    runs = [ended(store, RunState.STOPPED, 0), ended(store, RunState.STOPPED, 0, seed=2)]
    assert "cannot be compared" not in finish(series_report([materials.of_run(store, run) for run in runs])).markdown


def test_a_hostile_name_stays_text_in_the_chart(store: Store) -> None:
    name = "<script>alert(1)</script>&amp;"
    runs = [ended(store, RunState.STOPPED, 1, architecture=TINY.renamed(name)), ended(store, RunState.STOPPED, 1)]
    report = finish(series_report([materials.of_run(store, run) for run in runs]))
    page = Elements(report.html)
    assert "script" not in {tag for tag, _ in page.found}
    assert f"1: {name}" in page.text


def test_a_design_without_a_run_is_no_step(report: Report) -> None:
    with pytest.raises(NeedsRun, match="report needs a run"):
        finish(series_report([Material(FIRST.architecture, Recipe())]))
