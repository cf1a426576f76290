"""Workers, scheduler and controller of a search that die or stand still, as real processes; encrypted throughout."""

import datetime
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dask
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed import Client

from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.search import folder as folders
from mnistnet.search.choices import RecipeRange
from mnistnet.search.executors import address
from mnistnet.search.executors.address import NoCluster
from mnistnet.search.executors.executor import Event
from mnistnet.search.executors.scheduler import Scheduler
from mnistnet.search.folder import SearchFolder
from mnistnet.search.search import Search
from mnistnet.search.trials import TrialState
from tests.support.clusters import (
    HOUSE,
    Processes,
    connected,
    deadly,
    ends,
    epochs,
    events,
    free_port,
    processes,
    slow,
    task,
    training_pids,
)
from tests.support.processes import until
from tests.support.samples import TINY, recipe

pytestmark = pytest.mark.posix

SCHEDULER = (
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=5s DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=2 python -m dask "
    "scheduler --protocol tls --host 127.0.0.1 --port {port} --dashboard-address 127.0.0.1:0"
)
WORKERS = (
    "while true; do python -m dask worker tls://127.0.0.1:{port} --protocol tls --host 127.0.0.1 --nworkers 2 "
    "--nthreads 1 --memory-limit 0 --no-dashboard; sleep 1; done"
)
TTL_SECONDS = 5


