"""The export command: what names a design or a run, where its files go, and that they are written whole."""

import csv
import errno
import io
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest

from mnistnet.cli import arguments, destination
from mnistnet.cli.program import main
from mnistnet.exports.formats import FORMATS, Format
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.training.recipe import Recipe
from tests.support.samples import TINY
from tests.support.situations import ended, queued

CODE = {"model.py": b"class Net: ...", "weights.safetensors": b"\0"}
REPORT = {"report.md": b"# Report", "images/curve.png": b"\0"}
GALLERY = "gallery-mnistnet-4k"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What is named


def test_a_preset_a_file_and_standard_input_are_designs(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "tiny.json").write_text(TINY.to_json())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TINY.to_json().encode()), encoding="utf-8"))
    found = [arguments.material(name, store, None) for name in ("course-10040", "tiny.json", "-")]
    assert [(one.architecture.name, one.result) for one in found] == [
        ("course-10040", None),
        ("tiny", None),
        ("tiny", None),
    ]
    assert found[0].recipe == Recipe()


def test_a_design_can_be_given_a_recipe(store: Store) -> None:
    assert arguments.material("mnistnet-4k", store, "mnistnet-4k").recipe != Recipe()


def test_a_prefix_and_an_id_of_the_gallery_are_runs(store: Store) -> None:
    run = ended(RunState.STOPPED)(store)
    found = arguments.material(run.id[:5], store, None)
    assert found.result is not None
    assert (found.result.run.id, [row.epoch for row in found.result.metrics]) == (run.id, [1])
    gallery = arguments.material(GALLERY, store, None)
    assert gallery.result is not None
    assert len(gallery.result.metrics) == gallery.recipe.epochs


