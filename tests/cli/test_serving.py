"""The command line that serves the dashboard: the same settings from anywhere, and what it refuses to serve."""

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnistnet import login
from mnistnet.cli import serving
from mnistnet.cli.program import main
from tests.support.dashboards import PROJECT, SECONDS, free_port, searched, started
from tests.support.logins import AUTH, written

# A module that every Python reads at its start, where the search path says so: what the server was told, in a file.
DUMP = """
import atexit, json, os, sys

@atexit.register
def dump():
    config = sys.modules["streamlit.config"]
    with open(os.environ["SETTINGS"], "w") as file:
        json.dump({name: config.get_option(name) for name in config._config_options}, file, default=str)
"""
INTERRUPT = """
import os, signal, sys

def interrupt(event, arguments):
    if event == "import" and arguments[0] == "streamlit.web.bootstrap":
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
"""
STRANGE = """
[server]
address = "0.0.0.0"
enableCORS = false
enableXsrfProtection = false
maxUploadSize = 500
baseUrlPath = "other"
[browser]
gatherUsageStats = true
[client]
showErrorDetails = "full"
[theme]
font = "monospace"
primaryColor = "#ff0000"
"""
OWN = {"server.port", "browser.serverPort", "server.cookieSecret"}  # each process has its own


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's secrets would be, instead of the developer's own; and nothing is served from here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: pytest.fail("it is served"))
    file = tmp_path / "secrets.toml"
    monkeypatch.setenv("STREAMLIT_SECRETS_FILES", str(file))
    return file


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which the command ends, before it has started anything."""
    capsys.readouterr()
    assert main(["dashboard", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("mnistnet: ")
    assert said.err.count("\n") == 1
    return said.err


# Settings


@pytest.mark.posix
@pytest.mark.bar("F14")
def test_settings_from_another_folder_equal_those_from_the_projects(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".streamlit").mkdir(parents=True)
    (elsewhere / ".streamlit" / "config.toml").write_text(STRANGE)
    path = searched(tmp_path, DUMP)
    log, port, files = tmp_path / "log.txt", free_port(), [tmp_path / "there.json", tmp_path / "here.json"]
    hooked = [{"PYTHONPATH": path, "SETTINGS": str(file)} for file in files]
    strange = {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "STREAMLIT_SERVER_ENABLE_CORS": "false"}
    command = ("mnistnet", "dashboard", "--port", str(port))
    with started(*command, log=log, port=port, folder=elsewhere, variables=hooked[0] | strange) as there:
        assert there.listens_on() == {"127.0.0.1"}
        assert there.interrupt() == 0
        assert "Traceback" not in there.said
    port = free_port()
    command = ("streamlit", "run", "streamlit_app.py", f"--server.port={port}")
    with started(*command, log=log, port=port, variables=hooked[1]) as here:
        assert here.interrupt() == 0
    there_has, here_has = (json.loads(file.read_text()) for file in files)
    assert {name for name, value in there_has.items() if value != here_has[name]} == OWN
    assert there_has["server.maxUploadSize"] == 5
    assert there_has["theme.primaryColor"] is None


# A user whom the machine does not know, as a container's.
UNKNOWN = """
import os, pwd

def unknown(user):
    raise KeyError(f"getpwuid(): uid not found: {user}")