# TLS, from an authority of its own


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificates(folder: Path, name: str = "cluster") -> dict[str, str]:
    """Dask's settings for a new authority and one certificate of it, for scheduler, workers and clients."""
    now = datetime.datetime.now(datetime.UTC)
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def signed(subject: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> bytes:
        builder = x509.CertificateBuilder(
            issuer_name=_name(f"{name} authority"),
            subject_name=_name(subject),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(hours=1),
            not_valid_after=now + datetime.timedelta(days=1),
        ).add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    secret = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = {
        "ca.pem": signed(f"{name} authority", authority, is_authority=True),
        "cluster.pem": signed(name, own, is_authority=False),
        "cluster.key": secret,
    }
    for file, data in files.items():
        (folder / file).write_bytes(data)
    settings = {"ca-file": str(folder / "ca.pem")}
    for role in ("scheduler", "worker", "client"):
        settings[f"{role}.cert"], settings[f"{role}.key"] = str(folder / "cluster.pem"), str(folder / "cluster.key")
    return settings


def as_variables(settings: dict[str, str]) -> dict[str, str]:
    names = {key: key.upper().replace("-", "_").replace(".", "__") for key in settings}
    return {f"DASK_DISTRIBUTED__COMM__TLS__{names[key]}": value for key, value in settings.items()}


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of the environment with the certificates, which this process uses as well."""
    settings = certificates(tmp_path_factory.mktemp("tls"))
    with dask.config.set({f"distributed.comm.tls.{key}": value for key, value in settings.items()}):
        yield as_variables(settings)


class Place:
    """A scheduler and two workers that come back, encrypted."""

    def __init__(self, folder: Path, trust: dict[str, str]) -> None:
        self.port, self.processes = free_port(), Processes(folder, **trust)
        self.address = f"tls://127.0.0.1:{self.port}"
        self.start_scheduler()
        self.workers = self.processes.start(WORKERS.format(port=self.port))

    def start_scheduler(self) -> None:
        self.scheduler = self.processes.start(f"exec env {SCHEDULER.format(port=self.port)}")

    def client(self) -> Client:
        return Client(self.address, timeout=30, set_as_default=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, trust: dict[str, str]) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("cluster"), trust)
    try:
        with found.client() as client:
            until(lambda: len(client.run(os.getpid)) == 2)
        yield found
    finally:
        found.processes.close()


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with place.client() as found:
        until(lambda: len(found.run(os.getpid)) == 2)
        yield found


def training(client: Client) -> set[int]:
    """The worker processes in which a training is under way."""
    return set(client.run(training_pids, on_error="ignore").values()) - {0}


# Who may connect


def test_a_certificate_of_another_authority_does_not_connect(place: Place, tmp_path: Path) -> None:
    others = certificates(tmp_path, "others")
    with (
        dask.config.set({f"distributed.comm.tls.{key}": value for key, value in others.items()}),
        pytest.raises(NoCluster, match=r"no scheduler answers.*python -m mnistnet cluster"),
    ):
        Scheduler(address.parsed(place.address)).connect()


def test_where_no_worker_fits_the_search_is_refused_with_both_versions(
    tmp_path: Path, trust: dict[str, str], store: Store
) -> None:
    (tmp_path / "sitecustomize.py").write_text('import mnistnet\nmnistnet.__version__ = "0.0.9"\n', "utf-8")
    port = free_port()
    with processes(tmp_path, **trust) as found:
        found.start(SCHEDULER.format(port=port))
        worker = f"python -m dask worker tls://127.0.0.1:{port} --protocol tls --no-nanny --nthreads 1"
        found.start(worker, PYTHONPATH=f"{tmp_path}:{HOUSE}")
        with Client(f"tls://127.0.0.1:{port}", timeout=30, set_as_default=False) as client:
            until(lambda: client.scheduler_info(n_workers=-1)["workers"])
        place = Scheduler(address.parsed(f"tls://127.0.0.1:{port}"))
        with pytest.raises(NoCluster, match=r"has mnistnet 0\.0\.9 with torch 2\.13, the search has mnistnet 0\.1\.0"):
            place.try_to_connect()


# Workers


def test_a_task_that_kills_its_worker_three_times_fails_and_those_of_killed_workers_move(
    place: Place, store: Store, client: Client
) -> None:
    tasks = [task(number, seed=number, search="abcdef21", epochs=6) for number in range(4)]
    with connected(store, place.address, deadly) as cluster:
        for one in tasks:
            cluster.submit(one)
        found = events(cluster, lambda found: any(epochs(found, one.key) for one in tasks))
        os.kill(max(training(client)), signal.SIGKILL)  # one that does not kill itself
        found += events(cluster, lambda new: len(ends(found) + ends(new)) == len(tasks))
    by_key = {end.key: end for end in ends(found)}
    assert len(by_key) == len(ends(found)) == len(tasks)
    lost = by_key.pop(tasks[0].key)
    assert (lost.state, lost.run, lost.message) == ("failed", None, "its worker died three times")
    assert {end.state for end in by_key.values()} == {"done"}
    assert {run.id for run in store.runs()} == {end.run for end in by_key.values()}
    for one in tasks[1:]:
        assert epochs(found, one.key) == list(range(1, 7))


@pytest.mark.long
def test_workers_are_killed_every_few_seconds_and_every_task_ends_once(
    place: Place, store: Store, client: Client
) -> None:
    tasks = [task(number, seed=number, search="abcdef22", epochs=10) for number in range(60)]
    killed, since, given = 0, time.monotonic(), 0
    with connected(store, place.address) as cluster:
        found: list[Event] = []
        while len(ends(found)) < len(tasks):
            while given < len(tasks) and given - len(ends(found)) < cluster.slots:  # as the controller does
                cluster.submit(tasks[given])
                given += 1
            if time.monotonic() - since > 6 and (pids := training(client)):
                os.kill(min(pids), signal.SIGKILL)
                killed, since = killed + 1, time.monotonic()
            before = time.monotonic()
            found += events(cluster, lambda new: time.monotonic() - before > 0.2)  # noqa: B023 - called at once
            assert killed < 40
    assert killed > 2
    assert sorted(end.key for end in ends(found)) == sorted(one.key for one in tasks)
    assert {end.state for end in ends(found)} == {"done"}
    assert sorted(run.trial or 0 for run in store.runs()) == list(range(60))


def test_the_work_of_a_worker_that_stands_still_moves_and_its_late_result_is_ignored(
    place: Place, store: Store, client: Client, trust: dict[str, str]
) -> None:
    wanted = task(1, search="abcdef23", device="cuda")  # so that none but these two workers may have it
    # Without a nanny, nobody kills it: it wakes up late, with its result.
    command = f"exec python -m dask worker {place.address} --protocol tls --no-nanny --nthreads 1 --resources GPU=1"
    both = {one.pid: one for one in (place.processes.start(command), place.processes.start(command))}
    with connected(store, place.address, slow) as cluster:
        cluster.submit(wanted)
        until(lambda: (cluster.events(), training(client) and len(client.run(os.getpid)) == 4)[1])
        first = both.pop(*training(client))
        os.kill(first.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        (end,) = ends(events(cluster, lambda found: bool(ends(found))))
        moved = time.monotonic() - stopped
        assert end.state == "done"
        assert moved < 2 * TTL_SECONDS + 20  # the limit, a look of the scheduler as often, the training anew
        os.kill(first.pid, signal.SIGCONT)
        until(lambda: first.poll() is not None)  # the scheduler knows it no more
        cluster.submit(wanted)
        assert ends(events(cluster, lambda found: bool(ends(found)))) == [end]
    assert [run.id for run in store.runs()] == [end.run]
    for second in both.values():
        place.processes.end(second)


# Scheduler and controller


@dataclass
class Controlled:
    """A search and the process that controls it."""

    folder: SearchFolder
    processes: Processes

    def start(self) -> None:
        command = f"exec {sys.executable} -m mnistnet.search.controller {self.folder.store.root} {self.folder.id}"
        self.process = self.processes.start(command)

    def ended(self) -> dict[int, str | None]:
        """The runs of the trials that have ended, by number."""
        trials = self.folder.trials().by_number.values()
        return {trial.number: trial.run for trial in trials if trial.state is TrialState.DONE}


def test_after_the_death_of_the_scheduler_and_then_of_the_controller_nothing_finished_is_rerun(
    place: Place, store: Store, client: Client, tmp_path: Path, trust: dict[str, str]
) -> None:
    rates = RecipeRange(field="learning_rate", low=0.01, high=0.2, log=True)
    search = Search(name="rates", design=TINY, recipe=recipe(), space=(rates,), sampler="random", trials=8, finalists=0)
    folder = folders.create(store, search, cluster=place.address)
    with processes(tmp_path, **trust) as own:
        controlled = Controlled(folder, own)
        controlled.start()
        until(lambda: len(controlled.ended()) >= 2)
        place.processes.end(place.scheduler)
        until(lambda: "waiting for the scheduler" in own.log())
        before = controlled.ended()
        place.start_scheduler()
        until(lambda: len(controlled.ended()) > len(before))  # it has connected again
        own.end(controlled.process)
        assert not folder.is_controlled()
        done = controlled.ended()
        assert len(done) < 8
        controlled.start()
        until(lambda: folder.trials().finished)
        assert controlled.process.wait(20) == 0
    ended = controlled.ended()
    assert len(ended) == 8
    assert {number: ended[number] for number in done} == done
    runs = store.runs()
    assert sorted(run.trial or 0 for run in runs) == list(range(8))
    assert {run.state for run in runs} == {RunState.DONE}
    assert {run.id for run in runs} == set(ended.values())
    assert not list(store.root.glob(".new-*"))
