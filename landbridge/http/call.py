"""One call as a value: all that is needed to send it, also a second time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, TypedDict
from urllib.parse import quote

import orjson

from landbridge.errors import ConfigError
from landbridge.http.throttle import Limit, Throttle

Data = bytes | str | Mapping[str, Any] | IO[bytes] | Iterable[bytes]
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Options(TypedDict, total=False):
    """What a verb takes.

    `path_params` fill `{names}` of the path, quoted, and stay out of every message. `safe`: the system applies the
    call once however often it is sent. `marker`: sent as the idempotency key. `cost`: what the throttle is charged.
    """

    params: Mapping[str, Any] | None
    path_params: Mapping[str, object] | None
    json: Any
    data: Data | None
    headers: Mapping[str, str] | None
    marker: str | None
    safe: bool | None
    cost: float


class Listing(TypedDict, total=False):
    """What the reading of a list takes: of the above what is not said by its pages, and where it goes on from."""

    params: Mapping[str, Any] | None
    start: str | None
    json: Mapping[str, Any] | None
    path_params: Mapping[str, object] | None
    headers: Mapping[str, str] | None
    cost: float


@dataclass(frozen=True)
class Call:
    """A request before it is signed; `where` is how messages name it."""

    method: str
    url: str = field(repr=False)
    where: str
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Data | None = field(default=None, repr=False)
    start: int = 0
    repeatable: bool = False
    cost: float = 1.0
    elsewhere: bool = False
    limit: Throttle | None = field(default=None, repr=False)

    @property
    def rewindable(self) -> bool:
        """Whether the body can be sent a second time."""
        return self.body is None or isinstance(self.body, bytes | str | Mapping) or _seekable(self.body)

    def rewound(self) -> Data | None:
        """The body, from its start."""
        if _seekable(self.body):
            self.body.seek(self.start)  # type: ignore[union-attr]
        return self.body


def filled(path: str, values: Mapping[str, object] | None) -> str:
    """The path with its `{names}` replaced by quoted values; none of them can add a step to the path."""
    for name, value in (values or {}).items():
        text = quote(str(value), safe="")
        if text in ("", ".", ".."):
            raise ConfigError(f"The value for {{{name}}} in the path {path} is empty or a dot step.")
        path = path.replace(f"{{{name}}}", text)
    return path


def limit_of(
    limits: Mapping[str, Limit], method: str, path: str, options: Options, throttle: Throttle
) -> Throttle | None:
    """The limit of this kind of call, as the table names it: by the path as it is written, or by `POST path`."""
    key = f"{method} {path}" if f"{method} {path}" in limits else path
    if (limit := limits.get(key)) is None:
        return None
    body = options.get("json")
    told = {
        **(options.get("params") or {}),
        **(body if isinstance(body, Mapping) else {}),
        **(options.get("path_params") or {}),
    }
    which = f" {told.get(limit.by, '')}" if limit.by else ""
    return throttle.of(f"{limit.name or key}{which}", limit.rate, limit.burst)


def call(
    method: str, url: str, where: str, options: Options, *, marker_header: str, json_type: str = "application/json",
    elsewhere: bool = False, limit: Throttle | None = None,
) -> Call:  # fmt: skip
    """The call that a verb with its options stands for."""
    headers, body = dict(options.get("headers") or {}), options.get("data")
    if options.get("json") is not None:
        body = orjson.dumps(options["json"])
        headers.setdefault("Content-Type", json_type)
    if (marker := options.get("marker")) is not None:
        headers[marker_header] = marker
    safe = options.get("safe")
    return Call(
        method, url, where, options.get("params"), headers, body,
        start=body.tell() if _seekable(body) else 0,  # type: ignore[union-attr]
        repeatable=method in REPEATABLE if safe is None else safe,
        cost=options.get("cost", 1.0),
        elsewhere=elsewhere,
        limit=limit,
    )  # fmt: skip


def _seekable(body: object) -> bool:
    seekable = getattr(body, "seekable", None)
    return bool(callable(seekable) and seekable())
