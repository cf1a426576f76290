"""Hand-ins from people who mean harm: refused in one line that names the place, in time, and nothing is run or written.

Time is the processor time of the reading thread, the garbage collector off; of up to three readings the least.
"""

import gc
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from time import thread_time

import pytest

from mnistnet.errors import BadInput
from mnistnet.handins import checking, handin, manifest, weights
from mnistnet.handins.archive import MANIFEST, WEIGHTS
from mnistnet.handins.weights import Forms
from mnistnet.insight.network.steps import finish
from mnistnet.nets.network import build
from tests.support import hostile_handins
from tests.support.handins import SMALL, Files, honest, zipped

pytestmark = pytest.mark.bar("F18")

SOME, ALL = 150, 10_000
SECONDS_A_ZIP, SECONDS_A_FILE = 1.0, 0.05
LONGEST_MESSAGE = 400
MOST_MEMORY = 200 * 1000**2


@pytest.fixture(scope="module")
def files() -> Files:
    return honest()


@pytest.fixture(scope="module")
def forms() -> Forms:
    return weights.forms_of(build(SMALL).state_dict())


def refusal(read: Callable[[], object], seconds_allowed: float) -> str:
    """The sentence with which something was refused in time; anything but BadInput fails the test."""
    seconds, message = float("inf"), ""
    for _ in range(3):
        gc.disable()
        began = thread_time()
        try:
            found = read()
            message = found if isinstance(found, str) else ""
        except BadInput as error:
            message = str(error)
        seconds = min(seconds, thread_time() - began)
        gc.enable()
        if seconds < seconds_allowed:
            break
    assert seconds < seconds_allowed, f"{seconds:.3f} s: {message}"
    assert message.isprintable(), ascii(message)
    assert len(message) <= LONGEST_MESSAGE, message
    return message


def reason(data: bytes) -> str:
    """What is wrong with a zip file after all checks on it; empty where nothing is but the offline sample."""
    found = checking.concluded([finish(checking.examined(handin.from_bytes(data, "x.zip")))])[0]
    return next((check.detail for check in found.failed if "MNIST accuracy" not in check.detail), "")


def zip_files(files: Files, count: int, seed: int) -> None:
    random = Random(seed)
    for number in range(count):
        data = hostile_handins.zip_file(files, random)
        assert refusal(partial(reason, data), SECONDS_A_ZIP), f"accepted: number {number} of seed {seed}"


def manifests(files: Files, count: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(count):
        text = hostile_handins.manifest_text(files, random)
        message = refusal(partial(manifest.parse, text, "x.zip"), SECONDS_A_FILE)
        assert message.startswith("'x.zip': manifest.json: "), text[:2000]


def weights_files(files: Files, forms: Forms, count: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(count):
        data = hostile_handins.weights_file(files[WEIGHTS], random)
        assert refusal(partial(weights.read, data, forms), SECONDS_A_FILE), data[:500]


def flipped(files: Files, count: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(count):
        refusal(lambda: reason(hostile_handins.flipped(zipped(files), random)), SECONDS_A_ZIP)


def test_hostile_zip_files_are_refused(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    zip_files(files, SOME, seed=1)
    assert list(tmp_path.iterdir()) == []


def test_hostile_manifests_are_refused_at_their_place(files: Files) -> None:
    manifests(files, 3 * SOME, seed=1)


def test_hostile_weights_files_are_refused(files: Files, forms: Forms) -> None:
    weights_files(files, forms, 3 * SOME, seed=1)


def test_flipped_bits_crash_nothing(files: Files) -> None:
    flipped(files, SOME // 3, seed=1)


@pytest.mark.posix
@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["zip files", "manifests", "weights", "flipped bits"])
def test_ten_thousand_of_each_kind(files: Files, forms: Forms, kind: str) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seed = int.from_bytes(os.urandom(4), "big")
    if kind == "zip files":
        reason(zipped(files))  # torch is imported before the memory is measured
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        zip_files(files, ALL, seed)
    elif kind == "manifests":
        manifests(files, ALL, seed)
    elif kind == "weights":
        weights_files(files, forms, ALL, seed)
    else:
        flipped(files, ALL, seed)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_MEMORY, f"{grown:,} bytes"


@pytest.mark.parametrize("name", ["../manifest.json", "/etc/passwd", "C:\\x", "a\nb", "x" * 300, ""])
def test_a_name_that_leads_elsewhere_is_named(files: Files, name: str) -> None:
    message = refusal(lambda: reason(zipped({**files, name: b"x"})), SECONDS_A_ZIP)
    assert "; export a new one with `python -m mnistnet export RUN --format handin`" in message


def test_files_in_a_folder_of_their_own_and_what_systems_add_are_read(files: Files) -> None:
    moved = {f"handin/{name}": data for name, data in files.items()}
    assert reason(zipped({**moved, "__MACOSX/handin/._manifest.json": b"x", "handin/.DS_Store": b"x"})) == ""


def test_a_link_in_a_folder_is_not_followed(files: Files, tmp_path: Path) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / MANIFEST).unlink()
    (tmp_path / MANIFEST).symlink_to("/etc/passwd")
    with pytest.raises(BadInput, match=r"manifest\.json: a link or no file: plain files are allowed"):
        handin.from_path(tmp_path)


@pytest.mark.parametrize("path", ["missing.zip", "a\0b", "x" * 5000])
def test_a_path_without_a_file_is_named(path: str) -> None:
    with pytest.raises(BadInput, match=r"allowed|no such file"):
        handin.from_path(Path(path))
