"""An emulator as a system of the sandbox: a process of its own, which forgets what was done to it when it ends."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import requests

from sandbox.company import Company, halbrueck
from sandbox.emulators.base import Emulator, Server
from sandbox.processes import Process
from sandbox.system import Connections, Health, System

TOKEN = "EMULATOR_TOKEN"
CHECKOUT = Path(__file__).parents[2]


class EmulatedSystem(System):
    """`emulator` is its class as module:name, `connection` the id under which Landbridge knows it."""

    emulator: ClassVar[str]
    connection: ClassVar[str]

    def start(self) -> None:
        process = self._process()
        if not process.running():
            self.port()
            process = self._process()
        process.start(lambda: self.health().state == "up")

    def seed(self, company: Company) -> None:
        """Seeded at its start: it has no memory but its process."""

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
        made = {"conn_type": f"landbridge_{self.name}", "host": self.url, "password": self.secret("token"), "extra": {}}
        return {self.connection: made}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.facts().get('port', 0)}"

    def _process(self) -> Process:
        argv = [sys.executable, "-m", __name__, self.emulator, str(self.facts().get("port", 0))]
        env = {TOKEN: self.secret("token"), "PYTHONPATH": os.pathsep.join((str(CHECKOUT), *sys.path))}
        return Process(self.home, self.name, argv, env, cwd=self.home)


def main(emulator: str, port: str) -> None:
    """Serves until it is ended."""
    module, _, name = emulator.partition(":")
    cls: type[Emulator] = getattr(import_module(module), name)
    made = cls(token=os.environ[TOKEN])
    made.seed(halbrueck())
    Server(made, int(port)).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
