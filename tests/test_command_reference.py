"""docs/command-line.md names every command, argument, option, choice, default, recipe field and JSON field, and no
other."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from mnistnet.cli import documents
from mnistnet.cli.commands import cli, experiments
from mnistnet.cli.program import NAME, main
from mnistnet.exports.formats import FORMATS
from mnistnet.handins import forms
from mnistnet.handins.results import refused
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.nets.rules import PROFILES
from mnistnet.runs.backup.backup import Contents
from mnistnet.runs.limits import VARIABLE
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import compilation
from mnistnet.training.acceleration import SWITCH
from mnistnet.training.presets import RECIPES
from mnistnet.training.range_test import Sweep
from mnistnet.training.recipe import Recipe

PAGE = Path(__file__).parents[1] / "docs" / "command-line.md"
TEXT = PAGE.read_text("utf-8")
NO_COMMANDS = {"Values", "Exit codes", "Environment", "Shell completion"}
SECTIONS: dict[str, str] = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", TEXT, re.MULTILINE))
_ITEM = re.compile(r"^- `(--[\w-]+)(?: ([^`]+))?`(.*)$", re.MULTILINE)
COMMANDS = sorted(cli.commands)


def options(command: str) -> dict[str, click.Option]:
    return {one.opts[-1]: one for one in cli.commands[command].params if isinstance(one, click.Option)}


def documented(command: str) -> dict[str, tuple[str, str]]:
    """Options of a command's section: the value's name, and the words about it."""
    return {option: (value, words) for option, value, words in _ITEM.findall(SECTIONS[command])}


def context(command: str) -> click.Context:
    return click.Context(cli.commands[command], info_name=f"{NAME} {command}")


def test_there_is_a_section_for_each_command_and_no_other() -> None:
    assert set(SECTIONS) - NO_COMMANDS == set(COMMANDS)


def test_the_list_of_commands_cuts_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.endswith("...") and "Usage" not in line] == []


def test_the_contents_list_each_section() -> None:
    contents = TEXT.partition("\n## ")[0]
    assert set(re.findall(r"\]\(#([\w-]+)\)", contents)) == {title.lower().replace(" ", "-") for title in SECTIONS}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_section_shows_the_usage_line_of_its_command(command: str) -> None:
    usage = " ".join(cli.commands[command].get_usage(context(command)).removeprefix("Usage: ").split())
    assert f"```\n{usage}\n```" in SECTIONS[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_section_lists_each_option_of_its_command_and_no_other(command: str) -> None:
    assert set(documented(command)) == set(options(command))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_shown_with_its_value_and_its_default(command: str) -> None:
    for name, option in options(command).items():
        value, words = documented(command)[name]
        assert value == ("" if option.is_flag else option.make_metavar(context(command))), name
        if option.show_default:
            assert re.search(rf"Default: `?{option.default}\b", words), name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_choice_is_named(command: str) -> None:
    choices = [
        choice
        for one in cli.commands[command].params
        if isinstance(one.type, click.Choice)
        for choice in one.type.choices
    ]
    assert [choice for choice in choices if not re.search(rf"\b{choice}\b", SECTIONS[command])] == []


def test_every_option_that_is_mentioned_anywhere_exists() -> None:
    known = {name for command in COMMANDS for name in options(command)} | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", TEXT)) - known == set()


@pytest.mark.parametrize("example", re.findall(r"Example: `python -m mnistnet ([^`]+)`", TEXT))
def test_every_example_is_accepted_by_its_command(example: str) -> None:
    command, *arguments = example.split()
    cli.commands[command].make_context(command, arguments)


def test_every_field_of_the_recipe_is_listed_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([\w.]+)", SECTIONS["Values"], re.MULTILINE))
    defaults = {name: str(value) for name, value in Recipe().model_dump().items()}
    assert {name: shown.removesuffix(".0") for name, shown in defaults.items()} == rows


@pytest.mark.parametrize(("subject", "names"), [("Recipe", RECIPES), ("Profile", PROFILES)])
def test_every_name_that_is_built_in_is_listed(subject: str, names: dict[str, object]) -> None:
    listed = SECTIONS["Values"].partition(f"**{subject}.**")[2].partition("\n")[0]
    assert set(names) <= set(re.findall(r"`([\w/-]+)`", listed))


def test_the_variables_of_the_environment_are_listed() -> None:
    assert {VARIABLE, SWITCH, compilation.SWITCH, "MNISTNET_DATA", "MNISTNET_STORE"} == set(
        re.findall("MNISTNET_[A-Z]+", TEXT)
    )


def shape(document: Any) -> Any:
    """Names of all fields, without their values; a list is known by its first element."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items()}
    return [shape(document[0])] if isinstance(document, list) and document else None


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def example(command: str) -> Any:
    return shape(json.loads(SECTIONS[command].partition("```json\n")[2].partition("```")[0]))


@pytest.mark.parametrize("arguments", [["presets"], ["summary", "mnistnet-min"], ["data", "--dataset", "digits"]])
def test_the_documents_of_designs_and_data_have_the_fields_that_are_shown(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shape(printed(capsys, *arguments)) == example(arguments[0])


def test_the_document_of_a_check_has_the_fields_that_are_shown() -> None:
    assert shape(forms.document([refused("handin.zip", "no zip file")])) == example("check")


def test_the_document_of_a_range_test_has_the_fields_that_are_shown() -> None:
    rates = tuple(0.001 * 1.1**step for step in range(80))
    falling = tuple(2.3 - 0.02 * step for step in range(80))
    assert shape(experiments._document(Sweep(rates, falling))) == example("lr-range")


def test_the_document_of_a_cluster_has_the_fields_that_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert shape(printed(capsys, "cluster")) == example("cluster")


def test_the_formats_of_an_export_are_listed_with_their_main_files() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)`", SECTIONS["export"], re.MULTILINE)
    assert dict(rows) == {form.name: form.file for form in FORMATS.values()}


def test_the_documents_of_a_run_have_the_fields_that_are_shown() -> None:
    run = GALLERY.runs()[0]
    document = documents.whole(run, GALLERY.metrics(run))
    assert shape(document["metrics"]) == [example("show")]
    added = {"started_from", "epochs_before", "architecture", "recipe"}
    assert added == set(documents.listed(run)) - set(documents.outcome(run))
    assert shape(documents.outcome(run)) == example("train")


def test_the_document_of_an_evaluation_has_the_fields_that_are_shown() -> None:
    found = GALLERY.predictions(GALLERY.runs()[0], "test")
    assert found
    assert shape(documents.evaluation(Evaluation(found))) == example("evaluate")


def test_the_documents_of_files_have_the_fields_that_are_shown(store: Store) -> None:
    assert shape(documents.export("csv", {Path("metrics.csv"): b""})) == example("export")
    contents = Contents(runs=1, unfinished=0, bytes=1, left_out=0)
    assert shape(documents.backup(Path("runs.zip"), store, contents)) == example("backup")
