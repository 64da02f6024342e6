"""The section "load": every contender, kind by kind, on the same source and the same PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks import show
from benchmarks.contenders import ALL, Contender
from benchmarks.database import Database, postgresql
from benchmarks.load import NAMES, interpreter, ours, peer
from benchmarks.report import Report, made
from benchmarks.results import Result

COUNTS = {"users": 100_000, "documents": 50_000, "messages": 500_000}
QUICK = {"users": 3_000, "documents": 1_000, "messages": 3_000}
# Half a million messages take the others ten minutes and more each; these are what it is held against.
_MESSAGES = ("dlt, arrow", "by hand, nothing but a copy")


@dataclass(frozen=True)
class Wish:
    """Which measurements are wanted; `only` holds parts of contenders' names, all where it is empty."""

    counts: dict[str, int]
    only: tuple[str, ...] = ()
    rounds: int = 1
    quick: bool = False

    def wants(self, name: str) -> bool:
        return not self.only or any(part.lower() in name.lower() for part in self.only)


def load(wish: Wish) -> Report:
    """Measure, and tell as it goes."""
    results = [interpreter()]
    with postgresql() as database:
        for kind, count in wish.counts.items():
            for round_ in range(wish.rounds):
                show.console.print(f"[bold]{count:,} {kind}[/]" + (f", round {round_ + 1}" if wish.rounds > 1 else ""))
                for name, measure in _measures(database, wish, kind, count):
                    for result in _told(name, measure):
                        _keep(results, result)
        versions = [database.version(), *(one.details["version"] for one in results if "version" in one.details)]
    return made("load", [one.as_dict() for one in results], versions, quick=wish.quick)


def _measures(
    database: Database, wish: Wish, kind: str, count: int
) -> Iterator[tuple[str, Callable[[], Iterator[Result]]]]:
    for backend, name in NAMES.items():
        if wish.wants(name):
            yield name, partial(ours, database, backend, kind, count)
    for contender in ALL:
        if wish.wants(contender.name) and (kind != "messages" or contender.name in _MESSAGES or wish.only):
            yield contender.name, partial(peer, database, contender, kind, count)


def _told(name: str, measure: Callable[[], Iterator[Result]]) -> Iterator[Result]:
    with show.doing(name):
        for result in measure():
            show.console.print(show.line(result))
            yield result


def _keep(results: list[Result], result: Result) -> None:
    """Of several rounds the one that was disturbed least."""
    same = [one for one in results if one.key == result.key]
    if not same:
        results.append(result)
    elif not result.problem and (same[0].problem or result.seconds < same[0].seconds):
        results[results.index(same[0])] = result


def known(contenders: tuple[Contender, ...] = ALL) -> str:
    return ", ".join([*NAMES.values(), *(one.name for one in contenders)])
