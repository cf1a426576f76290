"""The commands that start a cluster: scheduler, workers, and a search that uses them. Text alone: starts nothing.

For a POSIX shell, in the folder of mnistnet or wherever it is installed.
"""

from dataclasses import dataclass

from mnistnet import system
from mnistnet.search.executors import address
from mnistnet.search.executors.address import Address, BadAddress

DEFAULT = "127.0.0.1:8786"
# A task whose worker has died as often as a run's may is failed; Dask's own number is that of deaths it forgives.
_DEATHS = 3
# A worker that has told nothing for so long is given up and its task moved; it tells something twice a second, also
# while it compiles or loads data. Of many workers each tells less often: Dask waits ten times that then, if longer.
TTL_SECONDS = 60
_SCHEDULER = (
    f"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL={TTL_SECONDS}s "
    f"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES={_DEATHS - 1} python -m dask scheduler"
)
# One thread a process: a training has its process to itself. No limit of memory: Dask would kill a training for it.
_WORKER = "--nthreads 1 --memory-limit 0 --no-dashboard"
_AUTHORITY = """\
openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=mnistnet-authority -keyout authority.key -out ca.pem
openssl req -newkey rsa:3072 -nodes -subj /CN=mnistnet -keyout cluster.key -out cluster.csr
openssl x509 -req -in cluster.csr -CA ca.pem -CAkey authority.key -CAcreateserial -days 365 -out cluster.pem"""
_ROLES = ("SCHEDULER", "WORKER", "CLIENT")


@dataclass(frozen=True)
class Step:
    """One command: what it is for, where it is run, and its text, which may have several lines."""

    title: str
    where: str
    command: str


def steps(scheduler: str | None, *, slurm: bool) -> list[Step]:
    """The commands for a scheduler at an address: this machine, several machines with TLS, or a SLURM array job.

    Raises BadAddress for an address that is none, or one that the nodes of a SLURM job could not reach.
    """
    place = address.parsed(scheduler or DEFAULT)
    if slurm and place.is_of_this_machine:
        raise BadAddress(
            f"--slurm with scheduler {place.host}: no node reaches that; give --scheduler HOST:PORT with the name of "
            "the machine on which the scheduler is to run"
        )
    if place.is_of_this_machine:
        return _one_machine(place)
    return _several(Address("tls", place.host, place.port), slurm=slurm)


def _one_machine(place: Address) -> list[Step]:
    here, host = f"{place.host}:{place.port}", place.host.strip("[]")
    return [
        Step("the scheduler", "a terminal of its own", f"{_SCHEDULER} --host {host} --port {place.port} {_page(host)}"),
        Step(
            "the workers, one a core; started anew when the scheduler was",
            "a terminal of its own; Ctrl-C twice ends them",
            _again(f"python -m dask worker tcp://{here} --host {host} --nworkers {system.cores()} {_WORKER}"),
        ),
        Step("a search", "any terminal", f"python -m mnistnet search learning-rate --cluster {here}"),
    ]


def _several(place: Address, *, slurm: bool) -> list[Step]:
    one, search = f"python -m dask worker {place.text} --protocol tls", "python -m mnistnet search learning-rate"
    return [
        Step("certificates: once", "one machine; copy ca.pem, cluster.pem and cluster.key to the others", _AUTHORITY),
        Step("the same on every machine", "in each of the terminals below, first", _exports()),
        Step(
            "the scheduler",
            f"on {place.host}",
            f"{_SCHEDULER} --protocol tls --port {place.port} {_page('127.0.0.1')}",
        ),
        _array(one) if slurm else _workers(one),
        Step("a search", "the machine that has the store", f"{search} --cluster {place.text}"),
    ]


def _workers(one: str) -> Step:
    return Step(
        "the workers, one a core; on a machine with a GPU, add --resources GPU=1 and one worker for each run that its "
        "memory holds",
        "on each machine that is to train",
        _again(f'{one} --nworkers "$(nproc)" {_WORKER}'),
    )


def _array(one: str) -> Step:
    """One job of the array is one worker on one core."""
    script = "\n".join(["#!/bin/sh", _exports(), _again(f"{one} --nworkers 1 {_WORKER}")])
    options = "--job-name=mnistnet --array=1-16 --cpus-per-task=1 --mem=4G --time=08:00:00"
    return Step(
        "16 workers as an array job; for GPUs add --gres=gpu:1 to sbatch and --resources GPU=1 to the worker",
        "the login node, in the folder of mnistnet",
        f"sbatch {options} <<'END'\n{script}\nEND",
    )


def _exports() -> str:
    prefix = "export DASK_DISTRIBUTED__COMM"
    lines = [f"{prefix}__REQUIRE_ENCRYPTION=True", f'{prefix}__TLS__CA_FILE="$PWD/ca.pem"']
    for role in _ROLES:
        lines += [f'{prefix}__TLS__{role}__CERT="$PWD/cluster.pem"', f'{prefix}__TLS__{role}__KEY="$PWD/cluster.key"']
    return "\n".join(lines)


def _again(command: str) -> str:
    """The command for ever: Dask's worker ends when its scheduler does."""
    return f"while true; do {command}; sleep 2; done"


def _page(host: str) -> str:
    """Where the scheduler serves its status: by default it would be every network that the machine is in."""
    return f"--dashboard-address {host}:0"
