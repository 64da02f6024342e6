"""What all parts of the conformance suite stand on: a system that is up, a connector of it, and reasons not to ask."""

from __future__ import annotations

import itertools
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn, TypeVar

import pytest

from landbridge.connector import Checkpoint, Complete, Connector, Failure, Gone, Record, Stream
from landbridge.connector.items import Native
from landbridge.errors import ExpiredCursor, LandbridgeError
from landbridge.http import LocalThrottle, retry
from landbridge.mapping import Mapping, load_mapping
from landbridge.testing.exchange import Fault
from landbridge.testing.harness import Harness
from landbridge.testing.line import Line, line_to
from landbridge.testing.proxy import FaultProxy, Rule

Method = TypeVar("Method", bound=Callable[..., None])
# Letters of several scripts, one written from right to left, an emoji of several code points, a combining accent.
UNICODE = "Zoë Łukasz 日本語 עברית 👩🏽‍💻 cafe\u0301"
ENDLESS = 1_000_000
WRITES = "P*"  # POST, PUT, PATCH


@dataclass
class Said:
    """All that a read has said."""

    records: dict[str, Native] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    cursor: Any = None
    complete: bool = False
    count: int = 0


def said(connector: Connector, stream: str, cursor: Any = None, *, most: int = ENDLESS) -> Said:
    """What reading the stream says; errors pass."""
    found = Said()
    for item in connector.read(stream, cursor):
        assert found.count < most, f"{stream}: the read goes on after {most} records; what is there are fewer."
        assert not found.complete, f"{stream}: Complete is followed by {type(item).__name__}; it has to be the last."
        match item:
            case Record(key, native):
                found.records[key] = native
                found.count += 1
            case Gone(key):
                found.gone.append(key)
            case Failure():
                found.failures.append(item)
            case Checkpoint(cursor):
                found.cursor = cursor
            case Complete():
                found.complete = True
    return found


def needs(*what: str) -> Callable[[Method], Method]:
    """What a check takes for granted; a connector or system without it is exempt, with the reason in NEEDS."""

    def mark(method: Method) -> Method:
        method.__needs__ = what  # type: ignore[attr-defined]
        return method

    return mark


def exempt(reason: str) -> NoReturn:
    """Shown with its reason wherever results are shown; CI takes no other skip."""
    pytest.skip(f"exempt: {reason}")


