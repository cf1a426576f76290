"""The command line's contract: what it prints, what it refuses, how it ends."""

import dataclasses
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from mnistnet.cli import output
from mnistnet.cli.commands import cli
from mnistnet.cli.program import main
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files import locks
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from tests.support.processes import until
from tests.support.samples import TINY, conv, recipe, running, started

OUTCOME = {"run", "state", "epochs", "validation_accuracy", "best_validation_accuracy", "test_accuracy"}
OUTCOME |= {"test_errors", "test_total", "test_interval", "train_seconds", "weights_sha256"}
METRICS = {"epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate"}
METRICS |= {"seconds", "images_per_second"}


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that is all of stdout."""
        return json.loads(self.out)


Command = Callable[..., Ended]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m mnistnet` in this process."""

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return call


def python(*arguments: str, store: Path, **environment: str) -> subprocess.Popen[str]:
    """`python -m mnistnet` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "mnistnet", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MNISTNET_STORE": str(store), **environment},
    )


def ended(process: subprocess.Popen[str], stdin: str = "") -> Ended:
    out, err = process.communicate(stdin)
    return Ended(process.returncode, out, err)


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.json"
    path.write_text(TINY.to_json())
    return str(path)


ON_DIGITS = ["--dataset", "digits", "--threads", "1"]


# Designs


def test_presets_are_listed_with_size_and_origin(command: Command) -> None:
    said = command("presets", "--json")
    assert (said.code, said.err) == (0, "")
    assert [set(entry) for entry in said.document] == [{"name", "total_params", "origin"}] * len(PRESETS)


def test_presets_are_listed_for_people_a_line_each(command: Command) -> None:
    assert len(command("presets").out.splitlines()) == len(PRESETS)


def test_several_designs_are_summarised_in_order(command: Command, tiny: str) -> None:
    said = command("summary", "course-10040", tiny, "--json")
    assert (said.code, said.err) == (0, "")
    assert [(entry["name"], entry["total_params"]) for entry in said.document] == [
        ("course-10040", 10_040),
        ("tiny", 906),
    ]


def test_a_summary_for_people_says_which_layers_train_fast(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        "  On a CPU, layers 1 to 13 train as one compiled operation; layer 14 uses torch's own operations.\n"
        in command("summary", "mnistnet-min").out
    )
    monkeypatch.setenv("MNISTNET_KERNELS", "off")
    assert "all layers train by torch's own operations (MNISTNET_KERNELS=off)" in command("summary", "mnistnet-min").out


def test_a_summary_for_people_is_a_table_with_the_rules_below(command: Command) -> None:
    lines = command("summary", "course-10040").out.splitlines()
    assert lines[0].startswith("course-10040: 10,040 parameters")
    assert lines[-3].split() == [
        "pass",
        *["under", "20,000", "parameters:", "10,040;", "must", "be", "under", "20,000"],
    ]


def test_a_design_can_come_from_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TINY.to_json().encode()), encoding="utf-8"))
    assert command("summary", "-", "--json").document[0]["name"] == "tiny"


# Runs: one is trained through the command line, then looked at in every way


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The store of one finished run, and what `train --json` said of it."""
    root = tmp_path_factory.mktemp("trained")
    (root / "recipe.json").write_text('{"epochs": 5, "optimizer": "adam"}')
    arguments = ["train", "-", *ON_DIGITS, "--recipe", str(root / "recipe.json"), "--epochs", "2", "--set", "shift=0"]
    process = python(*arguments, "--seed", "3", "--json", store=root / "runs")
    return root / "runs", ended(process, TINY.to_json())


