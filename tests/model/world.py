"""The company, its hub, and processes that come and go; everything happens in one order that the test decides."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Database
from sqlalchemy import func, select

from landbridge.connector import Connection
from landbridge.errors import Fenced, LandbridgeError
from landbridge.store import decisions
from landbridge.store.hub import Hub
from landbridge.store.tables import delivery
from landbridge.sync import Bridge, Company, load_company, run_flow
from tests.model import clock
from tests.model.faults import OUTAGES, Crash, Faults
from tests.model.processes import Processes
from tests.model.systems import SORTS, Forgetful, Simulated

HOME = Path(__file__).parent / "company"
FORGETFUL = ("cms", "desk")
ROUNDS = 16
_companies: dict[Path, Company] = {}


class WatchedHub(Hub):
    """Tells of each commit, before and after; closed to a process that is dead, whatever its handlers still try."""

    told: Callable[[str], None]

    @contextmanager
    def begin(self, *, repeatable: bool = False) -> Iterator[Database]:
        self.told("hub")
        with super().begin(repeatable=repeatable) as conn:
            yield conn
            self.told("commit")
        self.told("committed")

    @contextmanager
    def read(self) -> Iterator[Database]:
        self.told("hub")
        with super().read() as conn:
            yield conn


class World:
    """`hub_url` is a fresh, migrated hub. A crash drops the Bridge; the next step opens the hub anew, as another process."""

    def __init__(self, hub_url: str, home: Path = HOME, *, chat: str = "finds") -> None:
        self.hub_url = hub_url
        # As people look into it: nothing happens between their moments.
        self.hub = Hub(hub_url)
        if home not in _companies:
            _companies[home] = load_company(home)
        self.company = _companies[home]
        self.faults = Faults()
        self.violations: list[str] = []
        self.judge: Callable[[Simulated, str, Any], Iterator[str]] = lambda *call: iter(())
        self.refused: Callable[[Simulated, str, Any], None] = lambda *call: None
        self.replaced: Callable[[Simulated, str, Any], None] = lambda *call: None
        sorts = {"chat": SORTS[chat], **dict.fromkeys(FORGETFUL, Forgetful)}
        self.systems = {name: sorts.get(name, Simulated)(name, self._told) for name in self.company.systems}
        self._down_for: dict[str, int] = {}
        self.processes = Processes()
        clock.install()
        self.processes.install()

    def close(self) -> None:
        self.hub.close()
        clock.remove()
        self.processes.remove()

    def _told(self, point: str, system: Simulated, about: str, what: Any) -> None:
        if point == "send" and not self.faults.since_commit:
            self.violations += self.judge(system, about, what)
        if point == "replaced":
            self.replaced(system, about.removeprefix("update "), what)
            return
        if point == "refused":
            self.refused(system, about, what)
        if point == "asked" and what is not None:
            self._point("cursor")
        self._point(point)

    def _point(self, point: str) -> None:
        """The end of a process is the end of all that it does."""
        self.processes.go_on()
        try:
            self.faults.at(point)
        except Crash:
            self.processes.dies()
            raise

    # --- processes ---------------------------------------------------------------------------------------------

    @contextmanager
    def process(self) -> Iterator[Bridge]:
        """A new process with a Bridge of its own; inside another one's step it runs beside that."""
        before = self.processes.starts()
        hub = WatchedHub(self.hub_url)
        hub.told = self._point
        bridge = Bridge(self.company, hub, _no_connection)
        for name, system in self.systems.items():
            bridge._connectors[name] = system
        try:
            yield bridge
        finally:
            self.processes.dies()
            self.processes.now = before
            hub.close()

    def step(self, action: Callable[[Bridge], Any]) -> Any:
        """Do it in a process; None where it failed or crashed, which has to have a cause that we know."""
        self._outages_end()
        before, self.faults.fresh = self.faults.fresh, False
        result = None
        with self.process() as bridge:
            try:
                result = action(bridge)
                for error in getattr(result, "failures", ()):
                    self._caused(error)
            except Crash:
                pass
            except Exception as error:
                self._caused(error)
        self.faults.fresh |= before
        return result

    def run(self, flow: str) -> None:
        self.step(lambda bridge: run_flow(bridge, flow))

    def _caused(self, error: Exception) -> None:
        """Kept, not raised: inside another step the engine would take it for a fault of its system."""
        known = self.faults.fresh or isinstance(error, Fenced) or any(one.down for one in self.systems.values())
        if not (known and isinstance(error, LandbridgeError)):
            self.violations.append("".join(traceback.format_exception(error)))

    def outage(self, system: str, sort: str) -> None:
        self.systems[system].down = OUTAGES[sort]()
        self._down_for[system] = 2

    def _outages_end(self) -> None:
        for name in list(self._down_for):
            self._down_for[name] -= 1
            if self._down_for[name] < 0:
                del self._down_for[name]
                self.systems[name].down = None

    # --- coming to rest ----------------------------------------------------------------------------------------

    def quiet(self, decide: Callable[[decisions.Decision], str]) -> None:
        """All systems up, no more faults: run until nothing is written and nothing asked, then once more in full."""
        self.faults.disarm()
        self._down_for.clear()
        for system in self.systems.values():
            system.down = None
        for _ in range(ROUNDS):
            clock.passes(hours=25)
            # What may be an answer that was lost is merged by the run after the one that finds out.
            written, asked, doubted = self._writes(), self.answer(decide), self._doubted()
            for flow in self.company.flows:
                self.run(flow)
            settled = self._writes() == written and not (asked or doubted or self.asked())
            if settled and not self._is_due_within(days=2):
                break
        else:
            raise AssertionError(f"After {ROUNDS} runs it still writes: {self._last_calls()}")
        written = self._writes()
        clock.passes(days=2)
        for flow in self.company.flows:
            self.run(flow)
        assert self._writes() == written, f"It wrote again after it was quiet: {self._last_calls()}"

    def _writes(self) -> int:
        return sum(len(system.calls) for system in self.systems.values())

    def _is_due_within(self, **time: float) -> bool:
        """Does somebody's grace period end until then?"""
        until = (clock.now() + timedelta(**time)).isoformat()
        scheduled = select(func.count()).where(delivery.c.state == "scheduled", delivery.c.next_at <= until)
        with self.hub.read() as conn:
            return bool(conn.scalar(scheduled))

    def _doubted(self) -> bool:
        """Is it unknown of a write what became of it?"""
        with self.hub.read() as conn:
            unknown = delivery.c.state.in_(("sending", "uncertain"))
            return bool(conn.scalar(select(func.count()).where(unknown)))

    def _last_calls(self) -> dict[str, Any]:
        return {name: system.calls[-5:] for name, system in self.systems.items()}

    def asked(self) -> list[decisions.Decision]:
        with self.hub.read() as conn:
            return decisions.open_decisions(conn)

    def answer(self, decide: Callable[[decisions.Decision], str]) -> int:
        """How many questions people have answered."""
        asked = self.asked()
        with self.hub.begin() as conn:
            for one in asked:
                decisions.decide(conn, one.id, decide(one), "vera")
        return len(asked)


def _no_connection(name: str) -> Connection:
    raise AssertionError(name)