def test_a_folder_named_like_a_run_does_not_hide_it(store: Store, folder: Path) -> None:
    run = ended(RunState.STOPPED)(store)
    (folder / run.id).mkdir()
    assert arguments.material(run.id, store, None).result is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nowhere"], "'nowhere': neither a preset, a design file, - nor a run; "),
        (["x\n" * 99], "'x\\nx\\n"),
        (["gallery-none"], "neither a preset"),
        (["course-10040"], "design 'course-10040': csv needs a run"),
        ([GALLERY, GALLERY], "2 given: --format csv takes one; give one run or design"),
        ([GALLERY, "--recipe", "mnistnet-4k"], f"run {GALLERY} has its own recipe; leave --recipe out"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    given: list[str], said: str, store: Store, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *given, "--format", "csv"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert files(folder) == {}


def test_a_prefix_of_several_runs_is_refused_with_their_names(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "refresh", lambda store: None)
    ids = [queued(store).id for _ in range(17)]  # of 17, two begin with the same digit
    digit = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    assert main(["export", digit, "--format", "csv"]) == 2
    assert "runs begin so" in capsys.readouterr().err


def test_a_profile_is_what_is_judged_by(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Format("judged", "", "", False, lambda one: {"rules.txt": one.profile.name.encode()}, file="rules.txt")
    monkeypatch.setitem(FORMATS, "csv", judged)
    for options, name in (([], "20k"), (["--profile", "last-5"], "last-5")):
        assert main(["export", GALLERY, "--format", "csv", *options, "--overwrite"]) == 0
        assert (folder / "rules.txt").read_text() == name


# Where files go


@pytest.mark.parametrize(
    ("contents", "is_folder", "output", "expected"),
    [
        (CODE, True, None, ["model.py", "weights.safetensors"]),
        (CODE, True, "out", ["out/model.py", "out/weights.safetensors"]),
        (CODE, True, "out/net.py", ["out/net.py", "out/weights.safetensors"]),
        (CODE, True, "out.d/", ["out.d/model.py", "out.d/weights.safetensors"]),
        ({"model.py": b""}, True, "out", ["out/model.py"]),
        ({"model.py": b""}, True, "NET.PY", ["NET.PY"]),
        ({"metrics.csv": b""}, False, None, ["metrics.csv"]),
        ({"metrics.csv": b""}, False, "log.txt", ["log.txt"]),
        ({"metrics.csv": b""}, False, "log", ["log"]),
        ({"metrics.csv": b""}, False, "log/", ["log/metrics.csv"]),
        ({"metrics.csv": b""}, False, "there", ["there/metrics.csv"]),
        ({"metrics.csv": b""}, False, "there.csv", ["there.csv/metrics.csv"]),
        (REPORT, True, "r.md", ["r.md", "images/curve.png"]),
    ],
)
def test_a_file_goes_where_its_ending_and_existing_folders_say(
    contents: dict[str, bytes], is_folder: bool, output: str | None, expected: list[str], folder: Path
) -> None:
    for name in ("there", "there.csv"):
        (folder / name).mkdir()
    places = destination.places(contents, output, is_folder=is_folder)
    assert [path.as_posix() for path in places] == expected
    assert list(places.values()) == list(contents.values())


def test_a_run_is_written_to_the_current_folder_and_its_size_is_told(
    store: Store, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", GALLERY, "--format", "csv"]) == 0
    written = files(folder)
    assert list(written) == ["metrics.csv"]
    assert capsys.readouterr().out == f"metrics.csv: {len(written['metrics.csv']):,} bytes\n"


def test_json_tells_format_size_and_hash_of_each_file(
    store: Store, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", GALLERY, "--format", "csv", "--output", "new/log.csv", "--json"]) == 0
    data = (folder / "new" / "log.csv").read_bytes()
    path = str(Path("new/log.csv"))
    assert json.loads(capsys.readouterr().out) == {
        "format": "csv",
        "files": [{"path": path, "bytes": len(data), "sha256": sha256(data).hexdigest()}],
    }


def test_one_file_can_go_to_standard_output_and_nothing_else_does(
    store: Store, folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["export", GALLERY, "--format", "csv", "--output", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert (out[:6], len(list(csv.reader(out.decode().splitlines()))) > 10, err) == (b"epoch,", True, b"")
    assert files(folder) == {}


def test_several_files_do_not_go_to_standard_output() -> None:
    with pytest.raises(destination.OneFileOnly, match=r"--output -: code gives 2 files \(model.py, weights.safe"):
        destination.only(CODE, "code")


# Whole or not at all


def test_an_existing_file_is_replaced_only_where_that_is_said(
    store: Store, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "metrics.csv").write_bytes(b"mine")
    for output in ([], ["--output", "metrics.csv"], ["--output", "."]):
        assert main(["export", GALLERY, "--format", "csv", *output]) == 2
        said = capsys.readouterr().err
        assert "exists already: nothing was written; add --overwrite or choose another --output" in said
    assert files(folder) == {"metrics.csv": b"mine"}
    assert main(["export", GALLERY, "--format", "csv", "--overwrite"]) == 0
    assert files(folder)["metrics.csv"].startswith(b"epoch,")


def test_one_file_in_the_way_keeps_the_others_from_being_written(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"mine")
    with pytest.raises(destination.DestinationTaken, match=r"weights\.safetensors': exists already"):
        destination.write(destination.places(CODE, None, is_folder=True), overwrite=False)
    assert files(folder) == {"weights.safetensors": b"mine"}


@pytest.mark.parametrize(
    ("output", "said"), [("taken/model.py", "is no folder"), ("dir.py/../model.py/x/", "is no folder")]
)
def test_a_file_where_a_folder_is_needed_is_named(output: str, said: str, folder: Path) -> None:
    (folder / "taken").write_bytes(b"mine")
    (folder / "model.py").write_bytes(b"mine")
    (folder / "dir.py").mkdir()
    with pytest.raises(destination.DestinationTaken, match=said):
        destination.write(destination.places(CODE, output, is_folder=True), overwrite=True)
    assert files(folder) == {"taken": b"mine", "model.py": b"mine"}


def test_a_full_disk_leaves_nothing_new_and_everything_old(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    (folder / "metrics.csv").write_bytes(b"mine")

    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert main(["export", GALLERY, "--format", "csv", "--overwrite"]) == 1
    assert "metrics.csv: No space left on device: not saved; the earlier ones are intact" in capsys.readouterr().err
    assert files(folder) == {"metrics.csv": b"mine"}
