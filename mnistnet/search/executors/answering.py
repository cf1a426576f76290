"""Whether anything speaks at an address as a Dask scheduler does; Dask itself would wait for it without limit."""

import socket
import ssl

from mnistnet.search.executors.address import Address


def require_answer(address: Address, seconds: float) -> None:
    """OSError where nothing connects, or speaks, within `seconds` each.

    Over TCP a scheduler speaks first. Over TLS any answer to a handshake will do, a refusal as well: Dask checks
    certificates afterwards.
    """
    with socket.create_connection((address.host.strip("[]"), address.port), seconds) as peer:
        if address.scheme == "tls":
            _shake_hands(peer)
        elif not peer.recv(1):
            raise ConnectionResetError("the connection is closed at once")


def _shake_hands(peer: socket.socket) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_socket(peer).close()
    except ssl.SSLEOFError:
        raise ConnectionResetError("the connection is closed at once") from None
    except ssl.SSLError:  # it asks for a certificate
        return
