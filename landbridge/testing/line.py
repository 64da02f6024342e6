"""The line between a connector and its system, with what can go wrong on it: HTTP, bare TCP, or none at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from landbridge.errors import ConfigError
from landbridge.testing.proxy import FaultProxy
from landbridge.testing.tcp import TcpProxy


@dataclass(frozen=True)
class Line:
    """`url` is the address to give to the connector; at most one of `http` and `tcp` is there."""

    url: str
    http: FaultProxy | None = None
    tcp: TcpProxy | None = None

    def calm(self) -> None:
        if self.http is not None:
            self.http.calm()
            self.http.seen.clear()
        if self.tcp is not None:
            self.tcp.restore()


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    """A line to the system at this address, by the protocol that the address names."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        with FaultProxy(url) as proxy:
            yield Line(proxy.url, http=proxy)
        return
    if parts.scheme == "file":
        yield Line(url)
        return
    if not parts.hostname or not parts.port:
        raise ConfigError("The harness serves no address of the form scheme://host:port or file:///path.")
    with TcpProxy(parts.hostname, parts.port) as tcp:
        yield Line(parts._replace(netloc=f"127.0.0.1:{tcp.port}").geturl(), tcp=tcp)
