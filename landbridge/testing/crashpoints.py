"""Kill a process at each of its boundaries in turn; the engine names them itself (`landbridge.boundary`).

`work` runs in a process of its own, so it has to be a function of a module, with arguments that can be pickled.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from landbridge import boundary

Work = Callable[..., None]


def boundaries(work: Work, *args: Any) -> list[str]:
    """The names of all boundaries that `work` passes, in order; the work is done afterwards."""
    names, killed = _run(0, work, args)
    if killed:
        raise AssertionError("It was killed by somebody else.")
    return names


def kill_at(number: int, work: Work, *args: Any) -> str:
    """Run `work` and SIGKILL it at the boundary of this number (1-based): its name, empty where it ended before."""
    names, killed = _run(number, work, args)
    return names[-1] if killed else ""


def chosen(names: Sequence[str], count: int, seed: int = 0) -> list[int]:
    """Numbers to kill at, by the seed: one of each name (so a new one is never left out), then more up to `count`."""
    draw = random.Random(seed)  # noqa: S311 (no secret)
    numbers = draw.sample(range(1, len(names) + 1), len(names))
    one_each = {names[number - 1]: number for number in numbers}.values()
    others = [number for number in numbers if number not in one_each]
    return sorted([*one_each, *others[: max(0, count - len(one_each))]])


def _run(at: int, work: Work, args: tuple[Any, ...]) -> tuple[list[str], bool]:
    # A server that forks has the imports done already: a new interpreter each time would cost seconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["landbridge.sync", work.__module__])
    with tempfile.TemporaryDirectory() as folder:
        names, trouble = Path(folder) / "names", Path(folder) / "trouble"
        process = context.Process(target=_work, args=(at, str(names), str(trouble), work, args))
        process.start()
        process.join()
        killed = process.exitcode == -signal.SIGKILL
        if not killed and process.exitcode != 0:
            raise AssertionError(trouble.read_text() if trouble.exists() else f"It ended with {process.exitcode}.")
        process.close()
        return names.read_text().splitlines(), killed


def _work(at: int, names: str, trouble: str, work: Work, args: tuple[Any, ...]) -> None:
    boundary.watch(boundary.Killer(at, names))
    try:
        work(*args)
    except BaseException:
        Path(trouble).write_text(traceback.format_exc())
        raise
