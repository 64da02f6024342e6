"""Play a list of steps again, and find the shortest list that still fails: faster here than hypothesis's own shrinking."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import partial

from tests.model.machine import Machine, Step

# How long to look for a shorter example.
SECONDS = 180


def failure(steps: Sequence[Step], new_hub: Callable[[], str]) -> AssertionError | None:
    """What a machine that does these steps and then comes to rest complains of."""
    machine = Machine(new_hub)
    found = None
    try:
        for name, values in steps:
            getattr(machine, name)(**values)
    except AssertionError as error:
        found = error
    try:
        machine.teardown()
    except AssertionError as error:
        found = error
    return found


def shortest(steps: Sequence[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """Leave out halves, quarters … single steps and acts, as long as it fails without them."""
    parts = [one for name, values in steps for one in _apart(name, values)]
    parts = parts if fails(parts) else list(steps)
    size = max(1, len(parts) // 2)
    while True:
        start = 0
        while start < len(parts):
            less = parts[:start] + parts[start + size :]
            if fails(less):
                parts = less
            else:
                start += size
        if size == 1:
            return parts
        size //= 2


def _apart(name: str, values: dict[str, object]) -> list[Step]:
    acts = values.get("acts")
    return [(name, {"acts": [act]}) for act in acts] if isinstance(acts, list) else [(name, values)]


def as_code(steps: Sequence[Step]) -> str:
    said = (
        f"machine.{name}({', '.join(f'{key}={value!r}' for key, value in values.items())})" for name, values in steps
    )
    return "\n".join(["machine = Machine(new_hub)", *said, "machine.teardown()"])


def shrunk(steps: Sequence[Step], new_hub: Callable[[], str]) -> str:
    """The shortest failing list as code, with its complaint; says so where the steps do not fail again."""
    complaint = failure(steps, new_hub)
    if complaint is None:
        return f"It did not fail again with the same steps.\n{as_code(steps)}"
    found = shortest(steps, partial(_fails, new_hub, _sorts(complaint), time.monotonic() + SECONDS))
    return f"{failure(found, new_hub)}\n\n{as_code(found)}"


def _fails(new_hub: Callable[[], str], sorts: set[str], until: float, steps: list[Step]) -> bool:
    """For the same reason; when time is over nothing shorter is looked for."""
    return time.monotonic() < until and bool(sorts & _sorts(failure(steps, new_hub)))


def _sorts(complaint: AssertionError | None) -> set[str]:
    """Its sentences, whoever they are about."""
    return {re.sub(r"\d+", "…", line) for line in str(complaint).splitlines()} if complaint else set()
