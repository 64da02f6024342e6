"""Where a recording listens to what passes between clients and systems, or answers in a system's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

Send = Callable[[requests.PreparedRequest], requests.Response]
# Gets the request as it would be sent, signed, and what would send it.
Tape = Callable[[requests.PreparedRequest, Send], requests.Response]

_running: Tape | None = None
_alone = False


@contextmanager
def taped(tape: Tape, *, alone: bool = False) -> Iterator[None]:
    """While inside, every exchange of every client of this process passes `tape`, in whatever thread.

    `alone`: the tape answers by itself, so a vendor's own client, which does not pass it, must not send anything either.
    """
    global _running, _alone
    before, (_running, _alone) = (_running, _alone), (tape, alone)
    try:
        yield
    finally:
        _running, _alone = before


def alone() -> bool:
    """Nothing may be sent, also not to sign in."""
    return _alone


def through(request: requests.PreparedRequest, send: Send) -> requests.Response:
    return send(request) if _running is None else _running(request, send)
