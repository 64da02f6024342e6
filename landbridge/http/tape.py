"""Where a recording listens to what passes between clients and systems, or answers in a system's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

Send = Callable[[requests.PreparedRequest], requests.Response]
# Gets the request as it would be sent, signed, and what would send it.
Tape = Callable[[requests.PreparedRequest, Send], requests.Response]

_running: Tape | None = None


@contextmanager
def taped(tape: Tape) -> Iterator[None]:
    """While inside, every exchange of every client of this process passes `tape`, in whatever thread."""
    global _running
    before, _running = _running, tape
    try:
        yield
    finally:
        _running = before


def through(request: requests.PreparedRequest, send: Send) -> requests.Response:
    return send(request) if _running is None else _running(request, send)