class Suite:
    """Base of all parts. Every check is a method `test_<check>`; those with a `stream` are asked of each stream."""

    harness: ClassVar[type[Harness]]
    place: ClassVar[Harness]
    line: ClassVar[Line]
    _left: ClassVar[ExitStack]
    _numbers: ClassVar[Iterator[int]] = itertools.count(1)

    @classmethod
    def setup_class(cls) -> None:
        with ExitStack() as stack:
            cls.place = cls.harness()
            cls.line = stack.enter_context(line_to(stack.enter_context(cls.place.serve())))
            cls._left = stack.pop_all()

    @classmethod
    def teardown_class(cls) -> None:
        cls._left.close()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "stream" in metafunc.fixturenames:
            metafunc.parametrize("stream", list(self.harness.able().streams()))

    @pytest.fixture(autouse=True)
    def _ready(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A quiet line and clocks of its own, so that no wait lasts."""
        given = request.node.callspec.params if hasattr(request.node, "callspec") else {}
        stream, check = str(given.get("stream", "")), request.function.__name__.removeprefix("test_")
        if reason := self.reason(check, stream, getattr(request.function, "__needs__", ())):
            exempt(reason)
        self.slept: list[float] = []
        self._made: list[Connector] = []
        monkeypatch.setattr(retry, "pause", self._sleep)
        self.line.calm()
        self.place.reset()
        yield
        for connector in self._made:
            connector.close()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    @classmethod
    def reason(cls, check: str, stream: str, needed: tuple[str, ...]) -> str:
        """Why this is not asked: what the harness says, or what the class cannot do; empty where it is."""
        given = cls.harness.exempt
        said = given.get(f"{stream}.{check}") or (given.get(stream) if stream else None) or given.get(check)
        return said or next(filter(None, (NEEDS[need](cls, stream) for need in needed)), "")

    # What checks are made of

    def connect(self, **over: Any) -> Connector:
        """A new connector by the line; its waits take no time."""
        cls = self.harness.connector
        # A bucket without a rate only waits where the system says so.
        throttle = LocalThrottle(clock=lambda: sum(self.slept), sleep=self._sleep)
        connector = cls(cls.Config(**{**self.config(), **over}), throttle)
        self._made.append(connector)
        return connector

    def news(self, connector: Connector, stream: str, cursor: Any) -> Said:
        """What reading from the cursor on says; in full, as the engine does it, where each change lets it expire."""
        try:
            return said(connector, stream, cursor)
        except ExpiredCursor:
            if not self.harness.all_or_nothing:
                raise
        return said(connector, stream)

    def config(self) -> dict[str, Any]:
        return self.place.config(self.line.url)

    def signed_in(self) -> Connector:
        """One that has its tokens and sessions already."""
        connector = self.connect()
        connector.check()
        return connector

    @classmethod
    def stream(cls, name: str) -> Stream:
        return cls.harness.able().streams()[name]

    @classmethod
    def generic(cls, name: str) -> bool:
        """Whether the stream is read the generic way, from one list; a method of its own may ask for several things."""
        return name not in cls.harness.connector._readers

    @property
    def proxy(self) -> FaultProxy:
        assert self.line.http is not None, "This check is of HTTP; mark it with @needs('http')."
        return self.line.http

    def strike(self, fault: Fault, stream: str, *, times: int | None = None) -> Rule:
        """The fault meets whoever reads the stream."""
        return self.proxy.strike(fault, path=self.place.path(self.stream(stream)), times=times)

    def text(self, words: str = "Conformance") -> str:
        """Known by its number, which no other text of this process has."""
        return f"{words} {next(self._numbers)}"

    def marker(self) -> str:
        return f"lb{secrets.token_hex(8)}"

    @classmethod
    def mapping(cls, stream: str) -> Mapping | None:
        file = cls.harness.mapping_file(stream)
        return load_mapping(file) if file else None

    def claim(self, stream: str, native: Native) -> Any:
        """What the hub would keep of it: the mapped claim; the native itself where nothing is mapped."""
        mapping = self.mapping(stream)
        return native if mapping is None else mapping.into(native).claim


def texts(value: Any) -> Iterator[str]:
    """All texts in a native, in one normal form: systems may choose another one than they were given."""
    if isinstance(value, str):
        yield unicodedata.normalize("NFC", value)
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def holds(native: Native, text: str) -> bool:
    """Whether the text stands in the native, by itself or among other words."""
    wanted = unicodedata.normalize("NFC", text)
    return any(wanted in one for one in texts(native))


def outcome(connector: Connector, stream: str, cursor: Any = None, *, most: int = ENDLESS) -> Said | LandbridgeError:
    """What reading says, or the error it ends with; what is no LandbridgeError passes."""
    try:
        return said(connector, stream, cursor, most=most)
    except LandbridgeError as error:
        return error


def _writes(op: str) -> Callable[[type[Suite], str], str]:
    def reason(suite: type[Suite], stream: str) -> str:
        connector = suite.harness.able()
        able = connector.can_write(stream, op) if stream else _any(connector, op)
        return "" if able else f"{connector.system}{f'/{stream}' if stream else ''} has no method to {op} records"

    return reason


def _any(connector: type[Connector] | Connector, op: str) -> bool:
    return any(connector.can_write(name, op) for name in connector.streams())


def _line(suite: type[Suite], stream: str) -> str:
    there = suite.line.http is not None or suite.line.tcp is not None
    return "" if there else f"{suite.harness.connector.system} lies on this machine: there is no line that could break"


def _http(suite: type[Suite], stream: str) -> str:
    return "" if suite.line.http is not None else f"{suite.harness.connector.system} does not speak HTTP"


def _since(suite: type[Suite], stream: str) -> str:
    return "" if suite.stream(stream).since else "it has no Since; its cursor is of its own making"


def _again(suite: type[Suite], stream: str) -> str:
    cls = suite.harness.connector
    return "" if hasattr(cls, "again") else f"{cls.system} has no method to read single records again"


def _items(suite: type[Suite], stream: str) -> str:
    found = suite.harness().items(suite.stream(stream))
    return "it is not read from a list in an answer" if found is None else ""


# Need → why a connector is exempt, empty where it is not.
NEEDS: dict[str, Callable[[type[Suite], str], str]] = {
    "line": _line, "http": _http, "since": _since, "items": _items, "again": _again,
    **{op: _writes(op) for op in ("create", "update", "delete", "disable", "enable")},
}  # fmt: skip
