"""What is done in the small company: people come, leave and answer questions, processes die; and what is seen then."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from landbridge.mapping import compile_expression
from landbridge.store import decisions, deliveries
from landbridge.sync import Company, load_company
from tests.sync.conftest import HOME, World


class Killed(BaseException):
    """The process ends here, as by SIGKILL: no handler of the engine may see it as an error of a record."""


def kill_at(world: World, nth: int) -> None:
    """Die just before the nth commit from now on."""
    seen = Counter[str]()
    begin = world.bridge.hub.begin

    class Dying:
        def __init__(self, **how: Any) -> None:
            self.context = begin(**how)

        def __enter__(self) -> Any:
            return self.context.__enter__()

        def __exit__(self, *error: Any) -> Any:
            seen["commits"] += 1
            if seen["commits"] >= nth and error[0] is None:
                self.context.__exit__(Killed, Killed(), None)
                raise Killed
            return self.context.__exit__(*error)

    world.bridge.hub.begin = Dying  # type: ignore[method-assign,assignment]


def hire(world: World, count: int, first: int = 100) -> None:
    for number in range(first, first + count):
        world.hr.put(
            "people",
            id=str(number),
            number=str(number),
            login=f"p{number}",
            given="P",
            family=str(number),
            mail=f"p{number}@example.org",
            active=True,
        )


def leave(world: World, *numbers: int) -> None:
    for number in numbers:
        world.hr.put("people", id=str(number), active=False)


def come_back(world: World, *numbers: int) -> None:
    for number in numbers:
        world.hr.put("people", id=str(number), active=True)


def second_flow(world: World, only: str | None = None) -> None:
    """A flow `second` beside `people` that keeps the same accounts, of everyone or of some."""
    first = world.bridge.company.flows["people"]
    changes: dict[str, Any] = {"flow": "second"}
    if only is not None:
        changes["only"] = compile_expression(only, file="x", line=1, what="only")
    routes = tuple(dataclasses.replace(one, **changes) for one in first.routes if one.kind == "person")
    world.bridge.company.flows["second"] = dataclasses.replace(first, name="second", memberships=(), routes=routes)


def questions(world: World) -> dict[str | None, decisions.Decision]:
    """Target → what is asked about it."""
    with world.bridge.hub.read() as conn:
        return {one.target: one for one in decisions.open_decisions(conn)}


def answer_all(world: World, answer: str) -> None:
    with world.bridge.hub.begin() as conn:
        for one in decisions.open_decisions(conn):
            decisions.decide(conn, one.id, answer, "vera")


def people(world: World, system: str) -> dict[str, dict[str, object]]:
    """Login → account."""
    return {str(one["login"]): one for one in world.systems[system].all("people")}


def logins(world: World, system: str) -> list[str]:
    return sorted(str(one["login"]) for one in world.systems[system].all("people"))


def disabled(world: World, system: str) -> int:
    return sum(one.get("active") is False for one in people(world, system).values())


def rooms(world: World) -> dict[str, set[str]]:
    """Room alias → logins of its members."""
    logins = {one["id"]: one["login"] for one in world.chat.all("people")}
    aliases = {one["id"]: one["alias"] for one in world.chat.all("rooms")}
    found: dict[str, set[str]] = {alias: set() for alias in aliases.values()}
    for one in world.chat.all("memberships"):
        found[aliases[one["room"]]].add(logins[one["user"]])
    return found


def rewritten(home: Path, **flows: str) -> Company:
    """The small company in a folder of its own, with these flows in other words, or new."""
    shutil.copytree(HOME, home)
    for name, text in flows.items():
        (home / "config" / "flows" / f"{name}.yaml").write_text(text)
    return load_company(home)


UNDER_WAY = ("planned", "waiting", "blocked", "undecided", "held", "set_aside", "uncertain", "scheduled")


def under_way(world: World, *flows: str) -> list[tuple[str, str]]:
    """(op, state) of all that is still to be written, or waits for something."""
    with world.bridge.hub.read() as conn:
        return [(one.op, one.state) for flow in flows for one in deliveries.of_flow(conn, flow, UNDER_WAY)]


def threads(world: World, system: str) -> list[tuple[str, str | None]]:
    """(text, text of what opens its thread) of all messages of a chat."""
    said = world.systems[system].all("messages")
    texts = {one["id"]: one["text"] for one in said}
    return [(one["text"], texts.get(one.get("thread"))) for one in said]
