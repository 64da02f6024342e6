"""Where a process may die: every commit and every outward write passes here, so that a test can kill it at each in turn.

Nothing happens here unless a test asks for it: by `watch`, or, for a process that it starts, by LANDBRIDGE_CRASH_AT
(the number of the boundary at which to die, 0 for none) and LANDBRIDGE_BOUNDARIES (a file that gets their names).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

# Of what only passes a call on, no name is taken.
_BETWEEN = frozenset({"contextlib", "landbridge.store.hub", __name__})

_watcher: Callable[[str], None] | None = None


def watch(watcher: Callable[[str], None] | None) -> None:
    """Tell this function the name of every boundary from now on, in whatever thread it is passed."""
    global _watcher
    _watcher = watcher


def passed(what: str, where: str = "") -> None:
    """Tell the watcher, if there is one; `where` is the caller's name if not given."""
    if _watcher is not None:
        _watcher(f"{where or caller()}: {what}")


def caller() -> str:
    """Module and function from which a boundary was reached; empty where nobody watches, since it costs."""
    if _watcher is None:
        return ""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


class Killer:
    """Writes every boundary to a file, and ends this process by SIGKILL at one of them."""

    def __init__(self, at: int, path: str) -> None:
        self._at, self._count, self._lock = at, 0, threading.Lock()
        self._file = os.open(path or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, name: str) -> None:
        with self._lock:
            self._count += 1
            os.write(self._file, f"{name}\n".encode())
            if self._count == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


if "LANDBRIDGE_CRASH_AT" in os.environ:
    watch(Killer(int(os.environ["LANDBRIDGE_CRASH_AT"] or 0), os.environ.get("LANDBRIDGE_BOUNDARIES", "")))
