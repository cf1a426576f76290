"""What a container leaves to a process, read from files as the kernel writes them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mnistnet import system
from mnistnet.containers import Groups
from mnistnet.runs.limits import Limits

GB = 1024**3
V2, V1 = "0::/app/worker\n", "4:memory:/docker/ab\n2:cpu,cpuacct:/docker/ab\n0::/\n"
UNLIMITED_V1 = "9223372036854771712\n"


def groups(place: Path, own: str, files: Mapping[str, str]) -> Groups:
    """Control groups whose files have these texts; `own`: what the kernel tells a process about its groups."""
    for name, text in {"proc/self/cgroup": own, **files}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, "ascii")
    return Groups(place / "proc", place / "cgroup")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (V2, {"cgroup/app/worker/memory.max": f"{GB}\n"}, GB),
        (V2, {"cgroup/app/worker/memory.max": "max\n", "cgroup/app/memory.max": f"{GB}\n"}, GB),
        (V2, {"cgroup/app/worker/memory.max": f"{2 * GB}\n", "cgroup/app/memory.max": f"{GB}\n"}, GB),
        (V2, {"cgroup/memory.max": f"{GB}\n"}, GB),
        (V2, {"cgroup/app/worker/memory.max": "max\n"}, None),
        ("0::/../other\n", {"cgroup/memory.max": f"{GB}\n"}, GB),
        (V1, {"cgroup/memory/docker/ab/memory.limit_in_bytes": f"{GB}\n"}, GB),
        (V1, {"cgroup/memory/memory.limit_in_bytes": f"{GB}\n"}, GB),
        (V1, {}, None),
        ("", {}, None),
        ("nothing that is known\n", {"cgroup/memory.max": f"{GB}\n"}, None),
        (V2, {"cgroup/memory.max": "9" * 5000}, None),
        ("0::/a\0b\n", {"cgroup/memory.max": f"{GB}\n"}, GB),
    ],
    ids=[
        *("own", "above", "least", "as root", "max", "beside", "v1", "v1 as root", "v1 without", "none", "garbage"),
        *("no number", "no name"),
    ],
)
def test_the_memory_of_a_container_is_its_least_limit(
    tmp_path: Path, own: str, files: dict[str, str], expected: int | None
) -> None:
    assert groups(tmp_path, own, files).memory() == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (V2, {"cgroup/app/worker/cpu.max": "50000 100000\n"}, 1),
        (V2, {"cgroup/app/worker/cpu.max": "250000 100000\n"}, 3),
        (V2, {"cgroup/app/worker/cpu.max": "max 100000\n", "cgroup/app/cpu.max": "200000 100000\n"}, 2),
        (V2, {"cgroup/app/worker/cpu.max": "max 100000\n"}, None),
        (V2, {"cgroup/app/worker/cpu.max": "200000 100000 1\n"}, 2),
        (V2, {"cgroup/app/worker/cpu.max": "200000\n"}, None),
        (V2, {"cgroup/app/worker/cpu.max": f"{'9' * 400} 1\n"}, None),
        (
            V1,
            {"cgroup/cpu/docker/ab/cpu.cfs_quota_us": "150000", "cgroup/cpu/docker/ab/cpu.cfs_period_us": "100000"},
            2,
        ),
        (V1, {"cgroup/cpu/cpu.cfs_quota_us": "-1", "cgroup/cpu/cpu.cfs_period_us": "100000"}, None),
        ("", {}, None),
    ],
    ids=["half", "more", "above", "max", "three words", "one word", "no number", "v1", "v1 without", "none"],
)
def test_the_cores_of_a_container_are_its_least_share_rounded_up(
    tmp_path: Path, own: str, files: dict[str, str], expected: int | None
) -> None:
    assert groups(tmp_path, own, files).cores() == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (V2, {"cgroup/app/worker/memory.events": "oom 4\noom_kill 3\n", "proc/vmstat": "oom_kill 9\n"}, 3),
        (V1, {"cgroup/memory/docker/ab/memory.oom_control": "under_oom 0\noom_kill 2\n"}, 2),
        ("", {"proc/vmstat": "pgfault 5\noom_kill 7\n"}, 7),
        (V2, {"cgroup/app/worker/memory.events": "\noom_kill \n"}, None),
        ("", {}, None),
    ],
    ids=["v2", "v1", "the machine's", "no number", "unknown"],
)
def test_what_the_kernel_killed_for_memory_is_counted(
    tmp_path: Path, own: str, files: dict[str, str], expected: int | None
) -> None:
    assert groups(tmp_path, own, files).memory_kills() == expected


def test_a_worker_may_have_three_quarters_of_what_its_container_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "GROUPS", groups(tmp_path, V2, {"cgroup/memory.max": "400000000\n"}))
    assert Limits().memory == 300_000_000
    assert Limits(memory_mb=1).memory == 1024**2  # somebody's own choice stays


def test_a_container_with_more_than_the_machine_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = system.memory(), system.cores()
    files = {"cgroup/memory/memory.limit_in_bytes": UNLIMITED_V1, "cgroup/cpu/cpu.cfs_quota_us": "99999999"}
    files["cgroup/cpu/cpu.cfs_period_us"] = "100"
    monkeypatch.setattr(system, "GROUPS", groups(tmp_path, V1, files))
    assert (system.memory(), system.cores()) >= own


def test_fewer_cores_than_the_machine_has_are_what_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "GROUPS", groups(tmp_path, V2, {"cgroup/cpu.max": "100000 100000\n"}))
    assert system.cores() == 1
