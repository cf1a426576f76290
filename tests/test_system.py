"""What only some systems offer, here as this one has it; see test_elsewhere for what the others lack."""

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from mnistnet import system
from mnistnet.containers import Groups
from tests.support import strangers
from tests.support.processes import until

IDLE = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_the_machines_memory_is_known() -> None:
    assert system._physical_memory() == pytest.approx(psutil.virtual_memory().total, rel=0.01)


def test_there_is_at_least_one_core() -> None:
    assert 1 <= system.cores() <= (os.cpu_count() or 1)


def test_where_the_system_does_not_tell_its_memory_eight_gigabytes_are_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_physical_memory", lambda: None)
    monkeypatch.setattr(system, "GROUPS", Groups(Path("none"), Path("none")))
    assert system.memory() == 8 * 1024**3


def test_a_process_is_known_by_what_it_was_started_with_and_can_be_killed() -> None:
    with subprocess.Popen(IDLE) as process:
        until(lambda: "time.sleep(60)" in (system.command_line(process.pid) or ""))
        system.kill(process.pid)
        assert system.was_killed(process.wait(10))
    assert not system.was_killed(0)
    assert not system.was_killed(None)


@pytest.mark.posix
def test_without_proc_ps_says_what_a_process_was_started_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "PROC", Path("none"))
    with subprocess.Popen(IDLE) as process:
        until(lambda: system.command_line(process.pid) == " ".join(IDLE))
        process.kill()
    assert system.command_line(process.pid) is None


def test_windows_gets_a_group_and_a_console_of_its_own_for_what_is_detached(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = {"CREATE_NEW_PROCESS_GROUP": 0x200, "CREATE_NO_WINDOW": 0x8000000, "BELOW_NORMAL_PRIORITY_CLASS": 0x4000}
    for name, value in flags.items():
        monkeypatch.setattr(subprocess, name, value, raising=False)
    assert system.detached()["creationflags"] == 0x8004200


@pytest.mark.posix
def test_what_is_detached_has_a_session_of_its_own() -> None:
    with subprocess.Popen(IDLE, **system.detached()) as process:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)
        process.kill()


@pytest.mark.parametrize("refusals", [1, 3])
def test_a_file_that_somebody_has_open_is_replaced_once_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    (tmp_path / "new").write_text("new", "ascii")
    (tmp_path / "old").write_text("old", "ascii")
    calls, real = [], os.replace

    def refusing(*paths: Path) -> None:
        calls.append(paths)
        if len(calls) <= refusals:
            raise PermissionError(errno.EACCES, "somebody has it open")
        real(*paths)

    monkeypatch.setattr(os, "replace", refusing)
    system.replace(tmp_path / "new", tmp_path / "old")
    assert [(file.name, file.read_text("ascii")) for file in tmp_path.iterdir()] == [("old", "new")]


def test_a_file_that_stays_open_is_said_to_be_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: Path) -> None:
        raise PermissionError(errno.EACCES, "somebody has it open")

    monkeypatch.setattr(system, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(os, "replace", refusing)
    with pytest.raises(PermissionError):
        system.replace(tmp_path / "new", tmp_path / "old")


@pytest.mark.posix
def test_a_temporary_folder_that_others_can_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = system.private_folder("mnistnet")
    assert own == system.private_folder("mnistnet")  # the same each time
    assert own is not None
    own.chmod(0o777)
    assert system.private_folder("mnistnet") is None
    own.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    own.symlink_to(tmp_path / "elsewhere")
    assert system.private_folder("mnistnet") is None


@pytest.mark.posix
@pytest.mark.skipif(getattr(os, "getuid", int)() != 0, reason="only root can give a folder away")
def test_a_temporary_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = system.private_folder("mnistnet")
    assert own is not None
    os.chown(own, 12_345, 12_345)
    assert system.private_folder("mnistnet") is None


def test_a_folder_that_cannot_be_made_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert system.is_writable(tmp_path / "new" / "folder")
    assert not system.is_writable(tmp_path / "file" / "folder")


def test_a_process_knows_how_much_memory_it_had_at_most() -> None:
    peak = system.peak_memory()
    assert peak is None or peak >= psutil.Process().memory_info().rss / 2


def test_ending_a_process_that_is_gone_is_an_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    with pytest.raises(OSError):  # noqa: PT011 - its kind is the system's
        system.kill(process.pid)


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert system.home() is None


@pytest.mark.posix
def test_a_home_that_is_closed_to_the_user_is_none() -> None:
    with strangers.open_to_all() as place:
        place.chmod(0)
        ask = "print(system.home())"
        assert strangers.said(ask, before="from mnistnet import system", HOME=str(place)) == "None"


def test_a_home_that_is_not_there_is_still_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "none")
    assert system.home() == tmp_path / "none"


@pytest.mark.posix
def test_interrupting_the_terminal_does_not_reach_what_is_detached() -> None:
    """The terminal's Ctrl-C goes to the group of who is in front."""
    script = "import signal, subprocess, sys; from mnistnet import system\n"
    script += f"child = subprocess.Popen({IDLE!r}, **system.detached())\nprint(child.pid, flush=True)\n"
    script += "signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.killpg(parent.pid, signal.SIGINT)
        parent.wait(10)
    assert child.is_running()
    child.kill()


@pytest.mark.posix
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_connections_there_are_and_those_to_come_send_at_once(family: socket.AddressFamily, host: str) -> None:
    def accepted() -> socket.socket:
        with socket.create_connection(listening.getsockname()[:2]):
            return listening.accept()[0]

    with socket.socket(family) as listening:  # without a protocol number, as Streamlit's
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        listening.listen()
        with accepted() as before:
            system.send_at_once()
            with accepted() as after:
                for connection in (before, after):
                    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    with Path(__file__).open("rb") as file:  # what is no socket stays as it is
        system.send_at_once()
        assert file.read(3) == b'"""'
