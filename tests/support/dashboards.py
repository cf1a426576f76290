"""Dashboards in processes of their own, and sessions with them that need no browser. No test of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.support.processes import until

PROJECT = Path(__file__).parents[2]
SECONDS = 90  # for a start on a busy machine; a quiet one needs two
ANSWER_SECONDS = 10  # for one answer; one that does not come is asked for again
XSRF = "_streamlit_xsrf"


def searched(folder: Path, hook: str) -> str:
    """A search path on which Python, at its start, finds the test's own `hook` before the project."""
    place = folder / "hook"
    place.mkdir()
    (place / "sitecustomize.py").write_text(hook)
    return os.pathsep.join([str(place), str(PROJECT)])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Dashboard:
    """`python -m COMMAND`, listening on `port`; all it prints is in `log`."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]
    problem: str = "not asked yet"  # why it did not answer when it was asked last

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}: {self.said}")
        try:
            # Not `localhost`: where it is ::1 as well, what is wrong with 127.0.0.1 stays unsaid.
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=ANSWER_SECONDS).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            self.problem = repr(error)
            return False
        return True

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS)

    def listens_on(self) -> set[str]:
        """The addresses on which the process takes connections."""
        found = psutil.Process(self.process.pid).net_connections(kind="inet")
        return {connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN}


@contextmanager
def started(
    *command: str, log: Path, port: int, folder: Path = PROJECT, variables: Mapping[str, str] | None = None
) -> Iterator[Dashboard]:
    """A dashboard that answers. `variables` come atop an environment that names no store and has no secrets."""
    environment = {name: value for name, value in os.environ.items() if name != "MNISTNET_STORE"}
    environment |= {"STREAMLIT_SECRETS_FILES": str(log.with_name("no-secrets.toml")), "PYTHONPATH": str(PROJECT)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment | dict(variables or {}),
            stdout=output,
            stderr=output,
        )
    dashboard = Dashboard(port, log, process)
    try:
        try:
            until(dashboard.answers, SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: {dashboard.problem}; it said: {dashboard.said}") from None
        yield dashboard
    finally:
        process.kill()
        process.wait()


@dataclass
class Session:
    """What a browser and the server tell each other, without the browser's manners."""

    socket: ClientConnection
    id: str = ""
    messages: list[ForwardMsg] = field(default_factory=list)

    def run(self, page: str = "", query: str = "", press: str = "") -> "Session":
        """Have the script run to its end, `press` being the id of a button that is pressed, enabled or not."""
        state = ClientState(page_name=page, query_string=query)
        if press:
            state.widget_states.widgets.append(WidgetState(id=press, trigger_value=True))
        self.messages = []
        self.socket.send(BackMsg(rerun_script=state).SerializeToString())
        while True:
            data = self.socket.recv(SECONDS)
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            self.messages.append(message)
            if message.WhichOneof("type") == "new_session":
                self.id = message.new_session.initialize.session_id
            # A rerun that the script asks for itself ends the run before it, too.
            if message.WhichOneof("type") == "script_finished" and message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
            ):
                return self

    @property
    def said(self) -> str:
        """Everything that the last run sent, as text."""
        return b"\n".join(message.SerializeToString() for message in self.messages).decode(errors="replace")

    def button(self, label: str) -> str:
        """The id of the button of this label."""
        elements = [message.delta.new_element for message in self.messages if message.HasField("delta")]
        return next(one.button.id for one in elements if one.HasField("button") and one.button.label == label)


def token(port: int) -> str:
    """A valid XSRF token, as every browser gets it from the page itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", "/_stcore/health")
    response = connection.getresponse()
    cookie = SimpleCookie(response.headers.get("Set-Cookie", ""))
    connection.close()
    return cookie[XSRF].value


@contextmanager
def session(
    port: int, host: str = "localhost", origin: str | None = None, cookies: Sequence[tuple[str, str]] = ()
) -> Iterator[Session]:
    """A session with the dashboard on 127.0.0.1, whatever `host` it is asked for; `origin` is its page's."""
    given = token(port)
    sent = "; ".join(f"{name}={value}" for name, value in [(XSRF, given), *cookies])
    with connect(
        f"ws://{host}:{port}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port), timeout=SECONDS),
        origin=Origin(origin or f"http://{host}:{port}"),
        subprotocols=[Subprotocol("streamlit"), Subprotocol(given)],
        additional_headers={"Cookie": sent},
        open_timeout=SECONDS,
        max_size=None,
        proxy=None,
    ) as opened:
        yield Session(opened)


def upload(port: int, session_id: str, size: int) -> int:
    """The status with which the server answers a file of so many bytes; of more than 64 kB it gets no byte.

    A server that answers before it has read everything resets the connection, and its answer may be lost with it.
    """
    given = token(port)
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n\r\n'
    tail = b"\r\n--edge--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.putrequest("PUT", f"/_stcore/upload_file/{session_id}/file-1")
    connection.putheader("Content-Type", "multipart/form-data; boundary=edge")
    connection.putheader("Content-Length", str(len(head) + size + len(tail)))
    connection.putheader("X-Xsrftoken", given)
    connection.putheader("Cookie", f"{XSRF}={given}")
    connection.endheaders(head + b" " * size + tail if size <= 64 * 1024 else None)
    try:
        return connection.getresponse().status
    finally:
        connection.close()
