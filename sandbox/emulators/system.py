"""An emulator as a system of the sandbox: a process of its own, which keeps what it can when it ends."""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import ClassVar

import requests

from sandbox.company import Company, halbrueck
from sandbox.emulators.base import Emulator, Server
from sandbox.processes import Process
from sandbox.system import Connections, Health, System, write_private

TOKEN = "EMULATOR_TOKEN"
CHECKOUT = Path(__file__).parents[2]


class EmulatedSystem(System):
    """`emulator` is its class as module:name, `connection` the id under which Landbridge knows it.

    `connector` is named where it is not called as the system is.
    """

    emulator: ClassVar[str]
    connection: ClassVar[str]
    connector: ClassVar[str] = ""

    def start(self) -> None:
        process = self._process()
        if not process.running():
            self.port()
            process = self._process()
        process.start(lambda: self.health().state == "up")

    def seed(self, company: Company) -> None:
        """Seeded at its start, where it has nothing to remember."""

    def stop(self) -> None:
        self._process().stop()

    def health(self) -> Health:
        if "port" not in self.facts():
            return Health("absent")
        try:
            requests.get(self.url, timeout=5)
        except requests.RequestException as error:
            return Health("down", type(error).__name__)
        return Health("up", f"Emulator at {self.url}")

    def connections(self) -> Connections:
        kind = f"landbridge_{self.connector or self.name}"
        made = {"conn_type": kind, "host": self.url, "password": self.secret("token"), "extra": {}}
        return {self.connection: made}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.facts().get('port', 0)}"

    def _process(self) -> Process:
        argv = [sys.executable, "-m", __name__, self.emulator, str(self.facts().get("port", 0))]
        env = {TOKEN: self.secret("token"), "PYTHONPATH": os.pathsep.join((str(CHECKOUT), *sys.path))}
        return Process(self.home, self.name, argv, env, cwd=self.home)


def main(emulator: str, port: str) -> None:
    """Serves until it is ended, and keeps what it remembers in the folder that it is started in."""
    module, _, name = emulator.partition(":")
    cls: type[Emulator] = getattr(import_module(module), name)
    made, memory = cls(token=os.environ[TOKEN]), Path.cwd() / "memory.json"
    if memory.exists():
        made.restore(json.loads(memory.read_text()))
    else:
        made.seed(halbrueck())
    signal.signal(signal.SIGTERM, _end)
    try:
        Server(made, int(port)).serve_forever()
    finally:
        with made.alone:
            kept = made.kept()
        if kept is not None:
            write_private(memory, kept)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
