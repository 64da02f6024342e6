"""`python -m sandbox.three_way`: one help desk in three tools; plays a day there and shows what became of it.

Ends with 0 where every message was found in every tool as it should be, and a second run has nothing to do.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox.company import halbrueck
from sandbox.dovecot import Dovecot
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack
from sandbox.errors import SandboxError
from sandbox.processes import owned
from sandbox.synapse import Synapse
from sandbox.system import System, make_root, sandbox_root
from sandbox.three_way import show
from sandbox.three_way.play import Play
from sandbox.three_way.world import World, settled, small

console = Console()


class Landbridge:
    """The command, as an operator calls it; `counts` is what its reports say together."""

    def __init__(self, world: World) -> None:
        self.counts: Counter[str] = Counter()
        self.environment = {
            **os.environ,
            **world.environment,
            "LANDBRIDGE_HUB": f"sqlite:///{world.home / 'hub.sqlite'}",
        }

    def __call__(self, *words: str) -> None:
        began = time.monotonic()
        command = [str(Path(sys.executable).with_name("landbridge")), *words, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if not done.stdout:
            raise SandboxError(f"landbridge {' '.join(words)} ended with {done.returncode}.\n{done.stderr}")
        console.print(f"  landbridge {' '.join(words):<36} [dim]{time.monotonic() - began:.0f} s[/]")
        told: dict[str, Any] = json.loads(done.stdout)
        for flow in told.get("flows", ()):
            self.counts.update(flow.get("counts", {}))

    def passing(self, full: bool) -> None:
        if full:
            self("read", "slack", "messages", "--full")
        self("run")


def main() -> int:
    root = sandbox_root() / "three-way"
    make_root(root)
    try:
        with owned():
            return _play(root)
    except SandboxError as error:
        console.print(f"[red]{error}[/]")
        return 2


def _play(root: Path) -> int:
    """Everything anew at each call: what was said the last time would be said again."""
    synapse, dovecot = Synapse(root / "synapse"), Dovecot(root / "dovecot")
    for system in (synapse, dovecot):
        system.stop()
    for place in root.glob("*/*"):
        if place.is_dir() and place.name != "venv":
            shutil.rmtree(place)
        elif not place.is_dir():
            place.unlink()
    _up(synapse, dovecot)
    # Its limits count by app, and who looks at what is shown would use up those of Landbridge, which keeps them anyway.
    emulator = Slack(token="xoxb-three-way", unlimited=True)
    with serving(emulator) as url:
        world = settled(root / "company", emulator, url, synapse, dovecot)
        landbridge = Landbridge(world)
        play = Play(world, landbridge.passing)
        for part in (play.questions, play.answers, play.second_thoughts):
            console.print(f"[bold]{part.__name__.replace('_', ' ')}[/]: {str(part.__doc__).splitlines()[0]}")
            part()
        console.print(show.table(play))
        counted = landbridge.counts
        console.print(
            f"Counted: {counted['created']} messages written, {counted['updated']} edits and reactions passed on, "
            f"{counted['deleted']} taken back; {counted['unsupported']} times a mail could not follow, "
            f"{counted['lossy']} things it could not show."
        )
        said = play.world.shown()
        landbridge.passing(True)
        wrong = play.mismatches() + ([] if play.world.shown() == said else ["Another run has changed something."])
    for one in wrong:
        console.print(f"[red]{one}[/]")
    console.print("[red]Not everything is as it should be.[/]" if wrong else "[green]All is there, and stays so.[/]")
    return 1 if wrong else 0


def _up(*systems: System) -> None:
    for system in systems:
        system.install()
        system.start()
    systems[0].seed(small(halbrueck()))


if __name__ == "__main__":
    sys.exit(main())
