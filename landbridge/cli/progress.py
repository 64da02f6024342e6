"""What a command is doing, told on stderr: a spinner in a terminal, a line per finished step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from landbridge.cli.output import BAD, OK, Cell, line

# Shorter steps than this do not say how long they took.
_WORTH_TELLING = 0.5
# Seconds between two lines about the same step.
_LINES_APART = 30.0


class Progress:
    """Used in a `with`; `begin` says what is being done, `done` and `failed` what came of it."""

    def __init__(self, console: Console, title: str = "", *, quiet: bool = False) -> None:
        self._console, self._title = console, title
        self._quiet = quiet
        self._status: Status | None = None
        self._began = self._said = time.monotonic()
        if console.is_terminal:
            self._status = console.status(self._text("…"), spinner="dots")

    def __enter__(self) -> Self:
        if self._title and not self._quiet:
            self._console.print(line((self._title, "bold")))
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def begin(self, step: str) -> None:
        self._began = self._said = time.monotonic()
        if self._status:
            self._status.update(self._text(step))

    def so_far(self, step: str, outcome: str) -> None:
        """How far a long step has come; without a terminal a line now and then."""
        if self._status:
            self._status.update(self._text(f"{step}: {outcome}"))
        elif not self._quiet and time.monotonic() - self._said >= _LINES_APART:
            self._said = time.monotonic()
            self._console.print(line((f"  {step}: {outcome} …", "dim")), soft_wrap=True)

    def done(self, step: str, outcome: str = "") -> None:
        self._tell(OK, step, outcome)

    def failed(self, step: str, outcome: str) -> None:
        self._tell(BAD, step, outcome)

    def _tell(self, mark: tuple[str, str], step: str, outcome: str) -> None:
        passed = time.monotonic() - self._began
        self._began = time.monotonic()
        if self._quiet:
            return
        took: Cell = (f"  {passed:.1f} s", "dim") if passed >= _WORTH_TELLING else ""
        margin = "  " if self._title else ""
        self._console.print(line(margin, mark, f" {step:<24} ", (outcome, "dim"), took), soft_wrap=True)

    def _text(self, step: str) -> str:
        return f"{self._title} · {step}" if self._title else step
