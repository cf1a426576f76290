"""Many people watching a dashboard at once: its own protocol over real websockets, without the browsers around it.

A browser costs a second of processor and 80 MB, so fifty of them on a small machine measure the browsers. These
sessions ask what a browser asks: the page, then each fragment again whenever its interval is over. No test of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

PATIENCE_SECONDS = 240


@dataclass
class Session:
    """One tab: what it asked, how long the answers took, what they weighed."""

    socket: ClientConnection
    query: str
    page: str = ""  # the hash of the page that is shown, as the navigation tells it
    shown: set[str] = field(default_factory=set)  # the fragments that have shown anything
    timers: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)  # by fragment, empty for the whole page: since when it waits
    seconds: list[float] = field(default_factory=list)
    tick_bytes: list[int] = field(default_factory=list)
    received: int = 0
    errors: list[str] = field(default_factory=list)

    async def ask(self, fragment: str = "") -> None:
        """Have the page, or one fragment of it, drawn again, answered so far or not, as a browser does."""
        if not fragment or fragment in self.shown:  # one that shows nothing is nothing to wait for
            self.asked.setdefault(fragment, time.monotonic())
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = "" if self.page else "train"
        message.rerun_script.page_script_hash = self.page
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        await self.socket.send(message.SerializeToString())

    async def listen(self) -> None:
        """Take what comes until the connection ends."""
        size, drawn = 0, set[str]()
        async for data in self.socket:
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            self.received += 1
            size += len(data)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                size, drawn = len(data), set(message.metadata.run.fragment_ids)
                if not message.metadata.run.fragment_ids:
                    self.stop_timers()
            elif kind == "navigation":
                self.page = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                self.set_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            elif kind == "stop_auto_rerun":
                self.stop_timers(*message.stop_auto_rerun.fragment_ids)
            if kind == "delta" and message.delta.fragment_id:
                drawn.add(message.delta.fragment_id)
                self.shown.add(message.delta.fragment_id)
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                self.errors.append(message.delta.new_element.exception.message)
            elif kind == "session_event" and message.session_event.WhichOneof("type") == "script_compilation_exception":
                self.errors.append("the script could not be read")
            elif kind == "script_finished":
                # A fragment that is drawn while the next is already asked for ends "early" as well, but whole.
                if message.metadata.run.fragment_ids:
                    self.answered(drawn, size)
                elif message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    self.answered(set(), size)

    def answered(self, fragments: set[str], size: int) -> None:
        """The script has run for these fragments, or for the whole page and with it for all that wait."""
        if fragments:
            self.tick_bytes.append(size)
        for fragment in fragments or list(self.asked):
            if fragment in self.asked:
                self.seconds.append(time.monotonic() - self.asked.pop(fragment))

    def set_timer(self, fragment: str, interval: float) -> None:
        if fragment not in self.timers:
            self.timers[fragment] = asyncio.create_task(self.tick(fragment, interval))

    async def tick(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self.ask(fragment)

    def stop_timers(self, *fragments: str) -> None:
        """Stop asking for these fragments, or for all."""
        for fragment in fragments or list(self.timers):
            if timer := self.timers.pop(fragment, None):
                timer.cancel()


@asynccontextmanager
async def watching(url: str, count: int, run_id: str) -> AsyncIterator[list[Session]]:
    """`count` tabs on the Train page of a run; each has drawn it once."""
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    async with AsyncExitStack() as stack:
        sessions, listeners = [], []
        for _ in range(count):
            socket = await stack.enter_async_context(
                connect(
                    address,
                    origin=Origin(url),
                    subprotocols=[Subprotocol("streamlit")],
                    max_size=None,
                    ping_interval=None,  # browsers send none
                    open_timeout=PATIENCE_SECONDS,
                )
            )
            session = Session(socket, f"run={run_id}")
            listeners.append(asyncio.create_task(session.listen()))
            await session.ask()
            sessions.append(session)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any("" in session.asked for session in sessions):
            assert time.monotonic() < deadline, "some tabs were never drawn"
            assert not any(listener.done() for listener in listeners), "a connection broke"
            await asyncio.sleep(0.05)
        yield sessions
        for session in sessions:
            session.stop_timers()
        for listener in listeners:
            listener.cancel()
        ended = await asyncio.gather(*listeners, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), (
            ended
        )  # no connection broke, no test code did
