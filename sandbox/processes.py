"""Starts a server under its supervisor and ends it: nothing it has started outlives it.

By default a server stays up when the program that started it ends. Inside `owned()` it ends with that program,
whatever ends the program: the supervisor holds the other end of a pipe that the kernel closes.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import supervisor
from sandbox.errors import SandboxError

NOBODY = 65534
# Below the range from which the kernel takes ports for outgoing connections (32768 and up on Linux), so that a port
# kept for a stopped server is not lost to a passing client.
PORTS = range(20000, 30000)
SUPERVISOR = Path(supervisor.__file__)

_owner: list[int] = []


@contextmanager
def owned() -> Iterator[None]:
    """Servers started in this block end with this program, also when it is killed."""
    owner_end, program_end = os.pipe()
    _owner.append(owner_end)
    try:
        yield
    finally:
        _owner.pop()
        # program_end stays open on purpose: closing it is what ends the servers, and the kernel does that at exit.
        _kept.append(program_end)


_kept: list[int] = []


def unprivileged_user() -> int | None:
    """The user for servers that refuse root; None where this program is not root anyway."""
    return NOBODY if os.geteuid() == 0 else None


def free_port(wanted: int, *, taken: Sequence[int] = ()) -> int:
    """The wanted port if it is free on loopback, otherwise the next free one."""
    for step in range(len(PORTS)):
        port = PORTS[(wanted - PORTS.start + step) % len(PORTS)]
        if port not in taken and not _bound(port):
            return port
    raise SandboxError(f"No port from {PORTS.start} to {PORTS.stop} is free on 127.0.0.1.", remedy="End other servers.")


def answers(port: int) -> bool:
    """Whether anything accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _bound(port: int) -> bool:
    with socket.socket() as probe:
        # Servers set this too; without it a port in TIME_WAIT would look taken after every restart.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _alive(pid: int, ticks: int | None) -> bool:
    alive = bool(pid) and supervisor.started(pid) == ticks
    if pid and not alive:
        # If it was started by this very program, it would stay a zombie until we end.
        supervisor.wait_without_blocking(pid)
    return alive


@dataclass
class Process:
    """One server: `<home>/<name>.pid` and `<home>/<name>.log` are its traces on disk."""

    home: Path
    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0

    @property
    def log(self) -> Path:
        return self.home / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.home / f"{self.name}.pid"

    def start(self, ready: Callable[[], bool], *, timeout: float = 60.0) -> None:
        """Returns when `ready` says so; a server that ends or hangs before that is an error with the end of its log."""
        if not self.running():
            self._sweep()
            self._spawn()
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running():
                raise SandboxError(f"{self.name} ended while starting. {self._tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise SandboxError(f"{self.name} was not ready after {timeout:.0f} s. {self._tail()}")
            time.sleep(0.05)

    def running(self) -> bool:
        return _alive(*self._recorded())

    def stop(self) -> None:
        """Quiet when nothing runs; otherwise returns after the last process of the server has ended."""
        pid, ticks = self._recorded()
        if _alive(pid, ticks):
            supervisor.send(pid, signal.SIGTERM)
            supervisor.wait_until(lambda: not _alive(pid, ticks), self.grace + 15)
        self._sweep()

    def _spawn(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        spec = {
            "pid_file": str(self.pid_file), "argv": [str(part) for part in self.argv],
            "cwd": str(self.cwd or self.home), "owner_fd": 3 if _owner else None, "user": self.user,
            "stop_signal": int(self.stop_signal), "grace": self.grace,
        }  # fmt: skip
        redirections: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self.log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        if _owner:
            redirections.append((os.POSIX_SPAWN_DUP2, _owner[-1], 3))
        python = sys.executable
        # Not subprocess: a server that is meant to outlive this program would be reported as a forgotten child.
        pid = os.posix_spawn(
            python, [python, "-I", str(SUPERVISOR), json.dumps(spec)], {**os.environ, **self.env},
            file_actions=redirections, setsid=True,
        )  # fmt: skip
        written = supervisor.wait_until(lambda: self._recorded()[0] == pid or supervisor.started(pid) is None, 15)
        if not written or self._recorded()[0] != pid:
            raise SandboxError(f"{self.name} ended while starting. {self._tail()}")

    def _recorded(self) -> tuple[int, int | None]:
        try:
            noted = json.loads(self.pid_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return 0, None
        return noted["pid"], noted["started"]

    def _sweep(self) -> None:
        """Ends what a killed supervisor has left behind: members of its session that are no older than it was."""
        pid, ticks = self._recorded()
        if pid:
            for member in supervisor.processes():
                fields = supervisor.stat_fields(member)
                if fields and int(fields[3]) == pid and ticks is not None and int(fields[19]) >= ticks:
                    supervisor.send(member, signal.SIGKILL)
        self.pid_file.unlink(missing_ok=True)

    def _tail(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        end = "\n    ".join(text.splitlines()[-lines:])
        return f"The end of {self.log}:\n    {end}" if end else f"Its log {self.log} is empty."
