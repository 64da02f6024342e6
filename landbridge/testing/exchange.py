"""One exchange as a fault sees it: what was asked, what is answered, and how the answer goes over the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

# Of the connection between two neighbours only (RFC 9110, 7.6.1); each side of the proxy has its own.
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"})


@dataclass(frozen=True)
class Asked:
    """A request on its way to the server; `target` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def without(self, *names: str) -> Asked:
        """The same request as of a client that did not say these parameters."""
        parts = urlsplit(self.target)
        kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in names]
        return replace(self, target=urlunsplit(parts._replace(query=urlencode(kept))))

    def json(self) -> Any:
        return orjson.loads(self.body)

    def with_json(self, value: Any) -> Asked:
        return replace(self, body=orjson.dumps(value))


@dataclass(frozen=True)
class Wire:
    """How the bytes of an answer reach the client.

    `silence`: seconds before anything is said · `cut`: reset the connection after this many bytes of the body (-1:
    before the status line) · `lie`: what is added to the true Content-Length · `drip`: seconds between single pieces.
    """

    silence: float = 0.0
    cut: int | None = None
    lie: int = 0
    drip: float = 0.0


@dataclass(frozen=True)
class Reply:
    """An answer on its way to the client."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    wire: Wire = field(default_factory=Wire)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def with_header(self, name: str, value: str) -> Reply:
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def json(self) -> Any:
        return orjson.loads(self.body)

    def with_json(self, value: Any) -> Reply:
        return replace(self, body=orjson.dumps(value))


Server = Callable[[Asked], Reply]
# A fault stands between client and server: it may answer by itself, change what is asked, or change what comes back.
Fault = Callable[[Asked, Server], Reply]
