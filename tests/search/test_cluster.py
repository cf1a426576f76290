"""The cluster executor on a real scheduler and real workers, started by the commands that `cluster` prints."""

import hashlib
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from distributed import Client

from mnistnet.runs.files import checkpoint, kernels, predictions, torch_zip
from mnistnet.runs.files.names import new_id
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import RunState
from mnistnet.runs.store.imports import import_finished
from mnistnet.runs.store.queue import NewRun
from mnistnet.runs.store.store import Store
from mnistnet.search.executors import outcome, remote
from mnistnet.search.executors.executor import Task
from mnistnet.search.executors.local import LocalQueue
from mnistnet.search.executors.outcome import BadOutcome, Outcome
from tests.support.clusters import (
    HOUSE,
    Processes,
    all_ended,
    connected,
    ends,
    epochs,
    events,
    free_port,
    nothing,
    processes,
    task,
    training_pids,
)
from tests.support.processes import until
from tests.support.samples import EXPLOSIVE, conv, design

pytestmark = pytest.mark.posix


def printed(port: int) -> list[str]:
    """The commands for one machine, without comments, as `cluster` prints them."""
    command = [sys.executable, "-m", "mnistnet", "cluster", "--scheduler", f"127.0.0.1:{port}"]
    ended = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True)
    return [line for line in ended.stdout.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Processes]]:
    """A scheduler and its workers, as printed; its address, and the processes."""
    port = free_port()
    scheduler, workers, search = printed(port)
    assert search == f"python -m mnistnet search learning-rate --cluster 127.0.0.1:{port}"
    with processes(tmp_path_factory.mktemp("cluster")) as found:
        found.start(scheduler)
        found.start(workers)
        with Client(f"tcp://127.0.0.1:{port}", timeout=30, set_as_default=False) as client:
            until(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) >= 1, 60)
        yield f"127.0.0.1:{port}", found


@pytest.fixture(scope="module")
def place(started: tuple[str, Processes]) -> str:
    return started[0]


@pytest.fixture
def client(place: str) -> Iterator[Client]:
    with Client(f"tcp://{place}", set_as_default=False) as found:
        yield found


# What a task leaves


def test_the_same_trials_have_the_same_weights_on_both_executors(place: str, store: Store, tmp_path: Path) -> None:
    tasks = [task(number, seed=number) for number in (1, 2, 3)]
    queue = LocalQueue(store)
    for one in tasks:
        queue.submit(one)
    local = ends(events(queue, lambda found: len(ends(found)) == 3))  # type: ignore[arg-type]
    elsewhere = Store(tmp_path / "elsewhere")
    with connected(elsewhere, place) as cluster:
        remote_ends = all_ended(cluster, tasks)
    assert [end.state for end in local] == ["done"] * 3
    for end in local:
        there = remote_ends[end.key]
        assert end.run
        assert there.run
        here, other = store.run(end.run), elsewhere.run(there.run)
        assert here.weights_sha256 == other.weights_sha256
        assert end.accuracy == there.accuracy
        assert [row.validation_loss for row in store.metrics(here.id)] == [
            row.validation_loss for row in elsewhere.metrics(other.id)
        ]


def test_a_task_tells_its_epochs_in_order_and_becomes_a_run_like_any(place: str, store: Store) -> None:
    wanted = task(4, search="abcdef01", scored=True, epochs=5)
    with connected(store, place) as cluster:
        cluster.submit(wanted)
        found = events(cluster, lambda found: bool(ends(found)))
    assert epochs(found, wanted.key) == [1, 2, 3, 4, 5]
    (end,) = ends(found)
    assert found[-1] == end
    assert end.run
    run, folder = store.run(end.run), store.folder(end.run)
    assert (run.state, run.search, run.trial, run.scored) == (RunState.DONE, "abcdef01", 4, True)
    assert (run.epochs_done, run.threads, run.attempt) == (5, 1, 1)
    rows = store.metrics(run.id)
    assert len(list(checkpoint.whole(folder, rows))) == checkpoint.GENERATIONS
    assert all(predictions.read_guesses(folder, row.epoch, row.guesses_sha256) for row in rows)
    assert kernels.read(folder) is not None
    assert run.weights_sha256
    splits: tuple[SplitName, ...] = ("validation", "test")
    for split in splits:
        assert predictions.read(folder, split, run.weights_sha256, run.answers_sha256(split))
    assert run.test_total == 297
    assert run.started
    assert run.ended
    assert 0 < run.ended - run.started < 60
    assert (folder / "run.json").is_file()


