"""The documents agree with the code: links lead somewhere, commands and folders are named, lists are complete."""

import re
from pathlib import Path

import pytest

from mnistnet.cli.commands import cli
from tests.conftest import SLOW

HOUSE = Path(__file__).parents[1]
README = (HOUSE / "README.md").read_text("utf-8")
DOCUMENTS = [*HOUSE.glob("*.md"), *(HOUSE / "docs").glob("*.md"), HOUSE / "benchmarks" / "LOG.md"]
MOST_WORDS, MOST_WORDS_OF_AN_EXPERIMENT, MOST_TERMS = 1450, 120, 45
_LINK = re.compile(r"\]\((?!https?:|javascript:|#)([^)#]+)(#[^)]*)?\)")
_PATH = re.compile(r"`((?:mnistnet|tests|pages|docs|benchmarks|\.streamlit)/[\w./-]*)`")


def name(file: Path) -> str:
    return file.relative_to(HOUSE).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_and_every_path_leads_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    targets = [document.parent / link for link, _ in _LINK.findall(text)]
    targets += [HOUSE / path for path in _PATH.findall(text) if "NAME" not in path and "ensembles" not in path]
    assert [str(target) for target in targets if not target.exists()] == []


def test_the_readme_is_short() -> None:
    assert len(README.split()) < MOST_WORDS


@pytest.mark.parametrize("command", ["summary", "train", "runs", "evaluate", "export", "dashboard"])
def test_the_readme_names_the_main_commands(command: str) -> None:
    assert f"python -m mnistnet {command}" in README


def test_the_readme_links_to_the_command_reference_and_names_no_command_that_does_not_exist() -> None:
    assert "(docs/command-line.md)" in README
    assert set(re.findall(r"python -m mnistnet ([\w-]+)", README)) <= {*cli.commands, "COMMAND"}


def test_the_readme_says_what_each_dependency_is_for() -> None:
    table = README.partition("| package | for |")[2]
    named = {word for row in re.findall(r"^\| ([a-z0-9, -]+) \|", table, re.MULTILINE) for word in row.split(", ")}
    listed = (HOUSE / "dependencies.txt").read_text("utf-8").splitlines()
    assert named == {line.partition("==")[0] for line in listed if not line.startswith("#")}


def test_the_readme_maps_every_room_and_no_other() -> None:
    rooms = README.partition("## The rooms")[2].partition("```")[2].partition("```")[0]
    mapped = set(re.findall(r"^  ([\w.]+)", rooms, re.MULTILINE))
    assert mapped == {path.name for path in (HOUSE / "mnistnet").iterdir() if path.name[0] != "_"}


def test_every_experiment_of_the_log_is_short() -> None:
    entries = re.split(r"^### ", (HOUSE / "benchmarks" / "LOG.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    words = {entry.splitlines()[0]: len(re.findall(r"\S*\w\S*", _prose(entry))) for entry in entries}
    assert {title: count for title, count in words.items() if count > MOST_WORDS_OF_AN_EXPERIMENT} == {}


def _prose(entry: str) -> str:
    return entry.partition("\n")[2].partition("\n## ")[0]


def test_the_glossary_is_short_and_names_nothing_twice() -> None:
    glossary = (HOUSE / "CONTRIBUTING.md").read_text("utf-8").partition("## Glossary")[2].partition("\n## ")[0]
    terms = [line.split("|")[1].strip() for line in glossary.splitlines() if line.startswith("| ")][1:]
    words = [word for term in terms for word in term.split(", ")]
    assert len(terms) <= MOST_TERMS
    assert len(words) == len(set(words))


@pytest.mark.parametrize("left_out", SLOW)
def test_what_the_fast_tests_leave_out_exists(left_out: str) -> None:
    path, _, name = left_out.partition("::")
    assert (HOUSE / "tests" / path).exists()
    assert not name or f"def {name}(" in (HOUSE / "tests" / path).read_text("utf-8")
