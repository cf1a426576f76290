"""Whether a scheduler answers at an address, asked of plain sockets."""

import socket
import threading
from collections.abc import Iterator

import pytest

from mnistnet.search.executors.address import Address
from mnistnet.search.executors.answering import require_answer


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def place(scheme: str, server: socket.socket) -> Address:
    return Address(scheme, "127.0.0.1", server.getsockname()[1])


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_a_peer_that_says_nothing_is_waited_for_no_longer_than_asked(scheme: str, listening: socket.socket) -> None:
    with pytest.raises(TimeoutError):
        require_answer(place(scheme, listening), 0.2)


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_a_peer_that_closes_at_once_does_not_answer(scheme: str, listening: socket.socket) -> None:
    closing = threading.Thread(target=lambda: listening.accept()[0].close())
    closing.start()
    with pytest.raises(OSError, match=r"closed at once|reset"):
        require_answer(place(scheme, listening), 5)
    closing.join()


def test_nothing_at_the_address_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = place("tcp", server)
    with pytest.raises(ConnectionRefusedError):
        require_answer(gone, 5)


def test_a_peer_that_speaks_answers(listening: socket.socket) -> None:
    def speak() -> None:
        with listening.accept()[0] as peer:
            peer.sendall(b"?")

    speaking = threading.Thread(target=speak)
    speaking.start()
    require_answer(place("tcp", listening), 5)
    speaking.join()
