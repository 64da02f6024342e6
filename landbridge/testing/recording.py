"""Recordings: what passed between a connector and its system, kept for tests, and played back without the system."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import requests
import urllib3
from pydantic import SecretBytes, SecretStr, ValidationError

from landbridge.connector import Connector, Failure, Gone, Item, Record
from landbridge.errors import ConfigError, RecordError
from landbridge.http.tape import Send, taped
from landbridge.testing.exchange import HOP_BY_HOP
from landbridge.testing.scrubbing import SYSTEM

# In place of every secret of a connection.
SECRET = "a-secret-that-opens-nothing"  # noqa: S105
# Of a request, what may change its answer and says nothing of who asks.
_ASKED = frozenset({"accept", "content-type", "prefer", "consistencylevel", "if-match", "if-none-match"})
_UNKEPT = (
    "cookie", "auth", "token", "secret", "session", "csrf", "policy", "report", "nel", "server", "powered", "via", "host",
    "access-control", "x-robots", "x-content-type", "transport-security", "x-frame", "request-id", "trace",
)  # fmt: skip
_UNSENT = HOP_BY_HOP | {"content-encoding", "date", "vary", "cache-control", "expires", "pragma", "age"}


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; bodies are JSON data, or text where they are no JSON."""

    method: str
    target: str
    status: int
    asked: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None
    sent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """Some records of one stream as a connector read them, and the exchanges in which it did.

    `config` are the connection's fields, those that hold a secret without it.
    """

    connector: str
    stream: str
    kind: str
    key: tuple[str, ...]
    config: Mapping[str, Any]
    exchanges: tuple[Exchange, ...]
    natives: tuple[dict[str, Any], ...]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text(), encoding="utf-8")

    def text(self) -> str:
        data = {
            "connector": self.connector, "stream": self.stream, "kind": self.kind, "key": list(self.key),
            "config": dict(self.config),
            "exchanges": [_shown(one) for one in self.exchanges], "natives": list(self.natives),
        }  # fmt: skip
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def load(path: Path) -> Recording:
    """Raises ConfigError where there is none, or something else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        exchanges = tuple(Exchange(**one) for one in data.pop("exchanges"))
        return Recording(exchanges=exchanges, natives=tuple(data.pop("natives")), key=tuple(data.pop("key")), **data)
    except FileNotFoundError:
        raise ConfigError(
            "There is no such recording.", file=str(path), remedy="Make it: `landbridge try SYSTEM STREAM --record`."
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"This is no recording ({type(error).__name__}).", file=str(path), remedy="Make it anew."
        ) from None


def place(home: Path, connector: str, stream: str) -> Path:
    """Where a connector's tests keep the recording of a stream."""
    tests = home / "tests" / "connectors"
    folder = (tests if tests.is_dir() else home / "tests") / "recordings"
    return folder / f"{connector}-{stream}.json"


@contextmanager
def recorded() -> Iterator[list[Exchange]]:
    """While inside, every exchange of every client of this process is kept, as it is: secrets and people included."""
    kept: list[Exchange] = []

    def tape(request: requests.PreparedRequest, send: Send) -> requests.Response:
        response = send(request)
        body = response.raw.read(decode_content=True)
        kept.append(_exchange(request, response, body))
        response.raw = _raw(response.status_code, body, _plain(response.headers))
        return response

    with taped(tape):
        yield kept


@contextmanager
def replayed(recording: Recording) -> Iterator[None]:
    """While inside, the recording answers in the system's place; nothing is sent, also not to sign in.

    A request gets the first answer to the same request that was not given yet, else to one of the same path. Raises
    RecordError where nothing fits.
    """
    left = list(recording.exchanges)

    def tape(request: requests.PreparedRequest, send: Send) -> requests.Response:
        asked = _exchange(request, None, b"")
        found = next((one for one in left if _same(one, asked)), None)
        found = found or next((one for one in left if _alike(one, asked)), None)
        if found is None:
            raise RecordError(f"The recording has no answer (left) to {asked.method} {urlsplit(asked.target).path}.")
        left.remove(found)
        return _response(request, found)

    with taped(tape, alone=True):
        yield


