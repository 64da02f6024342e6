"""Runs one server and ends everything it has started, when told to or when its owner is gone.

Run by path and alone, so it imports the standard library only. As a subreaper it inherits whatever the server
leaves behind, also processes that have moved to a session of their own.

    supervisor.py '{"pid_file": …, "argv": […], "cwd": …, "owner_fd": 3 | null, "user": 65534 | null, "grace": 10.0}'
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def main(spec: dict[str, Any]) -> int:
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    write_pid_file(Path(spec["pid_file"]))
    child = start_child(spec)
    wait_for_end(child, wake, spec["owner_fd"])
    if child.poll() is None:
        child.send_signal(spec["stop_signal"])
        wait_until(lambda: child.poll() is not None, spec["grace"])
    kill_descendants(child)
    Path(spec["pid_file"]).unlink(missing_ok=True)
    return child.wait()


def write_pid_file(path: Path) -> None:
    """The start time beside the pid tells this process from a later one with the same number."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"pid": os.getpid(), "started": started(os.getpid())}))
    draft.replace(path)


def start_child(spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    account: dict[str, Any] = {}
    if spec["user"] is not None:
        account = {"user": spec["user"], "group": spec["user"], "extra_groups": []}
    before_exec = die_with_supervisor  # safe here: this program has one thread
    return subprocess.Popen(spec["argv"], cwd=spec["cwd"], preexec_fn=before_exec, **account)


def die_with_supervisor() -> None:
    """Set after the change of user, which would clear it; covers a supervisor that is itself killed by SIGKILL."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def wait_for_end(child: subprocess.Popen[bytes], wake: int, owner: int | None) -> None:
    """Returns when the child has ended, a signal asks to end, or the owner's end of the pipe has closed."""
    watched = [wake] if owner is None else [wake, owner]
    while child.poll() is None:
        ready, _, _ = select.select(watched, [], [])
        if owner in ready:
            return
        if any(number != signal.SIGCHLD for number in os.read(wake, 64)):
            return
        reap_adopted(child.pid)


def reap_adopted(child: int) -> None:
    """Collects finished processes inherited from the server, but leaves the server itself to Popen."""
    for pid, parent in processes().items():
        if parent == os.getpid() and pid != child:
            wait_without_blocking(pid)


def kill_descendants(child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rest = descendants(os.getpid())
        if not rest:
            return
        for pid in rest:
            send(pid, signal.SIGKILL)
        child.poll()
        reap_adopted(child.pid)
        time.sleep(0.02)


def descendants(root: int) -> list[int]:
    parents = processes()
    found: list[int] = []
    frontier = {root}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier}
        found.extend(frontier)
    return found


def processes() -> dict[int, int]:
    """Parent by pid, for every process of the machine."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat_fields(int(entry))):
            parents[int(entry)] = int(fields[1])
    return parents


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; the name before them may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def started(pid: int) -> int | None:
    """Clock ticks from boot to the start of a living process; None for one that is gone or only waits to be reaped."""
    fields = stat_fields(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else None


def send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_without_blocking(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
