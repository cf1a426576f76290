"""Addresses of clusters: which are allowed, what TLS needs, and what is said where Dask is not installed."""

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import dask
import pytest

from mnistnet.cli.program import main
from mnistnet.extras import MissingExtra
from mnistnet.runs.store.store import Store
from mnistnet.search import folder as folders
from mnistnet.search.executors import address, connection
from mnistnet.search.executors.address import BadAddress, NoCluster
from mnistnet.search.search import Search
from tests.support.clusters import HOUSE
from tests.support.processes import until
from tests.support.samples import TINY, recipe


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("localhost:1", "tcp://localhost:1"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
        ("tls://node-1.example.org:65535", "tls://node-1.example.org:65535"),
    ],
)
def test_an_address_is_a_host_and_a_port(given: str, meant: str) -> None:
    assert address.parsed(given).text == meant


@pytest.mark.parametrize(
    "given", ["", "node", "node:", "node:0", "node:65536", "http://node:1", "tcp://node:1/x", "a b:1"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(
        BadAddress, match=r"no address of a scheduler; give HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT"
    ):
        connection.require_usable(given or "x", insecure=True)


@pytest.mark.parametrize("given", ["127.0.0.1:8786", "tcp://127.8.9.1:8786", "tcp://[::1]:8786", "localhost:8786"])
def test_on_this_machine_no_encryption_is_needed(given: str) -> None:
    connection.require_usable(given, insecure=False)


@pytest.mark.parametrize("given", ["10.0.0.5:8786", "tcp://node:8786", "0.0.0.0:8786", "127.0.0.1.example.org:1"])
def test_off_this_machine_an_address_without_encryption_is_refused_unless_told_otherwise(given: str) -> None:
    with pytest.raises(BadAddress, match=r"not encrypted, and not on this machine.*use tls://.*--insecure"):
        connection.require_usable(given, insecure=False)
    connection.require_usable(given, insecure=True)


def test_without_certificates_tls_says_which_variable_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="DASK_DISTRIBUTED__COMM__TLS__CA_FILE is not set"):
        connection.require_usable("tls://node:8786", insecure=False)
    there = {"distributed.comm.tls.ca-file": __file__, "distributed.comm.tls.client.cert": __file__}
    with dask.config.set(there), pytest.raises(NoCluster, match="TLS__CLIENT__KEY is not set"):
        connection.require_usable("tls://node:8786", insecure=False)
    gone = {"distributed.comm.tls.client.key": str(tmp_path / "cluster.key")}
    with dask.config.set({**there, **gone}), pytest.raises(NoCluster, match=r"TLS__CLIENT__KEY: .*is no file; correct"):
        connection.require_usable("tls://node:8786", insecure=False)


def test_without_dask_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = ("dask", "distributed")
    monkeypatch.setattr("mnistnet.extras.find_spec", lambda name: None if name in hidden else find_spec(name))
    with pytest.raises(MissingExtra, match=r"cluster: not installed; `pip install -r requirements-cluster.txt`"):
        connection.require_usable("127.0.0.1:8786", insecure=False)


def test_the_nodes_of_a_job_cannot_reach_the_loopback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", "--slurm"]) == 2
    assert "no node reaches that; give --scheduler HOST:PORT" in capsys.readouterr().err


@pytest.mark.posix
def test_the_commands_for_other_machines_use_tls(capsys: pytest.CaptureFixture[str]) -> None:
    for slurm in ([], ["--slurm"]):
        assert main(["cluster", "--scheduler", "node:8786", "--json", *slurm]) == 0
        steps = json.loads(capsys.readouterr().out)["steps"]
        text = "\n".join(step["command"] for step in steps)
        assert "tcp://" not in text
        assert text.count("tls://node:8786") == 2
        assert ("sbatch" in text) == bool(slurm)
        assert all(subprocess.run(["bash", "-n", "-c", step["command"]]).returncode == 0 for step in steps)


# The local executor needs nothing of this

CONTROL = """
import json, sys
from mnistnet.search import controller
controller.main(*sys.argv[1:])
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules} & {"dask", "distributed", "tornado", "torch"})))
"""


@pytest.mark.posix
def test_a_local_search_imports_no_dask_and_opens_no_socket(store: Store) -> None:
    search = Search(name="local", design=TINY, recipe=recipe(epochs=1), space=(), trials=1, finalists=0)
    folder = folders.create(store, search)
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROL, str(store.root), folder.id], cwd=HOUSE, stdout=subprocess.PIPE
    )
    sockets: set[str] = set()
    looks = 0
    while process.poll() is None:
        sockets |= _sockets(process.pid)
        looks += 1
        time.sleep(0.05)
    assert process.stdout
    assert json.loads(process.stdout.read()) == []
    process.stdout.close()
    assert looks > 5
    assert sockets == set()
    until(lambda: folder.trials().finished)
    assert [run.search for run in store.runs()] == [folder.id]


def _sockets(pid: int) -> set[str]:
    """The sockets that a process has open, of any kind."""
    found = set()
    try:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            found.add(str(file.readlink()))
    except OSError:  # it has just ended, or closed one of them
        pass
    return {name for name in found if name.startswith("socket:")}