def player(cls: type[Connector], recording: Recording) -> Connector:
    """A connector with the recording's connection, and secrets that open nothing. Raises ConfigError."""
    try:
        return cls(cls.Config.model_validate(recording.config))
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise ConfigError(
            f"The connection of this recording has no usable {field}.",
            remedy="Make the connector with one of your own.",
        ) from None


def config_of(connector: Connector) -> dict[str, Any]:
    """The connection's fields that were given, without secrets."""
    return {name: _open(value) for name, value in connector.config.model_dump(exclude_unset=True).items()}


def _open(value: Any) -> Any:
    if isinstance(value, SecretStr | SecretBytes):
        return SECRET
    if isinstance(value, dict):
        return {name: _open(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_open(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def items(connector: Connector, stream: str, limit: int) -> list[Item]:
    """The first records of a full read, each once, and what could not be read among them."""
    return list(islice(_distinct(connector.read(stream)), limit))


def _distinct(found: Iterator[Item]) -> Iterator[Item]:
    """Reading may say a record twice, where its pages overlap."""
    seen: set[str] = set()
    for one in found:
        if isinstance(one, Record | Failure | Gone) and one.key not in seen:
            seen |= {one.key} if one.key else set()
            yield one


def natives(connector: Connector, stream: str, limit: int) -> tuple[dict[str, Any], ...]:
    return tuple(one.native for one in items(connector, stream, limit) if isinstance(one, Record))


def host_of(recorded: list[Exchange]) -> str:
    """The system's own: that of the first exchange."""
    return urlsplit(recorded[0].target).hostname or "" if recorded else ""


def _exchange(request: requests.PreparedRequest, response: requests.Response | None, body: bytes) -> Exchange:
    sent = {name: value for name, value in request.headers.items() if name.lower() in _ASKED}
    asked = _parsed(request.body if isinstance(request.body, bytes) else str(request.body or "").encode())
    if response is None:
        return Exchange(str(request.method), str(request.url), 0, asked, sent=sent)
    headers = {name: value for name, value in _plain(response.headers).items() if not _hidden(name)}
    return Exchange(str(request.method), str(request.url), response.status_code, asked, headers, _parsed(body), sent)


def _hidden(name: str) -> bool:
    return any(word in name.lower() for word in _UNKEPT)


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _UNSENT}


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", errors="replace")


def _same(kept: Exchange, asked: Exchange) -> bool:
    return _alike(kept, asked) and _query(kept) == _query(asked) and kept.asked == asked.asked


def _alike(kept: Exchange, asked: Exchange) -> bool:
    return (kept.method, _path(kept)) == (asked.method, _path(asked))


def _path(one: Exchange) -> str:
    """Programs differ in which letters of a path they escape: `!` of a room, `@` of an account."""
    return unquote(urlsplit(one.target).path)


def _query(one: Exchange) -> list[tuple[str, str]]:
    return sorted(parse_qsl(urlsplit(one.target).query, keep_blank_values=True))


def _response(request: requests.PreparedRequest, found: Exchange) -> requests.Response:
    """As the session would have made it, with the address that the connector knows in every link."""
    answer = found.answer
    text = "" if answer is None else answer if isinstance(answer, str) else json.dumps(answer)
    parts = urlsplit(str(request.url))
    links = {
        f"https://{SYSTEM}": f"{parts.scheme}://{parts.netloc}",
        f"http://{SYSTEM}": f"{parts.scheme}://{parts.netloc}",
    }
    headers = dict(found.headers)
    for kept, real in links.items():
        text = text.replace(kept, real)
        headers = {name: value.replace(kept, real) for name, value in headers.items()}
    response = requests.Response()
    response.status_code, response.url, response.request = found.status, str(request.url), request
    response.headers.update(headers)
    response.raw = _raw(found.status, text.encode(), headers)
    return response


def _raw(status: int, body: bytes, headers: Mapping[str, str]) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(io.BytesIO(body), headers=dict(headers), status=status, preload_content=False)


def _shown(one: Exchange) -> dict[str, Any]:
    """In the order in which it happened; what is empty is left out."""
    said = {
        "method": one.method, "target": one.target, "asked": one.asked, "sent": dict(one.sent), "status": one.status,
        "headers": dict(one.headers), "answer": one.answer,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in (None, {})}
