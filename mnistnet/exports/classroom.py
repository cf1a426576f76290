"""The format `classroom`: a pytest file and a workflow that check the hand-in in a student's repository."""

from collections.abc import Mapping

from mnistnet import __version__

TEST, WORKFLOW = "test_handin.py", ".github/workflows/handin.yml"
# Under which pytest runs no code of the repository but the test: no conftest.py, no settings that name plugins, no
# folder of it on Python's path. PYTHONSAFEPATH does the last for `python -m`.
OPTIONS = ("-c", "/dev/null", "--rootdir", ".", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider")

_TEST = '''\
"""Checks the hand-in in this folder: design.json, weights.safetensors, log and manifest. Runs no code of it.

To make one: `python -m mnistnet export RUN --format handin`, then unpack handin.zip beside this file.
"""

from pathlib import Path

import pytest
from mnistnet.exports.code import model_py
from mnistnet.handins import Check, check
from mnistnet.nets.rules import profile

HANDIN = Path(__file__).parent  # the folder with manifest.json
PROFILE = "20k"  # the rules; `python -m mnistnet check --help` lists them

CHECKS = check(HANDIN, profile(PROFILE), model_py).checks


@pytest.mark.parametrize("one", CHECKS, ids=[one.check for one in CHECKS])
def test_handin(one: Check) -> None:
    assert one.passed, one.detail
'''

_WORKFLOW = """\
# Checks the hand-in at each push. MNISTNET is what pip installs: a folder of this repository, a wheel's address,
# or git+https://... of the repository that has mnistnet (version VERSION wrote this file).
name: hand-in
on: [push, pull_request, workflow_dispatch]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    env:
      MNISTNET: mnistnet
      MNISTNET_DATA: ${{ runner.temp }}/data
      PYTHONSAFEPATH: "1" # modules of this folder, whatever their names are, are not imported
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu
      - run: pip install "$MNISTNET" pytest
      - run: python -m mnistnet data
      - run: python -m pytest test_handin.py -v OPTIONS
"""


def classroom() -> Mapping[str, bytes]:
    """Both files by their places in the repository, the test first. The same for every design."""
    workflow = _WORKFLOW.replace("VERSION", __version__).replace("OPTIONS", " ".join(OPTIONS))
    return {TEST: _TEST.encode(), WORKFLOW: workflow.encode()}
