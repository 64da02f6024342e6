"""Fault proxies between Landbridge and the real servers: whatever it asks of them goes through these."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from landbridge.testing import faults
from landbridge.testing.exchange import Fault
from landbridge.testing.proxy import FaultProxy
from tests.system.conftest import Real

# Which of them is the same server.
PLACES = {"chat": ("chat",), "intranet": ("intranet",), "hr": ("hr", "crm"), "wiki": ("wiki",)}

LOST = {
    "502": faults.server_error(), "reset": faults.reset(), "html": faults.html(), "cut": faults.cut(0.3),
    "short": faults.wrong_length(),
}  # fmt: skip


def lost(name: str) -> Fault:
    """The write is applied; its answer does not arrive, or not whole."""
    return LOST[name] if name in ("cut", "short") else faults.applied(LOST[name])


@dataclass
class Stormy:
    """The company behind proxies; `environment` leads the command line through them."""

    real: Real
    proxies: dict[str, FaultProxy]

    @property
    def environment(self) -> dict[str, str]:
        kept = json.loads((self.real.root / "connections.json").read_text())
        changed = {one: name for name, ones in PLACES.items() for one in ones}
        return {
            f"AIRFLOW_CONN_{one.upper()}": json.dumps({**kept[one], "host": self.proxies[name].url})
            for one, name in changed.items()
        }

    def run(self, *words: str, **more: str) -> Any:
        return self.real.landbridge("run", *words, expect=None, **self.environment, **more)

    def die(self, at: int) -> bool:
        """Run, and be killed at this boundary."""
        process = self.real.start("run", "--json", **self.environment, LANDBRIDGE_CRASH_AT=str(at))
        process.communicate(timeout=900)
        return process.returncode == -9

    def quiet(self, *flows: str, rounds: int = 8) -> None:
        """Through the proxies, until a run of these flows has nothing to write; then another writes nothing at all."""
        for _ in range(rounds):
            if not Real.moved(self.run(*flows)):
                break
        before, answer, after = self.written(), self.run(*flows), self.written()
        assert not Real.moved(answer), answer
        assert after == before, (before, after)

    def written(self) -> dict[str, int]:
        """How many requests that change something each product was sent."""
        return {name: sum(one.method != "GET" and not _harmless(one.target) for one in proxy.seen)
                for name, proxy in self.proxies.items()}  # fmt: skip

    def struck(self) -> int:
        return sum(one.struck for proxy in self.proxies.values() for one in proxy.seen)

    def calm(self) -> None:
        for proxy in self.proxies.values():
            proxy.calm()

    def blow(self) -> None:
        """About a tenth of all requests go wrong; of the writes half after they were applied."""
        for name, proxy in self.proxies.items():
            for method in ("PUT", "POST", "DELETE") if name != "hr" else ():
                for kind in LOST:
                    proxy.strike(lost(kind), method, chance=0.015)
                proxy.strike(faults.too_many(0.2), method, chance=0.03)
                proxy.strike(faults.server_error(503), method, chance=0.02)
            for fault in (faults.too_many(0.2), faults.too_many(1, as_date=True), *LOST.values()):
                proxy.strike(fault, "GET", chance=0.005)


def _harmless(target: str) -> bool:
    """Entering an open room again changes nothing, asking by POST and signing in do not either."""
    return any(part in target for part in ("/join/", "get_preferences", "api.php"))


@contextmanager
def storm(real: Real, seed: int = 0) -> Iterator[Stormy]:
    hosts = json.loads((real.root / "connections.json").read_text())
    with ExitStack() as stack:
        proxies = {
            name: stack.enter_context(FaultProxy(hosts[ones[0]]["host"], seed=seed)) for name, ones in PLACES.items()
        }
        yield Stormy(real, proxies)
