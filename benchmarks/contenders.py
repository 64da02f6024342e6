"""The peers: their environments, made from locks with hashes, and how each is called."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ContenderError, Cost, run
from benchmarks.place import ROOT, home
from sandbox.errors import SandboxError
from sandbox.packages import install_lock

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Peer:
    """`lock` names requirements/bench-<lock>.txt, `script` the program beside this file that runs in that environment."""

    name: str
    lock: str
    script: str
    variant: str
    incremental: bool = True

    @property
    def slug(self) -> str:
        return f"{self.lock}_{self.variant}"

    def prepare(self) -> None:
        """Install it; nothing is done when it is there. Raises ContenderError with the reason."""
        try:
            install_lock(str(ROOT / "requirements" / f"bench-{self.lock}.txt"), _environment(self.lock))
        except SandboxError as error:
            raise ContenderError(f"cannot be installed here: {str(error).splitlines()[0]}") from error

    def phase(self, name: str, kind: str, source: str, database: str, since: str) -> Cost:
        folder = home() / "state" / f"{self.slug}-{kind}"
        if name == "first":
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = [
            _python(self.lock),
            PEERS / self.script,
            self.variant,
            kind,
            source,
            database,
            folder,
        ]
        if name == "incremental":
            command += ["--since", since]
        # What is measured must not find our own modules first.
        return run(command, log=folder / f"{name}.log", env={"PYTHONPATH": ""}, cwd=folder)


@dataclass(frozen=True)
class ByHand:
    """Not a product: the least that has to be done (benchmarks/by_hand.py), in our own environment."""

    name: str = "by hand, nothing but a copy"
    slug: str = "by_hand"
    incremental: bool = False

    def prepare(self) -> None:
        """What it needs, Landbridge needs too."""

    def phase(self, name: str, kind: str, source: str, database: str, since: str) -> Cost:
        log = home() / "state" / f"{self.slug}-{kind}" / f"{name}.log"
        return run([sys.executable, "-m", "benchmarks.by_hand", kind, source, database], log=log, cwd=ROOT)


Contender = Peer | ByHand
ALL: tuple[Contender, ...] = (
    ByHand(),
    Peer("dlt", "dlt", "dlt_peer.py", "default"),
    Peer("dlt, csv", "dlt", "dlt_peer.py", "csv"),
    Peer("dlt, arrow", "dlt", "dlt_peer.py", "arrow"),
    Peer("Singer", "singer", "singer_peer.py", "default"),
    Peer("Singer, tuned", "singer", "singer_peer.py", "tuned"),
    Peer("PyAirbyte", "airbyte", "airbyte_peer.py", "default", incremental=False),
)


def _environment(lock: str) -> Path:
    return home() / "environments" / lock


def _python(lock: str) -> Path:
    return _environment(lock) / "bin" / "python"
