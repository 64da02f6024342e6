"""Where the benchmark keeps what it makes: pages, databases, the peers' environments, logs and results."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.pages import PageSet
from sandbox.processes import answers
from sandbox.system import make_root, sandbox_root

ROOT = Path(__file__).parent.parent


def home() -> Path:
    """Beside the sandbox's systems; $LANDBRIDGE_SANDBOX moves both."""
    make_root(sandbox_root())
    found = sandbox_root() / "benchmarks"
    found.mkdir(exist_ok=True)
    found.chmod(0o755)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(module: str, *arguments: str) -> Iterator[str]:
    """A server of the benchmark as a process of its own; its address."""
    port = free_port()
    command = [sys.executable, "-m", module, str(port), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    try:
        until = time.monotonic() + 30
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{module} did not start (exit code {process.poll()}).")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.communicate()  # closes its input, which ends it


def source(*sets: PageSet) -> AbstractContextManager[str]:
    """The source with these pages, as a context manager that gives its address."""
    return started("benchmarks.server", *(f"{one.kind}={one.folder}:{one.count}" for one in sets))


def change(address: str, kind: str, count: int) -> None:
    """Have `count` records of the source change, spread over all."""
    request = urllib.request.Request(f"{address}/{kind}/changes?count={count}", method="POST", data=b"")
    with urllib.request.urlopen(request) as answer:
        answer.read()
