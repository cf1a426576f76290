"""The report of a run: its figures are those of the run, its HTML opens without any request, names stay text."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mnistnet.exports import material as materials
from mnistnet.exports.material import Material, NeedsRun, RunResult
from mnistnet.exports.report import Report, run_report
from mnistnet.insight.network.steps import finish
from mnistnet.insight.predictions.evaluation import Evaluation, Score
from mnistnet.insight.predictions.verdict import verdict_of
from mnistnet.nets.presets import FIRST
from mnistnet.nets.rules import PROFILES
from mnistnet.nets.summary import summarize
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe, described
from tests.exports.report.hostile import NAMES
from tests.support.samples import EXPLOSIVE, TINY, metrics, recipe, running, started

MOST_BYTES = 1_500_000
ADDRESS = re.compile(r"https?:|//|url\((?!#)|@import|\bsrcset\b")
NAMESPACES = re.compile(r'xmlns(:\w+)?="[^"]*"')


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def found(run_id: str) -> RunResult:
    run = GALLERY.find(run_id)
    assert run is not None
    result = materials.of_run(Store(), run).result
    assert result is not None
    return result


def rows(report: Report, heading: str) -> dict[str, list[str]]:
    """The rows of the tables in a section, by their first cell."""
    section = report.markdown.split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {first: rest for first, *rest in lines}


def ended(store: Store, state: RunState, epochs: int = 2, message: str = "", **fields: Any) -> Run:
    run = running(store, **fields)
    for epoch in range(1, epochs + 1):
        transitions.record_epoch(store, run.id, metrics(epoch))
    transitions.finish(store, run.id, state, message)
    return store.run(run.id)


def reported(store: Store, run: Run) -> Report:
    return finish(run_report(materials.of_run(store, run)))


@pytest.fixture(scope="module")
def result() -> RunResult:
    return found("gallery-mnistnet-4k")


@pytest.fixture(scope="module")
def report(result: RunResult) -> Report:
    return finish(run_report(Material(result.run.architecture, result.run.recipe, result)))


def test_a_design_without_a_run_has_no_report() -> None:
    with pytest.raises(NeedsRun, match="report needs a run"):
        finish(run_report(Material(FIRST.architecture, Recipe())))


def test_the_sections_stand_in_the_assignments_order(report: Report) -> None:
    assert re.findall(r"^## (.*)", report.markdown, re.MULTILINE) == [
        "Target",
        "Result",
        "Model",
        "Recipe",
        "Log",
        "Curves",
        "Worst mistakes",
        "Changed from the run before",
        "Analysis",
        "Environment",
    ]


@pytest.mark.bar("C5")
def test_the_result_is_that_of_the_verdict(report: Report, result: RunResult) -> None:
    verdict, stated = verdict_of(result.run, result.metrics), rows(report, "Result")
    score = Score(result.run.test_errors or 0, result.run.test_total or 0)
    assert f"**{verdict.headline}**" in report.markdown
    assert [stated[rule.rule] for rule in verdict.rules] == [["met", rule.detail] for rule in verdict.rules]
    assert stated["accuracy"] == [f"{score.accuracy:.2%}"]
    assert stated["errors"] == [score.errors_text]
    assert stated["95% interval"] == [f"{score.interval.low:.2%} to {score.interval.high:.2%} (Wilson)"]
    assert stated["first epoch at 99.4%"] == [f"epoch {verdict.consistency.first}"]
    assert stated["last 5 epochs"] == [f"{verdict.consistency.at_goal} at 99.4% or more"]
    assert verdict.counted in report.markdown


def test_the_layer_table_is_the_summary(report: Report, result: RunResult) -> None:
    summary = summarize(result.run.architecture)
    section = report.markdown.split("## Model\n", 1)[1].split("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
    assert [(int(row[0]), row[2], int(row[6].replace(",", "")), row[7], int(row[8])) for row in table] == [
        (row.layer + 1, "×".join(map(str, row.shape)), row.params, f"{row.field}×{row.field}", row.jump)
        for row in summary.rows
    ]
    first = result.run.architecture.layers[0].model_dump()
    size = f"{first['kernel']}×{first['kernel']}"
    assert table[0][3:6] == [size, str(first["stride"]), str(first["padding"])]
    assert table[1][3:6] == ["–", "–", "–"]  # batch norm


def test_the_recipe_and_the_log_are_complete(report: Report, result: RunResult) -> None:
    recipe, log = rows(report, "Recipe"), rows(report, "Log")
    assert {title: [value] for title, value in described(result.run.recipe).items()}.items() <= recipe.items()
    assert [log[str(row.epoch)][3] for row in result.metrics] == [
        f"{row.validation_accuracy:.2%}" for row in result.metrics
    ]
    last = result.metrics[-1]
    right = round(last.validation_accuracy * 5_000)
    assert f"Validation: loss {last.validation_loss:.4f}, accuracy {right}/5000" in report.markdown


def test_the_mistakes_are_those_of_the_predictions(report: Report, result: RunResult) -> None:
    evaluation = Evaluation(finish(result.predictions("test")))
    assert f"Predictions: {evaluation.score.errors_text} (test set of MNIST, final weights)." in report.markdown


@pytest.mark.mnist
def test_the_most_confident_mistakes_have_their_pictures(report: Report, result: RunResult) -> None:
    (picture,) = [one for one in report.pictures if one.name == "report-mistakes.svg"]
    root = ElementTree.fromstring(picture.file)
    worst = Evaluation(finish(result.predictions("test"))).mistakes[:24]
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}image"))) == 24
    assert [f"{one.label} → {one.predicted}" for one in worst] == texts[:24]
    assert [f"{one.probability:.0%}" for one in worst] == texts[24:]


def test_without_the_data_set_the_images_are_missing_and_no_folder_is_named(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path))
    report = finish(run_report(Material(result.run.architecture, result.run.recipe, result)))
    assert "The images are not shown: MNIST is not on this machine." in report.markdown
    assert [one.name for one in report.pictures if "mistakes" in one.name] == []
    assert str(tmp_path) not in report.html


def test_the_page_makes_no_request_and_runs_nothing(report: Report) -> None:
    elements = Elements(report.html).found
    assert not {"script", "iframe", "object", "embed", "link", "a", "form", "img"} & {tag for tag, _ in elements}
    assert not [name for _, attrs in elements for name in attrs if name.startswith("on")]
    sources = [str(value) for _, attrs in elements for name, value in attrs.items() if name.endswith(("href", "src"))]
    assert [source for source in sources if not source.startswith("data:image/png;base64,")] == []
    without = re.sub(r'"data:image/png;base64,[^"]*"', "", NAMESPACES.sub("", report.html))
    assert ADDRESS.findall(without) == []
    assert len(report.html.encode()) < MOST_BYTES


def test_identifiers_of_two_charts_do_not_meet_in_the_page(report: Report) -> None:
    identifiers = re.findall(r'\bid="([^"]*)"', report.html)
    assert len(identifiers) == len(set(identifiers)) > 0
    assert set(re.findall(r"url\(#([^)]*)\)", report.html)) <= set(identifiers)


def test_the_markdown_has_its_pictures_beside_it(report: Report) -> None:
    files = dict(report.files)
    named = re.findall(r"^!\[.*\]\((.*)\)$", report.markdown, re.MULTILINE)
    assert [*files] == ["report.html", "report.md", *named]
    for name in named:
        assert ElementTree.fromstring(files[name]).tag == "{http://www.w3.org/2000/svg}svg"
        assert b"currentColor" not in files[name]


def test_the_same_run_gives_the_same_report(store: Store) -> None:
    run = ended(store, RunState.STOPPED)
    assert reported(store, run).files == reported(store, run).files


def test_another_profile_has_its_own_rules(store: Store) -> None:
    run = ended(store, RunState.STOPPED, 0)
    report = finish(run_report(materials.of_run(store, run, PROFILES["last-5"])))
    assert "- at least 99.4% validation accuracy in each of the last 5 epochs" in report.markdown


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_stays_text(store: Store, name: str) -> None:
    run = ended(store, RunState.FAILED, 0, message=f"error in {name}", architecture=TINY.renamed(name))
    report = reported(store, run)
    page = Elements(report.html)
    assert {tag for tag, _ in page.found} <= {
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "strong", "em", "ul", "li"),
        *("blockquote", "div", "table", "thead", "tbody", "tr", "th", "td"),
    }
    shown = " ".join(name.split())
    assert page.text.count(shown) >= 2  # title, heading; and in the message
    assert f": error in {shown}" in page.text


def test_a_hostile_message_stays_text(store: Store) -> None:
    report = reported(store, ended(store, RunState.FAILED, 1, message="<b>|\n\n# x"))
    assert "failed after 1 of 3 epochs: \\<b\\>\\| \\# x. " in report.markdown


def test_a_run_without_an_epoch_says_what_is_missing(store: Store) -> None:
    run = ended(store, RunState.DIVERGED, 0, message="loss is not finite", architecture=EXPLOSIVE)
    report = reported(store, run)
    assert "The run has not finished: diverged after 0 of 3 epochs: loss is not finite." in report.markdown
    assert "There are no predictions to show: no epoch is finished, so there are no weights." in report.markdown
    assert report.markdown.count("No epoch is finished, so there is no") == 2
    assert report.pictures == ()


def test_a_run_whose_weights_are_gone_says_so_and_has_its_curves(store: Store) -> None:
    report = reported(store, ended(store, RunState.STOPPED))
    assert "There are no predictions to show: run " in report.markdown
    assert [picture.name for picture in report.pictures] == ["report-accuracy.svg", "report-loss.svg"]


def test_the_offline_sample_has_no_mnist_accuracy(store: Store) -> None:
    report = reported(store, ended(store, RunState.STOPPED))
    assert "no accuracy here is an MNIST accuracy" in report.markdown
    assert "held-out images of Offline sample (scikit-learn digits, not MNIST), after epoch 2" in report.markdown
    assert "first epoch at" not in report.markdown


def test_only_what_differs_from_the_run_before_is_listed(store: Store) -> None:
    before = ended(store, RunState.STOPPED, seed=1)
    now = ended(store, RunState.STOPPED, seed=2, weight_decay=0.0)
    assert rows(reported(store, now), "Changed from the run before") == {
        "field": [f"before: {before.id}", f"now: {now.id}"],
        "---": ["---", "---"],
        "weight decay": ["0.0005", "0"],
        "seed": ["1", "2"],
    }


def test_the_run_before_is_the_latest_that_ended_of_the_same_owner(store: Store) -> None:
    first = ended(store, RunState.STOPPED, seed=1)
    store.enqueue(TINY, recipe(seed=5), owner="somebody else")
    transitions.finish(store, started(store).id, RunState.STOPPED)
    now = ended(store, RunState.STOPPED, seed=2)
    ended(store, RunState.STOPPED, seed=3)
    assert f"| field | before: {first.id} | now: {now.id} |" in reported(store, now).markdown


def test_the_first_run_has_none_before_it(store: Store) -> None:
    assert "There is no run before it" in reported(store, ended(store, RunState.STOPPED)).markdown


def test_a_run_can_be_compared_with_a_chosen_one(store: Store, result: RunResult) -> None:
    run = ended(store, RunState.STOPPED, 0)
    report = finish(run_report(materials.of_run(store, run), before=replace(result.run, name="chosen")))
    assert "the run before it, gallery · chosen" in report.markdown
