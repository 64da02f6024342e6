"""Servers start, answer, end, and leave nothing behind, however they or their starter end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import processes, supervisor
from sandbox.errors import SandboxError
from sandbox.processes import Process

# Leaves a grandchild in a session of its own, as database servers do, and says so in a file.
RESTLESS = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path("grandchild").write_text(str(child.pid))
time.sleep(600)
"""
STARTER = """
import signal, sys, time, contextlib
from pathlib import Path
from sandbox.processes import Process, owned
home = Path(sys.argv[1])
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores
with owned() if sys.argv[2] == "owned" else contextlib.nullcontext():
    Process(home, "server", [sys.executable, "restless.py"]).start(lambda: (home / "grandchild").exists())
    print("started", flush=True)
    time.sleep(600)
"""


def server(home: Path, code: str = RESTLESS, **more: float) -> Process:
    (home / "restless.py").write_text(code)
    return Process(home, "server", [sys.executable, "restless.py"], **more)  # type: ignore[arg-type]


def grandchild(home: Path) -> int:
    return int((home / "grandchild").read_text())


def is_gone(pid: int) -> bool:
    return supervisor.wait_until(lambda: supervisor.started(pid) is None, 10)


def start_elsewhere(home: Path, owned: str) -> subprocess.Popen[str]:
    """A server started by another program, which waits to be killed."""
    server(home)
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(home), owned], stdout=subprocess.PIPE, text=True)
    assert starter.stdout
    assert starter.stdout.readline() == "started\n"
    return starter


def end_by(number: signal.Signals, starter: subprocess.Popen[str]) -> None:
    starter.send_signal(number)
    starter.communicate()


def test_stop_ends_everything_the_server_started(tmp_path: Path) -> None:
    process = server(tmp_path)
    process.start(lambda: (tmp_path / "grandchild").exists())
    assert process.running()
    assert supervisor.started(grandchild(tmp_path))
    process.stop()
    assert not process.running()
    assert is_gone(grandchild(tmp_path))
    assert not process.pid_file.exists()
    process.stop()


def test_a_second_start_takes_the_running_server(tmp_path: Path) -> None:
    process = server(tmp_path)
    process.start(lambda: True)
    first = process.pid_file.read_text()
    Process(tmp_path, "server", ["false"]).start(lambda: True)
    assert process.pid_file.read_text() == first
    process.stop()


def test_a_server_that_ends_at_once_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    process = server(tmp_path, "print('the port is taken'); raise SystemExit(3)")
    with pytest.raises(SandboxError, match=r"ended while starting(.|\n)*the port is taken"):
        process.start(lambda: False)
    assert not process.running()


def test_a_server_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    process = server(tmp_path)
    with pytest.raises(SandboxError, match="not ready after 1 s"):
        process.start(lambda: False, timeout=1)
    assert not process.running()


def test_a_server_deaf_to_its_stop_signal_is_killed_after_the_grace(tmp_path: Path) -> None:
    deaf = (
        "import signal, pathlib, time; signal.signal(15, signal.SIG_IGN); pathlib.Path('deaf').touch(); time.sleep(600)"
    )
    process = server(tmp_path, deaf, grace=0.2)
    process.start(lambda: (tmp_path / "deaf").exists())
    process.stop()
    assert not process.running()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_owned_server_ends_with_its_starter_however_that_ends(tmp_path: Path, number: signal.Signals) -> None:
    end_by(number, start_elsewhere(tmp_path, "owned"))
    assert is_gone(grandchild(tmp_path))
    assert supervisor.wait_until(lambda: not server(tmp_path).running(), 10)


def test_a_server_without_an_owner_outlives_its_starter(tmp_path: Path) -> None:
    end_by(signal.SIGKILL, start_elsewhere(tmp_path, "free"))
    time.sleep(0.2)
    process = server(tmp_path)
    assert process.running()
    assert supervisor.started(grandchild(tmp_path))
    process.stop()
    assert is_gone(grandchild(tmp_path))


def test_the_server_ends_also_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    code = "import pathlib, os, time; pathlib.Path('grandchild').write_text(str(os.getpid())); time.sleep(600)"
    process = server(tmp_path, code)
    process.start(lambda: (tmp_path / "grandchild").exists() and bool((tmp_path / "grandchild").read_text()))
    pid, _ = process._recorded()
    os.kill(pid, signal.SIGKILL)
    assert is_gone(grandchild(tmp_path))
    assert not process.running()


def test_a_pid_that_now_belongs_to_another_program_is_left_alone(tmp_path: Path) -> None:
    process = server(tmp_path)
    process.pid_file.write_text(f'{{"pid": {os.getpid()}, "started": 1}}')
    assert not process.running()
    process.stop()


def test_ports_are_free_and_keep_out_of_the_way_of_clients() -> None:
    first = processes.free_port(20000)
    assert processes.free_port(first, taken=[first]) != first
    assert first in processes.PORTS
