"""The section "write": how much of a limit is used, how often it is overrun, and what many workers are worth."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmarks import show
from benchmarks.database import Database, postgresql
from benchmarks.engine_writes import engine_writes
from benchmarks.place import ROOT, started
from benchmarks.report import Report, made

LIMIT = 50
# What Landbridge is told where it does not know the limit: ten times as much as the service takes.
GUESS = 500
WORKERS = 16
# An ordinary service takes about this long for a write; a slow one ten times as long.
USUAL, SLOW = 0.02, 0.2


@dataclass
class Written:
    """One measurement; `share` of the limit (or of what `workers` could do), `refused` answers of 429.

    `adapted`: seconds until ten seconds in a row used three quarters of the limit with at most 2 % refused.
    """

    contender: str
    scenario: str
    share: float
    per_second: float
    refused: int
    cpu: float
    seconds: float
    adapted: float | None = None
    problem: str = ""


def ask(address: str, path: str, *, post: bool = False) -> dict[str, Any]:
    request = urllib.request.Request(f"{address}/{path}", data=b"" if post else None)
    with urllib.request.urlopen(request) as answer:
        return dict(json.loads(answer.read()))


@dataclass(frozen=True)
class Scenario:
    """What the service does; `told` is the rate that Landbridge is configured with."""

    name: str
    rate: float
    latency: float
    told: float = LIMIT
    strict: bool = False

    @property
    def most(self) -> float:
        """Writes a second that are possible."""
        return self.rate or WORKERS / self.latency

    def begin(self, address: str) -> None:
        strict = "&strict=1" if self.strict else ""
        ask(address, f"_reset?rate={self.rate}&latency={self.latency}{strict}", post=True)


KNOWN = Scenario("known limit", LIMIT, USUAL)
STRICT = Scenario("known limit, strictly counted", LIMIT, USUAL, strict=True)
UNKNOWN = Scenario("unknown limit", LIMIT, USUAL, told=GUESS)
LATENT = Scenario("200 ms a write, no limit", 0, SLOW, told=10_000)


def judge(contender: str, scenario: Scenario, stats: dict[str, Any], cpu: float) -> Written:
    """From the service's own count; the first and the last second are left out, they are not whole."""
    busy = [number for number, second in enumerate(stats["seconds"]) if sum(second)]
    seconds = stats["seconds"][busy[0] : busy[-1] + 1] if busy else []
    whole = seconds[1:-1]
    taken = sum(second[0] for second in whole) / max(1, len(whole))
    refused = sum(second[1] for second in seconds)
    return Written(contender, scenario.name, taken / scenario.most, taken, refused, cpu, len(seconds), _adapted(stats))


def _adapted(stats: dict[str, Any]) -> float | None:
    seconds, rate = stats["seconds"], stats["rate"]
    for start in range(len(seconds) - 9) if rate else ():
        taken = sum(second[0] for second in seconds[start : start + 10])
        refused = sum(second[1] for second in seconds[start : start + 10])
        if taken >= 0.75 * rate * 10 and refused <= 0.02 * taken:
            return float(start)
    return None


@dataclass(frozen=True)
class Writers:
    """Processes of `benchmarks.writers`."""

    contender: str
    how: str
    processes: int = 1
    threads: int = WORKERS

    def run(self, address: str, scenario: Scenario, seconds: float, hub: str) -> Written:
        command = [
            sys.executable, "-m", "benchmarks.writers", self.how, address, "--hub", hub, "--rate", str(scenario.told),
            "--threads", str(self.threads), "--seconds", str(seconds), *(["--window", "1"] if scenario.strict else []),
        ]  # fmt: skip
        pipe = subprocess.PIPE
        with ExitStack() as stack:
            running = [
                stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True))
                for _ in range(self.processes)
            ]
            for process in running:
                assert process.stdout is not None
                process.stdout.readline()
            scenario.begin(address)
            for process in running:
                assert process.stdin is not None
                print("go", file=process.stdin, flush=True)
            said = [process.communicate()[0] for process in running]
        if any(process.returncode for process in running):
            return Written(self.contender, scenario.name, 0, 0, 0, 0, 0, problem="a writer failed")
        cpu = sum(json.loads(one)["cpu"] for one in said)
        stats = ask(address, "_stats")
        stats["seconds"] = stats["seconds"][: int(seconds)]
        return judge(self.contender, scenario, stats, cpu)


SEQUENTIAL, NAIVE = Writers("sequential", "sequential"), Writers("naive retry, 16 threads", "naive")
ONE = Writers("Landbridge's client, 1 process of 16 threads", "shared")
FOUR = Writers("Landbridge's client, 4 processes of 4 threads", "shared", processes=4, threads=4)
PLAN: Sequence[tuple[Scenario, tuple[Writers, ...], float]] = (
    (KNOWN, (SEQUENTIAL, NAIVE, ONE, FOUR), 20),
    (STRICT, (NAIVE, ONE, FOUR), 20),
    (UNKNOWN, (SEQUENTIAL, NAIVE, ONE, FOUR), 75),
    (LATENT, (SEQUENTIAL, ONE), 15),
)
ENGINE = "Landbridge's write step, 16 workers"


def write(*, only: Sequence[str] = (), quick: bool = False) -> Report:
    """Measure, and tell as it goes."""
    rows: list[dict[str, Any]] = []
    with postgresql() as database, started("benchmarks.limited") as address:
        for name, measure in _measures(database, address, quick):
            if only and not any(part.lower() in name.lower() for part in only):
                continue
            with show.doing(name):
                found = measure()
            show.console.print(f"    {told(asdict(found))}")
            rows.append(asdict(found))
        versions = [database.version()]
    return made("write", rows, versions, quick=quick)


def _measures(database: Database, address: str, quick: bool) -> Iterator[tuple[str, Callable[[], Written]]]:
    for scenario, writers, usual in PLAN:
        seconds = min(usual, 13 if scenario is UNKNOWN else 4) if quick else usual
        for one in writers:
            with database.fresh("bench_write") as name:
                hub = database.url(name)
                database.migrate(name)
                yield f"{scenario.name}: {one.contender}", partial(one.run, address, scenario, seconds, hub)
        if scenario in (KNOWN, LATENT):
            count = int(scenario.most * seconds)
            yield f"{scenario.name}: {ENGINE}", partial(_by_engine, database, address, scenario, count)


def _by_engine(database: Database, address: str, scenario: Scenario, count: int) -> Written:
    """People planned as accounts, and written by the engine: claims, markers, read-back, links and all."""
    began = lambda: scenario.begin(address)  # noqa: E731
    cost = engine_writes(database, address, count, rate=scenario.told, workers=WORKERS, begin=began)
    return judge(ENGINE, scenario, ask(address, "_stats"), cost.cpu)


def told(row: dict[str, Any]) -> str:
    """One measurement in one line."""
    if row["problem"]:
        return str(row["problem"])
    adapted = f", adapted after {row['adapted']:.0f} s" if row["adapted"] is not None else ""
    share = f"{row['share']:.0%} ({row['per_second']:.1f}/s)"
    return f"{share}, {row['refused']} refused, {row['cpu']:.1f} CPU s{adapted}"
