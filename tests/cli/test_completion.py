"""What a shell offers after Tab, asked as the shell asks, and once in bash itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from mnistnet.cli import completion
from mnistnet.cli.commands import cli
from mnistnet.exports.formats import FORMATS
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.store.store import Store
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import OptimizerName, Recipe
from tests.support.situations import queued

HOUSE = Path(__file__).parents[2]
BASH = shutil.which("bash")


def offered(*words: str) -> list[str]:
    """What is offered for the last of the words."""
    shell = completion.Bash(cli, {}, "mnistnet", completion.VARIABLE)
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


def test_commands_and_options_are_offered() -> None:
    assert offered("res") == ["restore", "resume"]
    assert offered("train", "--pro") == ["--protocol", "--profile"]
    assert offered("train", "--protocol", "") == ["holdout", "course"]
    assert offered("export", "--format", "") == list(FORMATS)


def test_presets_are_offered_and_files_where_no_preset_begins_so() -> None:
    assert offered("summary", "course-1921", "") == list(PRESETS)
    assert offered("train", "mnistnet-1") == ["mnistnet-16k", "mnistnet-10k"]
    shell = completion.Bash(cli, {}, "mnistnet", completion.VARIABLE)
    assert [(item.type, item.value) for item in shell.get_completions(["train"], "my-")] == [("file", "my-")]


def test_recipes_and_profiles_are_offered() -> None:
    assert offered("train", "--recipe", "") == list(RECIPES)
    assert offered("summary", "--profile", "10") == ["10k", "10k/15"]


def _with(parameter: str) -> list[str]:
    """The commands that have it."""
    return [name for name, one in cli.commands.items() if any(parameter in each.opts for each in one.params)]


@pytest.mark.parametrize("command", _with("design"))
def test_every_command_of_a_design_offers_presets(command: str) -> None:
    assert offered(command, "") == list(PRESETS)


@pytest.mark.parametrize(
    ("option", "first"), [("--recipe", next(iter(RECIPES))), ("--set", "dataset=mnist"), ("--profile", "20k")]
)
def test_every_command_with_such_an_option_offers_its_values(option: str, first: str) -> None:
    assert {command: offered(command, option, "")[0] for command in _with(option)} == dict.fromkeys(
        _with(option), first
    )


def test_fields_are_offered_with_their_values_or_their_default() -> None:
    assert offered("train", "--set", "prot") == ["protocol=holdout", "protocol=course"]
    assert offered("train", "--set", "epochs") == ["epochs=", "epochs=18"]
    assert {text.partition("=")[0] for text in offered("train", "--set", "")} == set(Recipe.model_fields)


@pytest.mark.parametrize("command", ["show", "stop", "resume", "delete", "evaluate"])
def test_runs_of_the_store_are_offered_by_their_ids(store: Store, command: str) -> None:
    one, other = queued(store), queued(store)
    assert offered(command, "") == [other.id, one.id]
    assert offered(command, one.id[:7]) == [one.id]


def test_an_export_offers_runs_designs_and_the_gallery(store: Store) -> None:
    run = queued(store)
    assert set(offered("export", "")) == {run.id, *PRESETS, *(f"gallery-{name}" for name in PRESETS)}


def test_without_a_store_no_run_is_offered_and_none_is_made(store: Store) -> None:
    assert offered("show", "") == []
    assert not store.root.exists()


def test_a_damaged_store_offers_nothing_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "runs"
    file.write_bytes(b"no folder")
    monkeypatch.setenv("MNISTNET_STORE", str(file))
    assert offered("show", "") == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(BASH is None, reason="bash is not on the path")
def test_bash_completes_by_the_script_that_the_command_prints(tmp_path: Path, store: Store) -> None:
    run = queued(store)
    program = tmp_path / "mnistnet"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mnistnet "$@"\n', "utf-8")
    program.chmod(0o755)
    script = (
        'eval "$(mnistnet completion bash)"\n'
        "complete -p mnistnet\n"
        'for word in "show" "export --format" "train --set optimizer ="; do\n'
        '  COMP_WORDS=(mnistnet $word); [[ $word == *= ]] || COMP_WORDS+=("")\n'
        "  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()\n"
        '  _mnistnet_completion mnistnet; echo "${COMPREPLY[@]}"\n'
        "done\n"
    )
    paths = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(HOUSE)}
    ended = subprocess.run(
        [str(BASH), "--norc", "-c", script],
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    registered, shown, forms, optimizers = ended.stdout.splitlines()
    assert registered.startswith("complete ")
    assert registered.endswith("-F _mnistnet_completion mnistnet")
    assert (shown, forms.split()) == (run.id, list(FORMATS))
    assert optimizers.split() == list(get_args(OptimizerName))


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "mnistnet", "completion", shell], cwd=HOUSE, capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert f"{completion.VARIABLE}={shell}_complete" in ended.stdout


def test_an_answer_needs_none_of_the_large_packages(store: Store) -> None:
    asking = {"COMP_WORDS": "mnistnet\nshow\n", "COMP_CWORD": "2", completion.VARIABLE: "bash_complete"}
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mnistnet"],
        cwd=HOUSE,
        env={**os.environ, **asking},
        capture_output=True,
        text=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert imported & {"torch", "numba", "scipy", "pandas", "altair", "streamlit"} == set()
    assert ended.returncode == 0