pwd.getpwuid = unknown
os.environ.pop("HOME", None)
"""


@pytest.mark.posix
def test_a_user_without_a_name_and_a_home_gets_the_dashboard(tmp_path: Path) -> None:
    variables = {"PYTHONPATH": searched(tmp_path, UNKNOWN), "TMPDIR": str(tmp_path), "STREAMLIT_SECRETS_FILES": ""}
    port = free_port()
    command = ("mnistnet", "dashboard", "--port", str(port))
    with started(*command, log=tmp_path / "log.txt", port=port, variables=variables) as dashboard:
        assert "Traceback" not in dashboard.said


def test_every_setting_but_the_theme_is_an_option() -> None:
    options = serving.command(8502)
    assert options[:2] == ["run", str(PROJECT / "streamlit_app.py")]
    assert {option.partition("=")[0] for option in options[2:]} == {
        f"--{name}" for name in [*serving.settings(), "server.port", "secrets.files"]
    }
    for option in (
        "--server.address=127.0.0.1",
        "--server.port=8502",
        "--server.allowedHosts=localhost",
        "--server.allowedHosts=127.0.0.1",
        "--server.maxUploadSize=5",
        "--server.enableCORS=true",
        "--server.enableXsrfProtection=true",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=none",
    ):
        assert option in options


def test_a_shared_dashboard_differs_in_who_may_reach_it_only() -> None:
    alone, shared = serving.command(8502), serving.command(8502, "mnist.example.org")
    assert set(alone) - set(shared) == {"--server.address=127.0.0.1", "--browser.serverAddress=localhost"}
    assert set(shared) - set(alone) == {
        "--server.address=0.0.0.0",
        "--browser.serverAddress=mnist.example.org",
        "--server.allowedHosts=mnist.example.org",
    }


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_these_addresses_are_this_machine_alone(address: str) -> None:
    assert serving.is_loopback(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.2", "mnist.example.org", "localhost.org"])
def test_any_other_address_is_a_network(address: str | None) -> None:
    assert not serving.is_loopback(address)


# Ports and Ctrl-C


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999999999999999999"])
def test_a_port_out_of_range_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--port", port) == f"mnistnet: port {port}: choose 1 to 65535, as in --port 8501\n"


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_in_use_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind((address, 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(capsys, "--port", str(port))
    assert said == f"mnistnet: port {port}: in use: choose a free one with --port\n"


@pytest.mark.posix
def test_ctrl_c_before_it_is_up_ends_it_quietly(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "mnistnet", "dashboard", "--port", str(free_port())],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": searched(tmp_path, INTERRUPT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGINT, "", "")


# Sharing


@pytest.mark.parametrize(
    "host", ["", "*", "*.example.org", "mnist.example.org:8501", "https://mnist.example.org", "a b", "-a", "a" * 254]
)
def test_only_one_host_name_can_be_shared(host: str, secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets.write_text(written({"auth": AUTH}), encoding="utf-8")
    assert "write one host name without port or wildcard" in refused(capsys, "--share", host)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({}, "there is no [auth] section"),
        ({"auth": {}}, "[auth] has no redirect_uri and no cookie_secret"),
        *(
            ({"auth": {name: value for name, value in AUTH.items() if name != key}}, f"[auth] has no {key}")
            for key in AUTH
        ),
    ],
)
def test_sharing_without_a_complete_login_is_refused(
    section: dict[str, Any], problem: str, secrets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.write_text(written(section), encoding="utf-8")
    said = refused(capsys, "--share", "mnist.example.org")
    assert said.startswith(
        "mnistnet: --share 'mnist.example.org': a network is served only where everyone logs in, and " + problem
    )
    assert str(secrets) in said


def test_sharing_without_any_secrets_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no [auth] section" in refused(capsys, "--share", "mnist.example.org")


def test_sharing_without_the_login_package_is_refused_with_its_version(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.write_text(written({"auth": AUTH}), encoding="utf-8")
    monkeypatch.setitem(login.PACKAGES, "authlib_of_nobody", "Authlib==1.9.8")
    assert "Authlib==1.9.8 must be installed: pip install" in refused(capsys, "--share", "mnist.example.org")


def test_sharing_under_another_name_than_the_login_leads_to_is_refused(
    secrets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.write_text(written({"auth": AUTH}), encoding="utf-8")
    said = refused(capsys, "--share", "digits.example.org")
    assert "redirect_uri of [auth] leads to 'mnist.example.org'" in said


def test_secrets_that_cannot_be_read_are_named(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets.write_text("[auth\n", encoding="utf-8")
    assert f"{secrets}: not a readable TOML file" in refused(capsys, "--share", "mnist.example.org")


def test_a_complete_login_may_be_shared_under_its_name(secrets: Path) -> None:
    secrets.write_text(written({"auth": AUTH}), encoding="utf-8")
    serving.require_login("mnist.example.org")
    serving.require_login("MNIST.example.org")


def test_a_later_secrets_file_replaces_whole_sections(
    secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = tmp_path / "later.toml"
    secrets.write_text(written({"auth": AUTH, "mnistnet": {"administrators": ["a@example.org"]}}), encoding="utf-8")
    later.write_text(written({"auth": {"client_id": "other"}}))
    monkeypatch.setenv("STREAMLIT_SECRETS_FILES", f"{secrets} {later} {tmp_path / 'none.toml'}")
    assert serving.read_secrets() == {"auth": {"client_id": "other"}, "mnistnet": {"administrators": ["a@example.org"]}}


def test_secrets_are_looked_for_at_home_and_in_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STREAMLIT_SECRETS_FILES")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert serving.secrets_files() == [folder / ".streamlit" / "secrets.toml" for folder in (tmp_path, PROJECT)]


def test_the_packages_that_it_asks_for_are_those_that_the_tests_run_with() -> None:
    pinned = (PROJECT / "requirements-dev.txt").read_text().split()
    assert set(login.PACKAGES.values()) <= set(pinned)
