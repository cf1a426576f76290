"""Lint, format and types, so that `pytest` alone checks everything; and files whose text is the same everywhere."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
PACKAGE = [file for folder in ("mnistnet", "pages", "benchmarks") for file in (HOUSE / folder).rglob("*.py")]


@pytest.mark.parametrize("tool", [("check", "."), ("format", "--check", ".")], ids=" ".join)
def test_the_linter_has_nothing_to_say(tool: tuple[str, ...]) -> None:
    ended = subprocess.run([sys.executable, "-m", "ruff", *tool], cwd=HOUSE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.timeout(900)
def test_the_types_are_sound() -> None:
    ended = subprocess.run([sys.executable, "-m", "mypy"], cwd=HOUSE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _leaves_encoding_open(call: ast.Call) -> bool:
    """Whether a text file is read or written as the machine's locale has it. The linter sees it for a literal path."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    given = len(call.args) + len({"encoding", "mode"} & {keyword.arg for keyword in call.keywords})
    return (name == "read_text" and given < 1) or (name == "write_text" and given < 2) or (name == "open" and not given)


def test_every_text_file_has_an_encoding_whatever_the_locale() -> None:
    found = [
        f"{file.relative_to(HOUSE)}:{node.lineno}"
        for file in PACKAGE
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and _leaves_encoding_open(node)
    ]
    assert found == []
