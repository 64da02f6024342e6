"""What every command has in its hands: the company, the hub, the connectors, and where to write to."""

from __future__ import annotations

import getpass
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

from rich.text import Text
from sqlalchemy import Connection as Transaction

from landbridge.cli.exits import Exit, code_of, of_disk
from landbridge.cli.output import BAD, Unbroken, console, line
from landbridge.cli.progress import Progress
from landbridge.connector import Connection, load_connection
from landbridge.errors import ConfigError, LandbridgeError
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Company, load_company, open_bridge
from landbridge.sync.bridge import hub_url
from landbridge.sync.company import find_home

Connections = Callable[[str], Connection]
Opener = Callable[[Company, Connections], AbstractContextManager[Bridge]]


class Session:
    """One command's run; nothing is opened before it is asked for."""

    def __init__(self, home: Path | None = None, *, as_json: bool = False, opener: Opener | None = None) -> None:
        self.as_json = as_json
        self._home = home
        self._opener: Opener = opener or open_bridge
        self.out, self.err = console(), console(stderr=True)

    @cached_property
    def home(self) -> Path:
        return find_home(self._home)

    @cached_property
    def company(self) -> Company:
        return load_company(self._home)

    def bridge(self) -> AbstractContextManager[Bridge]:
        """The hub, migrated, and the connectors, closed at the end."""
        return self._opener(self.company, self.connections())

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A snapshot of the hub."""
        with self.bridge() as bridge, bridge.hub.read() as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        with self.bridge() as bridge, bridge.hub.begin() as conn:
            yield conn

    @contextmanager
    def hub(self) -> Iterator[Hub]:
        """The hub as it is, not migrated; needs no valid configuration where LANDBRIDGE_HUB says where it is."""
        opened = Hub(os.environ.get("LANDBRIDGE_HUB") or hub_url(self.company))
        try:
            yield opened
        finally:
            opened.close()

    def connections(self) -> Connections:
        """The environment's; where it has none at all, those that the sandbox has left in the company's folder."""
        wanted = {f"AIRFLOW_CONN_{one.connection.upper().replace('-', '_')}" for one in self.company.systems.values()}
        # One or the other: a real HR and a sandbox's chat must never meet.
        if "LANDBRIDGE_CONNECTIONS" in os.environ or wanted & os.environ.keys():
            return load_connection
        folder = os.environ.get("LANDBRIDGE_SANDBOX")
        file = (Path(folder) if folder else self.home / ".sandbox") / "connections.json"
        if not file.exists():
            return load_connection
        return self._of_sandbox(file)

    def _of_sandbox(self, file: Path) -> Connections:
        """Says so, once, when the first system is really asked."""
        load = partial(load_connection, environ={"LANDBRIDGE_CONNECTIONS": str(file)}.get)
        say, alone = cache(lambda: self.note(f"Connections: those of the sandbox, {file}.")), Lock()

        def connection(id: str) -> Connection:
            with alone:  # systems are asked side by side
                say()
            return load(id)

        return connection

    def progress(self, title: str = "") -> Progress:
        """With --json only what a person at a terminal sees."""
        return Progress(self.err, title, quiet=self.as_json and not self.err.is_terminal)

    def note(self, text: str) -> None:
        self.err.print(line((text, "dim")), soft_wrap=True)

    def show(self, data: Any, *human: Any) -> None:
        """The one answer of a command: `data` as one JSON document, or what a person reads."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")
            return
        for part in human:
            self.out.print(part, soft_wrap=isinstance(part, Unbroken))

    def fail(self, error: Exception) -> Exit:
        """Say what went wrong, without a traceback, and with which code the command ends."""
        code = code_of(error)
        trace(error)
        message, remedy = told(error)
        if self.as_json:
            where = {"file": error.file, "line": error.line} if isinstance(error, ConfigError) and error.file else {}
            said = {"type": type(error).__name__, "message": message, "remedy": remedy, **where, "exit_code": int(code)}
            self.show({"error": said})
        for text in message.splitlines():
            self.err.print(line(BAD, (f" {text}", "red")), soft_wrap=True)
        if remedy:
            self.err.print(line(f"  {remedy}"), soft_wrap=True)
        return code


def trace(error: Exception) -> None:
    """Only where someone looks for a mistake: a traceback may show people's data."""
    if os.environ.get("LANDBRIDGE_DEBUG"):
        traceback.print_exception(error)


def told(error: Exception) -> tuple[str, str]:
    """(message, remedy). Of a mistake of ours only kind and place are said: its text may hold a person's data."""
    if isinstance(error, LandbridgeError):
        return str(error.args[0]), error.remedy
    if isinstance(error, OSError) and of_disk(error):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}.", "See to it that there is room, and that this user may write there."
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" in {Path(frame[0].filename).name}:{frame[0].lineno}" if frame else ""
    return (
        f"A mistake in Landbridge: {type(error).__name__}{place}.",
        "Run it again with LANDBRIDGE_DEBUG=1 and report what it says.",
    )


def failure(subject: str, error: Exception) -> Text:
    """One of several things that were to be done."""
    message, remedy = told(error)
    return line(BAD, (f" {subject}: {message}", "red"), f" {remedy}")


def person() -> str:
    """Who sits here, for the audit."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"
