"""Lint, format and types, so that `pytest` alone checks everything."""

import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "tool",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy", "--num-workers", "2")],
    ids=lambda tool: " ".join(tool),
)
def test_the_tool_has_nothing_to_say(tool: tuple[str, ...]) -> None:
    ended = subprocess.run([sys.executable, "-m", *tool], cwd=HOUSE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
