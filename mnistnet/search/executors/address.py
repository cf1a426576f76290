"""The address of a cluster's scheduler: what is allowed, whether it is safe, and the certificates that it needs.

Connects to nothing, and imports Dask only to read its configuration.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.extras import Extra
from mnistnet.search.executors.executor import Unreachable

DASK = Extra("cluster", ("dask", "distributed"))
_PARTS = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_FORM = "HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT"
# Dask's settings for a client, and the variables of the environment that set them.
_CERTIFICATES = ("ca-file", "client.cert", "client.key")


class NoCluster(Unreachable):
    """The cluster cannot be used, or not now."""


class BadAddress(BadInput):
    """The address is none, or one that may not be used."""


@dataclass(frozen=True)
class Address:
    """The address of a scheduler."""

    scheme: str
    host: str
    port: int

    @property
    def text(self) -> str:
        """As Dask reads it."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def is_of_this_machine(self) -> bool:
        """True on the loopback; a name other than `localhost` may stand for any machine."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_exposed(self) -> bool:
        """True where it is neither encrypted nor on this machine."""
        return self.scheme == "tcp" and not self.is_of_this_machine


def parsed(cluster: str) -> Address:
    """The address in a text; without a scheme, it is tcp. Raises BadAddress."""
    found = _PARTS.fullmatch(cluster)
    scheme = (found and found["scheme"]) or "tcp"
    if not found or scheme not in ("tcp", "tls") or not 0 < int(found["port"]) < 65536:
        raise BadAddress(f"cluster {strict_json.shown(cluster)}: no address of a scheduler; give {_FORM}")
    return Address(scheme, found["host"], int(found["port"]))


def require_address(cluster: str, *, insecure: bool) -> Address:
    """The address, if a search may use it. Raises BadAddress, NoCluster, MissingExtra."""
    address = parsed(cluster)
    if address.is_exposed and not insecure:
        raise BadAddress(
            f"cluster {address.text}: not encrypted, and not on this machine: whoever reaches it can run code there; "
            "use tls://, as `python -m mnistnet cluster` shows, or allow it on purpose (--insecure)"
        )
    DASK.require()
    if address.scheme == "tls":
        _require_certificates(address)
    return address


def _require_certificates(address: Address) -> None:
    """NoCluster where a file that TLS needs is not named in Dask's configuration, or not there."""
    import dask

    for setting in _CERTIFICATES:
        name = f"DASK_DISTRIBUTED__COMM__TLS__{setting.upper().replace('-', '_').replace('.', '__')}"
        file = dask.config.get(f"distributed.comm.tls.{setting}", None)
        if not file:
            raise NoCluster(
                f"cluster {address.text}: {name} is not set: TLS needs the files of an authority, a certificate and "
                "its key; `python -m mnistnet cluster` shows how to set them"
            )
        if not Path(file).is_file():
            raise NoCluster(f"cluster {address.text}: {name}: {strict_json.shown(file)} is no file; correct the path")
