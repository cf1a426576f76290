"""Serving the dashboard: the settings of `.streamlit/config.toml` as a command line, the same from anywhere.

Serves this machine alone, or others where everyone logs in. Knows no Streamlit and no page.
"""

import errno
import ipaddress
import os
import re
import runpy
import signal
import socket
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mnistnet import login, strict_json, system
from mnistnet.data import datasets
from mnistnet.errors import BadInput
from mnistnet.runs.store.store import default_root
from mnistnet.runs.worker.processes import PROJECT

PORT = 8501
HIGHEST_PORT = 65_535
EVERYWHERE = "0.0.0.0"
_INSTALLED = PROJECT / "mnistnet" / "dashboard"  # only a wheel has it
APP = _INSTALLED if _INSTALLED.is_dir() else PROJECT  # streamlit_app.py, pages/ and .streamlit/ lie here
SETTINGS = APP / ".streamlit" / "config.toml"
SECRETS = Path(".streamlit") / "secrets.toml"
_HELP = "https://docs.streamlit.io/develop/concepts/connections/authentication"
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.IGNORECASE)


class ServingError(BadInput):
    """The dashboard cannot be served like this."""


def serve(port: int, share: str | None = None) -> None:
    """Serve the dashboard from this process until Ctrl-C (exit code 0, or 130 before it is up); never returns.

    port: 1 to 65535. share: the host name under which others reach it; None: this machine only.
    Raises ServingError, before anything is started, for a port out of range or in use, and for a share that
    nobody would have to log in to.
    """
    if not 1 <= port <= HIGHEST_PORT:
        raise ServingError(f"port {port}: choose 1 to {HIGHEST_PORT}, as in --port {PORT}")
    if share is not None:
        require_login(share)
    options = command(port, share)
    _require_free(EVERYWHERE if share else settings()["server.address"], port)
    # Streamlit also reads settings from the folder we stand in. It is to be the project's, while what people
    # named relative to their own stays there.
    os.environ["MNISTNET_STORE"] = str(default_root().resolve())
    os.environ["MNISTNET_DATA"] = str(datasets.root().resolve())
    os.chdir(APP)
    if system.home() is None:  # Streamlit would end with a traceback
        os.environ["HOME"] = str(system.private_folder("mnistnet") or APP)
    # Streamlit answers to Ctrl-C once it is up; until then there is nothing to put in order.
    signal.signal(signal.SIGINT, lambda *_: os._exit(128 + signal.SIGINT))
    sys.argv = ["streamlit", *options]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def command(port: int, share: str | None = None) -> list[str]:
    """The arguments of `python -m streamlit`. Options win over every file and every variable of the environment."""
    chosen = settings() | {"server.port": port, "secrets.files": [str(file) for file in secrets_files()]}
    if share is not None:
        # The address in the browser is also what keeps Streamlit from asking the internet for its own.
        chosen |= {
            "server.address": EVERYWHERE,
            "browser.serverAddress": share,
            "server.allowedHosts": [share, "localhost", "127.0.0.1"],
        }
    return ["run", str(APP / "streamlit_app.py"), *(part for item in chosen.items() for part in _option(*item))]


def settings() -> dict[str, Any]:
    """The settings of the project by their full names, as in `server.address`, without the theme.

    Streamlit reads the theme from beside its script wherever it is started; its lists cannot be options.
    """
    sections = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    return {
        f"{section}.{name}": value
        for section, values in sections.items()
        if section != "theme"
        for name, value in values.items()
    }


def _option(name: str, value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        yield f"--{name}={str(one).lower() if isinstance(one, bool) else one}"


def is_loopback(address: str | None) -> bool:
    """True where a server that listens on `address` can be reached from this machine only; None is everywhere."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:  # a name: whatever it may stand for
        return False


def require_login(share: str) -> None:
    """ServingError unless `share` is a host name and everybody who comes by it has to log in."""
    given = f"--share {strict_json.shown(share)}"
    if len(share) > 253 or not _HOST.fullmatch(share):
        raise ServingError(f"{given}: write one host name without port or wildcard, as in mnist.example.org")
    secrets = read_secrets()
    files = " or ".join(map(str, secrets_files()))
    if problem := login.problem(secrets):
        raise ServingError(
            f"{given}: a network is served only where everyone logs in, and {problem}; "
            f"configure Streamlit's login in {files}, see {_HELP}"
        )
    if (host := login.redirect_host(secrets)) != share.lower():
        raise ServingError(
            f"{given}: redirect_uri of [auth] leads to {strict_json.shown(host)}: a login works under one name only; "
            f"share that one, or change redirect_uri in {files}"
        )


def secrets_files() -> list[Path]:
    """The files that may hold secrets, the last one counting most: $STREAMLIT_SECRETS_FILES, else home and project."""
    named = os.environ.get("STREAMLIT_SECRETS_FILES", "").split()
    homes = [home] if (home := system.home()) else []
    return [Path(name).resolve() for name in named] or [folder / SECRETS for folder in (*homes, APP)]


def read_secrets() -> Mapping[str, Any]:
    """The secrets as Streamlit will read them: a section in a later file replaces the same one of an earlier.

    Empty where no file is there; ServingError for one that cannot be read.
    """
    secrets: dict[str, Any] = {}
    for file in secrets_files():
        try:
            secrets |= tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:  # tomllib's own error is a ValueError, too
            raise ServingError(f"{file}: not a readable TOML file ({error}); mend it") from None
    return secrets


def _require_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        if os.name != "nt":  # as Streamlit does: a port that was in use until just now is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            why = "in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise ServingError(f"port {port}: {why}: choose a free one with --port") from None