def test_a_trial_that_is_not_scored_leaves_no_answers_to_the_test_set(place: str, store: Store) -> None:
    with connected(store, place) as cluster:
        (end,) = all_ended(cluster, [task(5)]).values()
    assert end.run
    run = store.run(end.run)
    assert (run.scored, run.test_errors, run.test_answers_sha256) == (False, None, None)
    assert not predictions.path(store.folder(run.id), "test").exists()


def test_a_task_that_is_submitted_twice_makes_one_run(place: str, store: Store) -> None:
    with connected(store, place) as cluster:
        first = all_ended(cluster, [task(6)])
    with connected(store, place) as cluster:
        assert all_ended(cluster, [task(6)]) == first
    assert len(store.runs()) == 1


def test_a_training_that_diverges_ends_so_as_a_run_of_the_store(place: str, store: Store) -> None:
    bad = task(7, EXPLOSIVE, learning_rate=10, schedule="constant")
    with connected(store, place) as cluster:
        (end,) = all_ended(cluster, [bad]).values()
    (run,) = store.runs()
    assert (end.state, end.run, end.accuracy) == ("diverged", run.id, None)
    assert end.message.startswith("the loss is not finite in epoch 1: learning rate 10 was too high")
    assert (run.state, run.message, run.weights_sha256) == (RunState.DIVERGED, end.message, None)
    with connected(store, place) as cluster:
        assert all_ended(cluster, [bad]) == {bad.key: end}
    assert store.runs() == [run]


