"""What was measured, as data: results, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.place import ROOT

PHASES = {
    "first": "first load",
    "unchanged": "full read, nothing changed",
    "incremental": "incremental, nothing new",
}

# How busy others kept the machine before anything was measured.
_LOAD_BEFORE = os.getloadavg()[0]


@dataclass
class Result:
    """One measurement. `rate` is records/s; `cpu` seconds of the client's processes; `peak` MB; `problem` why there is none."""

    contender: str
    kind: str
    count: int
    phase: str
    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    database_cpu: float = 0.0
    problem: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.contender, self.kind, self.phase

    @property
    def rate(self) -> float:
        return self.count / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"rate": self.rate}


def machine() -> dict[str, str]:
    """What a reader needs in order to judge absolute figures."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": model, "cores": str(os.cpu_count()), "memory": f"{memory / 2**20:.0f} GiB",
        "system": f"{_distribution()}, Linux {platform.release()}", "python": platform.python_version(),
        "load": f"{_LOAD_BEFORE:.1f}", "commit": _commit(), "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }  # fmt: skip


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _distribution() -> str:
    names = (line.partition("=")[2].strip('"') for line in _lines("/etc/os-release") if line.startswith("PRETTY_NAME"))
    return next(names, "Linux")


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