@pytest.fixture
def run(trained: tuple[Path, Ended], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MNISTNET_STORE", str(trained[0]))
    return Store().runs()[0]


def test_training_prints_one_document_and_nothing_else(trained: tuple[Path, Ended]) -> None:
    said = trained[1]
    assert (said.code, said.err) == (0, "")
    assert set(said.document) == OUTCOME


def test_training_ends_done_with_a_score(trained: tuple[Path, Ended]) -> None:
    document = trained[1].document
    assert (document["state"], document["epochs"], document["test_total"]) == ("done", 2, 297)
    assert document["test_accuracy"] == pytest.approx(1 - document["test_errors"] / 297)
    low, high = document["test_interval"]
    assert low < document["test_accuracy"] < high


def test_an_option_beats_an_assignment_which_beats_the_recipe_file(run: Run) -> None:
    assert run.recipe == recipe(optimizer="adam", epochs=2, shift=0.0, seed=3, batch_size=16)


def test_a_shown_run_has_its_design_recipe_and_every_epoch(
    command: Command, run: Run, trained: tuple[Path, Ended]
) -> None:
    said = command("show", run.id[:6], "--json")
    assert (said.code, said.err) == (0, "")
    shown = said.document
    assert set(shown) == OUTCOME | {"started_from", "epochs_before", "architecture", "recipe", "metrics"}
    assert {key: shown[key] for key in OUTCOME} == trained[1].document
    assert [row["epoch"] for row in shown["metrics"]] == [1, 2]
    assert all(set(row) >= METRICS for row in shown["metrics"])


def test_listed_runs_are_the_same_without_the_epochs(command: Command, run: Run) -> None:
    said = command("runs", "--json")
    assert (said.code, said.err) == (0, "")
    shown = command("show", run.id, "--json").document
    assert said.document == [{key: value for key, value in shown.items() if key != "metrics"}]


def test_a_list_for_people_has_a_line_a_run(command: Command, run: Run) -> None:
    _headings, line = command("runs").out.splitlines()
    assert line.startswith(f"{run.id}  done")


def test_a_report_for_people_gives_the_score_with_errors_and_interval(command: Command, run: Run) -> None:
    last = command("show", run.id).out.splitlines()[-1]
    assert f"{run.test_errors} errors in 297, 95 % interval" in last


def test_no_runs_are_said_to_be_none(command: Command, store: Store) -> None:
    assert command("runs").out == "no runs yet\n"
    assert command("runs", "--json").document == []


@pytest.mark.parametrize(("split", "total"), [("test", 297), ("validation", 125)])
def test_an_evaluation_counts_what_the_run_gets_wrong(command: Command, run: Run, split: str, total: int) -> None:
    said = command("evaluate", run.id, "--split", split, "--json")
    assert (said.code, said.err) == (0, "")
    document = said.document
    assert set(document) == {"accuracy", "errors", "total", "interval", "confusion", "mistakes"}
    assert document["total"] == total == sum(map(sum, document["confusion"]))
    assert document["errors"] == len(document["mistakes"])
    assert all(set(mistake) == {"index", "label", "predicted", "probability"} for mistake in document["mistakes"])


@pytest.mark.parametrize("protocol", ["course", "holdout"])
def test_validation_that_is_the_test_set_is_said_to_be_so(
    command: Command, run: Run, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    as_course = dataclasses.replace(run, recipe_json=run.recipe.changed(protocol=protocol).model_dump_json())
    monkeypatch.setattr(Store, "run", lambda *_: as_course)
    said = command("evaluate", run.id, "--split", "validation")
    notice = "under the course protocol the validation images are the test images"
    is_course = protocol == "course"
    assert (said.code, said.err) == (0, f"mnistnet: {notice}\n" if is_course else "")
    assert (f"  {notice}" in said.out.splitlines(), "test images: " in said.out) == (is_course, is_course)
    document = command("evaluate", run.id, "--split", "validation", "--json").document
    assert set(document) == {"accuracy", "errors", "total", "interval", "confusion", "mistakes"}


def test_a_shown_course_run_says_that_validation_is_the_test_set(run: Run) -> None:
    course = dataclasses.replace(run, recipe_json=run.recipe.changed(protocol="course").model_dump_json())
    rows = Store().metrics(run.id)
    notice = "  under the course protocol the validation images are the test images"
    assert (notice in output.report(course, rows), notice in output.report(run, rows)) == (True, False)


def test_help_explains_both_protocols_in_two_lines(command: Command) -> None:
    lines = [line.strip() for line in command("--help").out.splitlines()]
    assert "holdout trains on 55,000 images, validates on 5,000, uses the test set once;" in lines
    assert "course  trains on all 60,000 and validates on the test set after every epoch." in lines
    train = " ".join(command("train", "--help").out.split())
    assert "holdout validates on 5,000 held-out training images, course on the test set" in train


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_and_option_has_its_sentence(command: Command, name: str) -> None:
    found = cli.commands[name]
    assert found.help
    assert [one.name for one in found.params if isinstance(one, click.Option) and not one.help] == []


def test_the_test_set_is_evaluated_unless_another_split_is_named(command: Command, run: Run) -> None:
    assert command("evaluate", run.id, "--json").document["errors"] == run.test_errors


def test_evaluating_and_showing_leave_the_run_as_it_was(command: Command, run: Run) -> None:
    for name in ("evaluate", "show"):
        assert command(name, run.id).code == 0
    assert Store().run(run.id) == run


@pytest.mark.parametrize("name", ["stop", "resume"])
def test_a_run_that_is_done_can_neither_be_stopped_nor_resumed(command: Command, run: Run, name: str) -> None:
    said = command(name, run.id)
    assert said.code == 2
    assert said.err.startswith(f"mnistnet: run {run.id}: it is done")
    assert Store().run(run.id) == run


# Training further


def test_a_run_is_trained_further_as_a_new_one(command: Command, run: Run) -> None:
    said = command("further", run.id, "--epochs", "1", "--json")
    assert (said.code, set(said.document)) == (0, OUTCOME)
    shown = command("show", said.document["run"], "--json").document
    assert (shown["started_from"], shown["epochs_before"], shown["epochs"]) == (run.id, run.recipe.epochs, 1)
    assert shown["recipe"]["learning_rate"] == run.recipe.learning_rate / 4
    assert f"Starts from the weights of run {run.id}" in command("show", shown["run"]).out
    assert Store().run(run.id) == run
    assert command("delete", shown["run"], "--yes").code == 0  # the other tests have a store of one run


# Stopping


def test_a_detached_run_is_told_at_once_and_can_be_stopped(command: Command, store: Store, tiny: str) -> None:
    said = command("train", tiny, *ON_DIGITS, "--epochs", "100", "--detach", "--json")
    assert (said.code, said.err) == (0, "")
    assert set(said.document) == {"run", "state"}
    run_id = said.document["run"]
    assert store.run(run_id).state.is_active
    assert command("stop", run_id).out.split()[0] == run_id
    until(lambda: store.run(run_id).state is RunState.STOPPED)


@pytest.mark.posix
def test_ctrl_c_stops_the_run_and_resume_finishes_it(command: Command, store: Store, tiny: str) -> None:
    process = python("train", tiny, *ON_DIGITS, "--epochs", "30", "--json", store=store.root)
    until(lambda: any(run.epochs_done for run in store.runs()))
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert said.code == 1
    assert said.document["state"] == "stopped"
    run_id, epochs = said.document["run"], said.document["epochs"]
    assert 1 <= epochs < 30
    assert said.err.splitlines() == [
        "",
        f"stopping {run_id}; `python -m mnistnet resume {run_id}` continues it",
        f"mnistnet: run {run_id}: stopped after {epochs} of 30 epochs: as requested;"
        f" `python -m mnistnet resume {run_id}` continues it",
    ]

    resumed = command("resume", run_id, "--json")
    assert (resumed.code, resumed.err) == (0, "")
    assert set(resumed.document) == OUTCOME
    assert (resumed.document["state"], resumed.document["epochs"]) == ("done", 30)


def test_ctrl_c_just_after_the_end_still_prints_the_outcome(
    command: Command, store: Store, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow, calls = output.follow, 0

    def interrupted(store: Store, run_id: str) -> Run:
        nonlocal calls
        calls += 1
        if calls == 1:
            transitions.finish(store, started(store).id, RunState.FAILED, "whatever it was")
            raise KeyboardInterrupt
        return follow(store, run_id)

    monkeypatch.setattr(output, "follow", interrupted)
    monkeypatch.setattr("mnistnet.runs.worker.supervisor.ensure", lambda _: None)
    said = command("train", tiny, *ON_DIGITS, "--json")
    assert (said.code, said.document["state"]) == (1, "failed")


def test_a_worker_that_died_is_noticed_by_whoever_lists_the_runs(command: Command, store: Store) -> None:
    run = running(store)
    assert not locks.is_held(locks.of_run(store.folder(run.id)))
    assert [seen["state"] for seen in command("runs", "--json").document] == ["interrupted"]


def test_a_run_that_diverges_ends_with_the_remedy(
    command: Command, store: Store, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverged(store: Store, *_: object) -> Run:
        run = running(store)
        transitions.finish(store, run.id, RunState.DIVERGED, "the loss is not finite; try 0.1")
        return run

    monkeypatch.setattr("mnistnet.runs.worker.supervisor.submit", diverged)
    said = command("train", tiny)
    assert said.code == 1
    assert said.err.endswith(
        "diverged after 0 of 3 epochs: the loss is not finite; try 0.1; see log.txt in the run's folder\n"
    )


# Deleting


def test_a_run_is_deleted_without_a_question_where_yes_is_said(command: Command, store: Store) -> None:
    run = running(store)
    transitions.finish(store, run.id, RunState.DONE)
    said = command("delete", run.id[:6], "--yes")
    assert (said.code, said.out, said.err) == (0, f"{run.id} deleted\n", "")
    assert store.runs() == []
    assert not store.folder(run.id).exists()


@pytest.mark.parametrize("arguments", [(), ("--yes",)])
def test_a_running_run_is_not_deleted(command: Command, store: Store, arguments: tuple[str, ...]) -> None:
    run = running(store)
    lock = locks.hold(locks.of_run(store.folder(run.id)))
    assert lock is not None
    said = command("delete", run.id, *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"mnistnet: run {run.id}: it is running; stop it before deleting it\n"
    assert store.folder(run.id).is_dir()
    lock.release()
    transitions.finish(store, run.id, RunState.STOPPED)


@pytest.mark.parametrize("stdin", [subprocess.PIPE, subprocess.DEVNULL], ids=["piped", "null"])
def test_without_a_terminal_nothing_is_deleted_unless_yes_is_said(store: Store, stdin: int) -> None:
    run = running(store)
    transitions.finish(store, run.id, RunState.DONE)
    command = [sys.executable, "-m", "mnistnet", "delete", run.id]
    said = subprocess.run(command, stdin=stdin, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (2, "")
    asks = "deleting it asks first, and there is no terminal to ask on; add --yes"
    assert said.stderr == f"mnistnet: run {run.id}: {asks}\n"
    assert store.run(run.id).state is RunState.DONE


@pytest.mark.parametrize(
    ("answer", "code", "out"),
    [("y\n", 0, "deleted"), ("n\n", 0, "kept"), ("\n", 0, "kept"), ("\4", 1, "")],
    ids=["yes", "no", "nothing", "Ctrl-D"],
)
def test_on_a_terminal_deleting_asks_and_only_yes_deletes(store: Store, answer: str, code: int, out: str) -> None:
    run = running(store)
    transitions.finish(store, run.id, RunState.DONE)
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "mnistnet", "delete", run.id]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.write(ours, answer.encode())
    said = ended(process)
    os.close(ours)
    os.close(theirs)
    assert (said.code, said.out.strip()) == (code, f"{run.id} {out}" if out else "")
    assert f"Delete run {run.id} (tiny, done, 0 of 3 epochs) and all its files? [y/N]" in said.err
    assert store.folder(run.id).exists() == bool(store.runs()) == (out != "deleted")


# Backups


def test_a_store_is_backed_up_and_restored_with_one_document_each(
    command: Command, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = command("show", run.id, "--json").document
    file = tmp_path / "runs.zip"
    written = command("backup", str(file), "--json")
    assert (written.code, written.err) == (0, "")
    assert set(written.document) == {"file", "store", "runs", "unfinished", "bytes", "left_out", "searches"}
    assert (written.document["runs"], written.document["unfinished"]) == (1, 0)

    monkeypatch.setenv("MNISTNET_STORE", str(tmp_path / "elsewhere"))
    restored = command("restore", str(file), "--json")
    assert (restored.code, restored.err) == (0, "")
    assert restored.document == {**written.document, "store": str(tmp_path / "elsewhere")}
    assert command("show", run.id, "--json").document == shown
    assert command("evaluate", run.id, "--json").document["errors"] == run.test_errors


def test_what_does_not_go_on_by_itself_after_restoring_is_told(
    command: Command, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.enqueue(TINY, recipe())
    said = command("backup", str(tmp_path / "runs.zip"))
    assert said.out.startswith(f"{tmp_path / 'runs.zip'}: 1 runs, 0.")
    monkeypatch.setenv("MNISTNET_STORE", str(tmp_path / "elsewhere"))
    said = command("restore", str(tmp_path / "runs.zip"))
    assert said.out.splitlines()[1] == "  1 of them were unfinished; `python -m mnistnet resume RUN` continues one"
    assert "stopped" in command("runs").out
    assert not (tmp_path / "elsewhere" / "supervisor.log").exists()


def test_a_backup_over_a_file_and_a_restoring_over_runs_are_refused(command: Command, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "runs.zip"
    assert command("backup", str(file)).code == 0
    for name, reason in (("backup", "exists already: a backup replaces nothing"), ("restore", "holds 1 runs: only")):
        said = command(name, str(file))
        assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1)
        assert reason in said.err


# Data


def test_the_offline_sample_is_always_there(command: Command) -> None:
    said = command("data", "--dataset", "digits", "--json")
    assert (said.code, said.err) == (0, "")
    assert (said.document["train_images"], said.document["test_images"]) == (1_500, 297)


@pytest.mark.mnist
def test_mnist_is_verified(command: Command) -> None:
    document = command("data", "--json").document
    assert (document["dataset"], document["train_images"], document["verified"]) == ("mnist", 60_000, True)


# What is refused: exit code, one line, no traceback, nothing written

BAD_DESIGNS = {
    "layers.0.kernal: unknown field; remove it": [conv(8, kernal=3)],
    "layers.0.channels=-8: choose at least 1": [conv(-8)],
    "layers.0.channels=513: choose at most 512": [conv(513)],
    "layers.0.kernel=4: choose one of 1, 3, 5, 7": [conv(8, 4)],
    "layers.0.kernel: missing; add it": [{"type": "conv", "channels": 8}],
    "layers.0: unknown type lstm; choose one of": [{"type": "lstm"}],
    "layers.1: a 7×7 kernel does not fit on a 2×2 map": [{"type": "maxpool", "size": 14}, conv(10, 7)],
    "layers.0: the output is 8×26×26 = 5,408 values: 10 are needed": [conv(8)],
    "layers: at most 64 are allowed; remove some": [conv(1, 1)] * 1_000,
    "layers=[]: empty; add at least 1": [],
}
BAD_FILES = {
    "": "line 1, column 1: Expecting value; the file must be one JSON object",
    "[]": "[]: a design is one JSON object with version, name, layers",
    "{": "line 1, column 2: Expecting property name",
    '{"name": "a", "name": "b"}': "'name': given twice; keep one",
    '{"name": "a", "layers": []}': 'version: missing; add "version": 1',
    "[" * 60_000: "nested too deeply",
    " " * 70_000: "65,537 bytes: at most 65,536 are allowed",
}
BAD_ARGUMENTS = {
    ("frobnicate",): "No such command 'frobnicate'",
    ("train",): "Missing argument 'DESIGN'",
    ("summary",): "Missing argument 'DESIGN...'",
    ("show",): "Missing argument 'RUN'",
    ("presets", "--yaml"): "No such option",
    ("presets", "extra"): "Got unexpected extra argument (extra)",
    ("summary", "course-1"): "design 'course-1': neither a preset (mnistnet-16k, ",
    ("summary", "x" * 5_000): "design 'xxxxx",
    ("summary", "."): "'.': Is a directory; give a readable file",
    ("show", "0123abcd"): "run '0123abcd': no such run; `python -m mnistnet runs` lists them",
    ("show", ""): "run '': no such run",
    ("stop", "0123abcd"): "run '0123abcd': no such run",
    ("resume", "0123abcd"): "run '0123abcd': no such run",
    ("delete", "0123abcd"): "run '0123abcd': no such run",
    ("delete", "0123abcd", "--yes"): "run '0123abcd': no such run",
    ("backup",): "Missing argument 'FILE'",
    ("restore",): "Missing argument 'FILE'",
    ("restore", "nowhere.zip"): "nowhere.zip: no such file: give one that `python -m mnistnet backup` has written",
    ("evaluate", "0123abcd"): "run '0123abcd': no such run",
    ("evaluate", "0123abcd", "--split", "train"): "Invalid value for '--split': 'train' is not one of",
    ("data", "--dataset", "cifar"): "Invalid value for '--dataset': 'cifar' is not one of",
    ("train", "mnistnet-16k", "--dataset", "cifar"): "Invalid value for '--dataset': 'cifar' is not one of",
    ("train", "mnistnet-16k", "--protocol", "random"): "Invalid value for '--protocol': 'random' is not one of",
    ("train", "mnistnet-16k", "--epochs", "many"): "Invalid value for '--epochs': 'many' is not a valid integer",
    ("train", "mnistnet-16k", "--epochs", "0"): "epochs=0: choose at least 1",
    ("train", "mnistnet-16k", "--seed", "-1"): "seed=-1: choose at least 0",
    ("train", "mnistnet-16k", "--threads", "65"): "threads=65: choose at most 64",
    ("train", "mnistnet-16k", "--set", "speed"): "'speed': write KEY=VALUE, as in epochs=5",
    ("train", "mnistnet-16k", "--set", "speed=9"): "'speed': unknown field; choose one of dataset, ",
    ("train", "mnistnet-16k", "--set", "epochs=9.5"): "epochs='9.5': write a number",
    ("train", "mnistnet-16k", "--set", "learning_rate=nan"): "learning_rate=nan: choose",
    ("train", "mnistnet-16k", "--recipe", "nowhere.json"): "recipe 'nowhere.json': neither a name (sprint, ",
}
BAD_RECIPES = {
    "epochs: 5": "line 1, column 1: Expecting value; the file must be one JSON object",
    "[1]": "[1]: a recipe is one JSON object of its fields",
    '{"epochs": "5"}': "epochs='5': choose a whole number",
    '{"optimizer": []}': "optimizer=[]: choose one of sgd, adam, adamw or muon",
    '{"rate": 0.1}': "rate: unknown field; remove it",
}


@pytest.fixture
def refused(command: Command, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, checked for one line of error, no output and nothing written."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        before = sorted(tmp_path.rglob("*"))
        said = command(*arguments)
        assert said.out == ""
        assert said.err.startswith("mnistnet: ")
        assert said.err.endswith("\n")
        assert len(said.err.splitlines()) == 1
        assert sorted(tmp_path.rglob("*")) == before
        return said

    return call


@pytest.mark.parametrize("message", BAD_DESIGNS, ids=lambda message: message[:30])
@pytest.mark.parametrize("name", ["summary", "train"])
def test_a_bad_design_is_refused_with_its_place(refused: Command, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({"version": 1, "name": "bad", "layers": BAD_DESIGNS[message]}))
    said = refused(name, "bad.json")
    assert (said.code, said.err.startswith(f"mnistnet: {message}")) == (2, True), said.err


@pytest.mark.parametrize("text", BAD_FILES, ids=lambda text: text[:20])
def test_a_file_that_is_no_design_is_refused_with_the_reason(refused: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    said = refused("summary", "bad.json")
    assert (said.code, said.err.startswith(f"mnistnet: {BAD_FILES[text]}")) == (2, True), said.err


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=lambda arguments: " ".join(arguments)[:50])
def test_bad_arguments_are_refused_with_what_is_allowed(refused: Command, arguments: tuple[str, ...]) -> None:
    said = refused(*arguments)
    assert (said.code, said.err.startswith(f"mnistnet: {BAD_ARGUMENTS[arguments]}")) == (2, True), said.err


@pytest.mark.parametrize("text", BAD_RECIPES)
def test_a_bad_recipe_file_is_refused_with_the_reason(refused: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe.json").write_text(text)
    said = refused("train", "mnistnet-16k", "--recipe", "recipe.json")
    assert (said.code, said.err.startswith(f"mnistnet: {BAD_RECIPES[text]}")) == (2, True), said.err


def test_a_run_without_an_epoch_cannot_be_evaluated(command: Command, store: Store) -> None:
    run = running(store)
    said = command("evaluate", run.id, "--split", "validation")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"mnistnet: run {run.id}: no epoch is stored yet; wait for its first epoch or resume it\n"


# The tests may run as root, whom permissions do not stop: a file stands where the store's folder should be.
def test_a_store_that_cannot_be_written_refuses_a_start(
    refused: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MNISTNET_STORE", str(tmp_path / "file" / "runs"))
    said = refused("train", "mnistnet-16k", *ON_DIGITS)
    assert said.code == 1
    assert said.err.endswith("Not a directory: nothing was started; choose another MNISTNET_STORE\n")


@pytest.mark.parametrize("arguments", [("runs",), ("show", "0123abcd"), ("train", "mnistnet-16k")])
def test_a_store_that_no_disk_can_hold_is_refused(
    refused: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MNISTNET_STORE", str(tmp_path / ("long" * 100)))
    said = refused(*arguments)
    assert said.code == 1
    assert "File name too long" in said.err


@pytest.mark.bar("E3")
def test_no_network_and_no_data_is_one_line_with_the_way_out(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path))
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    for exception in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(exception, raising=False)
    said = command("data")
    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("mnistnet: ")
    assert "or train on the offline sample with --dataset digits" in said.err


def test_a_refusal_by_a_real_process_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    said = ended(python("train", "-", store=tmp_path / "runs"), '{"version": 1, "name": "a", "layers": [{}]}')
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("mnistnet: layers.0: no type; choose one of conv, ")
    assert len(said.err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("train", "--help")])
def test_help_names_what_there_is(command: Command, arguments: tuple[str, ...]) -> None:
    said = command(*arguments)
    assert (said.code, said.err) == (0 if arguments else 2, "")
    assert said.out.startswith("Usage: python -m mnistnet")


# The real thing


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory: pytest.TempPathFactory) -> Any:
    arguments = ["train", "course-10040", "--protocol", "course", "--epochs", "1", "--json"]
    return ended(python(*arguments, store=tmp_path_factory.mktemp("one epoch") / "runs")).document


@pytest.mark.alone
@pytest.mark.mnist
def test_one_epoch_of_mnist_ends_above_97_and_a_half_percent(one_epoch: Any) -> None:
    assert one_epoch["state"] == "done"
    assert one_epoch["test_total"] == 10_000
    assert one_epoch["test_accuracy"] > 0.975


@pytest.mark.alone
@pytest.mark.mnist
def test_one_epoch_of_mnist_takes_less_than_30_seconds_of_training(one_epoch: Any) -> None:
    assert one_epoch["train_seconds"] < 30


# Locales


@pytest.mark.parametrize(("encoding", "shape"), [("cp437", "16x14x14"), ("cp1251", "16x14x14"), ("utf-8", "16×14×14")])
def test_what_an_encoding_has_no_letter_for_is_written_in_others(tmp_path: Path, encoding: str, shape: str) -> None:
    design = tmp_path / "design.json"
    design.write_text(TINY.model_copy(update={"name": "小网络"}).to_json(), "utf-8")
    for arguments, written in ((["course-10040"], shape), ([str(design)], "小" if encoding == "utf-8" else r"\u5c0f")):
        process = subprocess.run(
            [sys.executable, "-m", "mnistnet", "summary", *arguments],
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )
        assert (process.returncode, process.stderr) == (0, b"")
        assert written in process.stdout.decode(encoding)


def test_a_design_named_in_another_script_is_trained_under_any_locale(store: Store, tmp_path: Path) -> None:
    design = tmp_path / "小网络.json"
    design.write_text(TINY.model_copy(update={"name": "小网络"}).to_json(), "utf-8")
    arguments = ["train", str(design), *ON_DIGITS, "--epochs", "1", "--json"]
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = python(*arguments, store=store.root, **locale)
    out, err = process.communicate(timeout=200)
    assert (process.returncode, err) == (0, "")
    run = store.run(json.loads(out)["run"])
    assert (run.state, run.name) == (RunState.DONE, "小网络")
    assert "小网络" in (store.folder(run.id) / "design.json").read_text("utf-8")