def test_a_task_over_the_limits_of_this_machine_fails_and_says_so(
    place: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNISTNET_LIMITS", "epochs=2")
    with connected(store, place) as cluster:
        (end,) = all_ended(cluster, [task(8)]).values()
    assert (end.state, end.message) == ("failed", "epochs 3: at most 2 are allowed here; choose fewer")


@pytest.mark.alone
def test_many_tasks_pass_through_quickly(
    place: str, store: Store, record_testsuite_property: Callable[..., None]
) -> None:
    began = time.monotonic()
    with connected(store, place, nothing) as cluster:
        found = all_ended(cluster, [task(number, search="abcdef05") for number in range(200)])
    seconds = time.monotonic() - began
    record_testsuite_property("seconds of 200 tasks that train nothing", round(seconds, 1))
    assert {end.state for end in found.values()} == {"failed"}
    assert seconds < 10


# Cancelled, and found again


@pytest.mark.alone
def test_a_cancelled_task_ends_within_two_seconds(place: str, store: Store, client: Client) -> None:
    long = task(9, epochs=100)
    with connected(store, place) as cluster:
        cluster.submit(long)
        events(cluster, lambda found: bool(epochs(found, long.key)))
        assert any(client.run(training_pids).values())
        began = time.monotonic()
        cluster.cancel(long.key)
        until(lambda: not any(client.run(training_pids).values()), 20)
        assert time.monotonic() - began < 2
        (end,) = ends(cluster.events())
    assert (end.state, end.run) == ("stopped", None)
    assert list(client.list_datasets()) == []


def test_a_task_goes_on_without_its_controller_and_is_trained_once(place: str, store: Store, client: Client) -> None:
    wanted = task(10, search="abcdef02", epochs=6)
    with connected(store, place) as cluster:
        cluster.submit(wanted)
        events(cluster, lambda found: bool(epochs(found, wanted.key)))
    until(lambda: not any(client.run(training_pids).values()))
    with connected(store, place) as cluster:
        cluster.submit(wanted)
        found = events(cluster, lambda found: bool(ends(found)))
    assert epochs(found, wanted.key) == [1, 2, 3, 4, 5, 6]
    assert ends(found)[0].state == "done"
    told = [message for _, message in client.get_events("mnistnet-search-abcdef02")]
    assert [message["epoch"] for message in told if "epoch" in message] == [1, 2, 3, 4, 5, 6]
    assert sum("begun" in message for message in told) == 1


# Who may train


VERSIONS = """
import importlib.metadata, mnistnet
mnistnet.__version__ = "0.0.9"
version = importlib.metadata.version
importlib.metadata.version = lambda name: "2.12.1+cpu" if name == "torch" else version(name)
"""


def test_a_worker_of_another_version_that_joins_later_gets_no_task(
    started: tuple[str, Processes], store: Store, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, found = started
    (tmp_path / "sitecustomize.py").write_text(VERSIONS, "utf-8")
    with connected(store, place, nothing) as cluster:
        before = cluster.slots
        path = f"{tmp_path}:{HOUSE}"
        command = f"python -m dask worker tcp://{place} --no-nanny --nthreads 2 --name odd"
        worker = found.start(command, PYTHONPATH=path)
        said = ""
        deadline = time.monotonic() + 30
        while "worker" not in said:
            assert time.monotonic() < deadline
            cluster.events()
            said += capsys.readouterr().err
            time.sleep(0.1)
        odd, own = r"mnistnet 0\.0\.9 with torch 2\.12", r"mnistnet 0\.1\.0 with torch 2\.13"
        assert re.search(f"worker .* has {odd}, the search has {own}: it gets no training; install the same", said)
        cluster._look()
        assert cluster.slots == before
        all_ended(cluster, [task(number, search="abcdef03") for number in range(20)])
    workers = client.scheduler_info(n_workers=-1)["workers"]
    (address,) = [key for key, one in workers.items() if one["name"] == "odd"]
    assert workers[address]["metrics"]["task_counts"] in ({}, {"memory": 0})
    found.end(worker)


def test_a_worker_with_a_gpu_gets_what_needs_one(started: tuple[str, Processes], store: Store, tmp_path: Path) -> None:
    place, found = started
    with connected(store, place, nothing) as cluster:
        wanted = task(1, search="abcdef04", device="cuda")
        cluster.submit(wanted)
        cluster.events()
        cluster._look()
        assert cluster.slots == 1
        worker = found.start(
            f"python -m dask worker tcp://{place} --no-nanny --nthreads 1 --resources GPU=1 --name gpu"
        )
        (end,) = ends(events(cluster, lambda found: bool(ends(found)), 30))
        assert end.key == wanted.key
        cluster._look()
        assert cluster.slots == 2
    found.end(worker)


# Bytes that are not believed


@pytest.fixture(scope="module")
def left(place: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a worker has sent for `TASK`."""
    with connected(Store(tmp_path_factory.mktemp("left")), place) as cluster:
        scheduler = cluster._scheduler
        scheduler.connect()
        future = scheduler.submit(TASK.key, "tests", remote.train, (remote.document(TASK, "tests"),), {})
        found = until(lambda: scheduler.ended(future))
        scheduler.forget(TASK.key)
    assert isinstance(found, bytes)
    return found


TASK = task(11, scored=True)


def changed(data: bytes, change: Callable[[dict[str, bytes], dict[str, Any]], None], *, again: bool = True) -> bytes:
    """The bytes with other members; `again`: hashed again, as one would who wants to be believed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(files.pop("outcome.json"))
    change(files, document)
    if again:
        document["sha256"] = {name: hashlib.sha256(file).hexdigest() for name, file in files.items()}
        for row in document["epochs"]:
            if row["checkpoint"] in files:
                row["checkpoint_sha256"] = hashlib.sha256(files[row["checkpoint"]]).hexdigest()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, file in {**files, "outcome.json": json.dumps(document).encode()}.items():
            archive.writestr(name, file)
    return buffer.getvalue()


def test_what_a_worker_sends_is_taken(left: bytes) -> None:
    told, finished = outcome.unpack(left, TASK)
    assert (told.state, len(finished.epochs) if finished else 0) == ("done", 3)
    assert outcome.unpack(changed(left, lambda files, document: None), TASK)[1]


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("unpickled",))


def pickled(files: dict[str, bytes], _: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save({"epoch": 3, "network": Bomb()}, buffer)
    files["epoch-0003.pt"] = buffer.getvalue()


def flipped(files: dict[str, bytes], _: dict[str, Any]) -> None:
    data = bytearray(files["epoch-0003.pt"])
    data[len(data) // 2] ^= 1
    files["epoch-0003.pt"] = bytes(data)


def with_state(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def work(files: dict[str, bytes], _: dict[str, Any]) -> None:
        state = torch_zip.load(files["epoch-0003.pt"])
        change(state)
        files["epoch-0003.pt"] = checkpoint.pack(state)

    return work


other_weights = with_state(lambda state: state["kept"]["linear_5.bias"].add_(1))
infinite = with_state(lambda state: state["kept"]["linear_5.bias"].fill_(float("inf")))


def of_epoch(**fields: Any) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    return lambda files, document: document["epochs"][2].update(fields)


def without(name: str) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    return lambda files, document: files.pop(name)  # type: ignore[return-value]


def having(name: str, data: bytes) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    return lambda files, document: files.update({name: data})


def diverged(files: dict[str, bytes], document: dict[str, Any]) -> None:
    """As it would have diverged in its third epoch."""
    for name in ("epoch-0003.pt", "guesses-0003.npz", "predictions-validation.npz", "predictions-test.npz"):
        del files[name]
    document["epochs"].pop()
    document.update(state="diverged", message="the loss is not finite in epoch 3", weights_sha256="")


def _diverged_but(files: dict[str, bytes], document: dict[str, Any], name: str) -> None:
    kept = files[name]
    diverged(files, document)
    files[name] = kept


def test_what_a_worker_leaves_of_a_training_that_diverged_is_taken(left: bytes, store: Store) -> None:
    told, finished = outcome.unpack(changed(left, diverged), TASK)
    assert finished is not None
    assert (told.state, finished.state, finished.answers) == ("diverged", RunState.DIVERGED, {})
    run = import_finished(store, NewRun(new_id(), TASK.architecture, TASK.recipe, None, "", trial=TASK.trial), finished)
    assert (run.state, run.epochs_done, run.message) == (RunState.DIVERGED, 2, "the loss is not finite in epoch 3")
    assert (store.folder(run.id) / "epoch-0002.pt").exists()


@pytest.mark.parametrize(
    ("change", "again", "why"),
    [
        (flipped, False, "its files are not those that were hashed"),
        (pickled, True, "no checkpoint.*holds more than tensors"),
        (other_weights, True, "its last checkpoint has other weights than it says"),
        (infinite, True, "not the state of this network after epoch 3"),
        (having("../elsewhere", b"x"), True, "not a file that this training leaves"),
        (having("kernels.npy", bytes(17 * 1024**2)), True, "not a file that this training leaves, or too large"),
        (having("kernels.npy", b"none"), True, "no kernels"),
        (without("epoch-0001.pt"), True, "other checkpoints than those of its last epochs"),
        (without("guesses-0002.npz"), True, "the guesses of epoch 2 are damaged or missing"),
        (without("predictions-test.npz"), True, "its predictions of the test images are damaged or missing"),
        (of_epoch(validation_accuracy=1.5), True, r"validation_accuracy=1.5: allowed is 0 to 1"),
        (of_epoch(validation_accuracy=1.0), True, "its predictions are not as accurate as it says"),
        (of_epoch(epoch=4), True, "3 epochs: the recipe has 3|not the checkpoint|epochs"),
        (of_epoch(train_loss=float("nan")), True, "train_loss"),
        (of_epoch(checkpoint="../../x.pt"), True, "checkpoint"),
        (lambda files, document: document.update(state="well"), True, "state"),
        (lambda files, document: document.update(state="diverged"), True, "diverged after 3 epochs: the recipe has 3"),
        (lambda files, document: document["epochs"].pop(), True, "done after 2 epochs: the recipe has 3"),
        (lambda files, document: _diverged_but(files, document, "predictions-test.npz"), True, "it has predictions"),
        (lambda files, document: _diverged_but(files, document, "epoch-0003.pt"), True, "other checkpoints than those"),
        (lambda files, document: document.update(weights_sha256="ab" * 32), True, "other weights than it says"),
    ],
)
def test_what_no_training_leaves_is_refused(
    left: bytes,
    change: Callable[[dict[str, bytes], dict[str, Any]], None],
    again: bool,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(BadOutcome, match=why):
        outcome.unpack(changed(left, change, again=again), TASK)
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("data", [b"", b"nothing", bytes(1000), outcome.pack(Outcome(state="done"))])
def test_bytes_that_are_no_outcome_are_refused(data: bytes) -> None:
    with pytest.raises(BadOutcome):
        outcome.unpack(data, TASK)


def test_no_byte_that_is_flipped_or_cut_off_is_taken_for_another_training(left: bytes) -> None:
    whole = outcome.unpack(left, TASK)[1]
    assert whole
    for place in range(0, len(left), max(1, len(left) // 60)):
        data = bytearray(left)
        data[place] ^= 0x40
        for damaged in (bytes(data), left[:place]):
            try:
                found = outcome.unpack(damaged, TASK)[1]
            except BadOutcome:
                continue
            assert found  # a bit of the zip's own that nobody reads
            assert found.weights_sha256 == whole.weights_sha256
            assert found.files == whole.files


def test_the_outcome_of_another_design_is_refused(left: bytes) -> None:
    other = design(conv(9), {"type": "globalavgpool"}, {"type": "linear", "features": 10})
    with pytest.raises(BadOutcome, match="not the state of this network"):
        outcome.unpack(left, Task(TASK.key, other, TASK.recipe, TASK.trial))
