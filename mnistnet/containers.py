"""What Linux's control groups, of which containers are made, leave to this process. Elsewhere there are none.

Version 2 has one tree, version 1 one for each controller. A group's limit holds for all its processes together, and
those of the groups above it hold as well (docs.kernel.org: admin-guide/cgroup-v2, admin-guide/cgroup-v1/memory).
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile("[0-9]{1,20}")  # the kernel's counters have 64 bits
_V2 = ""  # how /proc/self/cgroup names the tree of version 2, which is of no single controller


@dataclass(frozen=True)
class Groups:
    """The groups of this process, read from the files of the kernel anew each time: limits can be changed."""

    proc: Path = Path("/proc")
    mounts: Path = Path("/sys/fs/cgroup")

    def memory(self) -> int | None:
        """Bytes that the group may have; None where nothing limits it. Version 1 writes a huge number for no limit."""
        files = [(_V2, "memory.max"), ("memory", "memory.limit_in_bytes")]
        limits = [_number(_read(folder / name)) for controller, name in files for folder in self._folders(controller)]
        return min((limit for limit in limits if limit is not None), default=None)

    def cores(self) -> int | None:
        """Processor cores that the group may keep busy, rounded up; None where nothing limits it."""
        shares = [_share(*_words(_read(folder / "cpu.max"))) for folder in self._folders(_V2)]
        shares += [
            _share(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))
            for folder in self._folders("cpu")
        ]
        return min((math.ceil(share) for share in shares if share), default=None)

    def memory_kills(self) -> int | None:
        """The number of processes that the kernel has killed because memory ran out: in the group, else on the machine.

        None where the kernel does not say.
        """
        counters = [folder / "memory.events" for folder in self._folders(_V2)]
        counters += [folder / "memory.oom_control" for folder in self._folders("memory")]
        for file in [*counters, self.proc / "vmstat"]:
            for line in _read(file).splitlines():
                name, number = _words(line)
                if name == "oom_kill":
                    return _number(number)
        return None

    def _folders(self, controller: str) -> Iterator[Path]:
        """The folders of the process's group and of those above it, the nearest first.

        A container sees its own group as the root, whatever path the kernel tells: folders may be missing.
        """
        for line in _read(self.proc / "self" / "cgroup").splitlines():
            _, names, path = line.split(":", 2) if line.count(":") > 1 else ("", "unknown", "")
            if controller in names.split(","):
                parts = [part for part in path.split("/") if part not in ("", "..")]
                root = self.mounts / controller
                yield from (root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace").strip()
    except (OSError, ValueError):  # no such group, not ours to see, or its name cannot be that of a file
        return ""


def _words(line: str) -> tuple[str, str]:
    """The two words of a line as the kernel writes it; what else it says is none of ours."""
    first, second, *_ = [*line.split(), "", ""]
    return first, second


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _share(quota: str, period: str) -> float | None:
    """Cores from microseconds of processor time in each period; None without a limit (`max`, -1)."""
    time, each = _number(quota), _number(period)
    return time / each if time and each else None
