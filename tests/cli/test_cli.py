"""What all commands have in common: help, examples, errors, connections."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from landbridge.cli.app import app
from landbridge.cli.exits import INTERRUPTED, MEANING, Exit, code_of, gravest
from landbridge.cli.listing import COMMANDS
from landbridge.cli.manual import commands
from landbridge.cli.session import Session
from landbridge.errors import ConfigError, LandbridgeError
from landbridge.sync import Bridge, Report, run_flow
from tests.cli.conftest import Cli, said

ALL = {path: (command, examples) for path, command, examples in commands()}


@pytest.mark.parametrize("path", ALL)
def test_each_command_teaches_by_examples_that_work(path: str) -> None:
    command, examples = ALL[path]
    help_ = said(*path.split()[1:], "--help")
    assert help_.code == 0
    assert max(map(len, help_.out.splitlines())) <= 80
    assert "--json" in help_.out
    assert examples
    for example in examples:
        line = example.line.partition(" || ")[0]
        assert line.startswith(path)
        assert line in help_.out
        command.make_context(path, shlex.split(line)[len(path.split()) :]).close()


def test_every_command_stands_in_the_help() -> None:
    found = said()
    assert found.code == 0
    for name in COMMANDS:
        assert f"│ {name} " in found.out
    for code, meaning in MEANING.items():
        assert f"{code.value}  {meaning}" in found.out
    assert {info.name for info in (*app.registered_commands, *app.registered_groups)} == set(COMMANDS)


def test_a_group_without_command_shows_its_help() -> None:
    assert "retry" in said("set-aside").out


def test_the_first_help_says_what_the_commands_say() -> None:
    shown: Any = get_command(app)
    assert {
        name: (one.rich_help_panel, (one.help or "").partition("\n\n")[0]) for name, one in shown.commands.items()
    } == {name: (one.panel, one.says) for name, one in COMMANDS.items()}


@pytest.mark.parametrize("args", [["--help"], [], ["plam"], ["--version"]])
def test_the_first_help_imports_no_engine(args: list[str]) -> None:
    """Nobody waits for a database driver to read what there is."""
    program = (
        "import sys\nfrom landbridge.cli import main\n"
        f"sys.argv = ['landbridge', *{args!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'alembic', 'psycopg', 'requests', 'landbridge.sync', 'landbridge.store'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).strip()


# Only what is not ours is imported before the processes part.
EACH_ALONE = """
import os, sys
import pydantic, requests, rich.table, sqlalchemy, typer, yaml
folder, *names = sys.argv[1:]
codes = []
for name in names:
    if child := os.fork():
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        continue
    os.dup2(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT), 1)
    assert not any(one.partition(".")[0] == "landbridge" for one in sys.modules)
    from landbridge.cli import main
    sys.argv = ["landbridge", name, "--help"]
    main()
sys.exit(max(codes))
"""


def test_every_command_runs_when_it_alone_is_imported(tmp_path: Path) -> None:
    command = [sys.executable, "-c", EACH_ALONE, str(tmp_path), *COMMANDS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, one in COMMANDS.items():
        assert one.says[:30] in " ".join((tmp_path / name).read_text().split())


def test_version() -> None:
    assert said("--version").out.startswith("landbridge 0")


@pytest.mark.parametrize("args", [("rn",), ("run", "--fast"), ("read",), ("plan", "people", "--limit", "0")])
def test_a_wrong_command_line(args: tuple[str, ...]) -> None:
    found = said(*args)
    assert found.code == Exit.USAGE
    assert found.out == ""
    assert found.err.startswith("✗ ")
    assert "--help" in found.err
    as_json = said(*args, "--json")
    assert as_json.data["error"]["exit_code"] == Exit.USAGE


def test_without_a_company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = said("status")
    assert found.code == Exit.USAGE
    assert "LANDBRIDGE_HOME" in found.err
    assert said("status", "--home", str(tmp_path), "--json").data["error"]["type"] == "ConfigError"


def break_down(*args: Any) -> None:
    raise ValueError("anna@example.org")


def test_a_mistake_of_ours_tells_no_data(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landbridge.cli.plan.preview", break_down)
    found = cli("plan", "people", "--json")
    assert found.code == Exit.MISTAKE
    assert "anna" not in found.out + found.err
    assert found.data["error"]["message"].startswith("A mistake in Landbridge: ValueError in test_cli.py")
    monkeypatch.setenv("LANDBRIDGE_DEBUG", "1")
    assert "Traceback" in cli("plan", "people").err


def test_a_mistake_in_one_flow_stops_no_other(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(bridge: Bridge, flow: str, **more: Any) -> Report:
        return break_down(flow) if flow == "people" else run_flow(bridge, flow, **more)

    monkeypatch.setattr("landbridge.cli.run.run_flow", mistaken)
    found = cli("run", "people", "news", "--json")
    assert found.code == Exit.MISTAKE
    people, news = found.data["flows"]
    assert people["error"]["type"] == "ValueError"
    assert "anna" not in people["error"]["message"]
    assert "error" not in news


def stop(*args: Any) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_ends_quietly(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landbridge.cli.plan.preview", stop)
    found = cli("plan", "people")
    assert (found.code, found.out) == (INTERRUPTED, "")
    assert "What is done is kept" in found.err


def test_codes() -> None:
    assert gravest([]) == Exit.OK
    assert gravest([Exit.FINDINGS, Exit.UNREACHABLE, Exit.CREDENTIALS]) == Exit.CREDENTIALS
    assert code_of(LandbridgeError("")) == Exit.FINDINGS
    assert code_of(KeyError()) == Exit.MISTAKE


def connections_file(folder: Path, host: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "connections.json"
    file.write_text(json.dumps({"hr": {"conn_type": "toy", "host": host, "password": "geheim"}}))
    return file


def test_connections_of_the_sandbox_are_the_last_resort(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="not defined"):
        Session(home).connections()("hr")
    connections_file(home / ".sandbox", "http://sandbox")
    connection = Session(home).connections()
    assert capsys.readouterr().err == ""
    assert connection("hr").host == connection("hr").host == "http://sandbox"
    assert capsys.readouterr().err.count("Connections: those of the sandbox") == 1
    monkeypatch.setenv("LANDBRIDGE_CONNECTIONS", str(connections_file(tmp_path / "own", "http://own")))
    assert Session(home).connections()("hr").host == "http://own"
    monkeypatch.delenv("LANDBRIDGE_CONNECTIONS")
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps({"conn_type": "toy", "host": "http://chat"}))
    with pytest.raises(ConfigError, match="not defined"):
        Session(home).connections()("hr")


def test_the_shell_completes_names(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from landbridge.cli import complete

    context: Any = type("Context", (), {"params": {"system": "hr"}})
    monkeypatch.setenv("LANDBRIDGE_HOME", str(home))
    assert complete.flows_of(context, "p") == ["people"]
    assert complete.systems_of(context, "c") == ["chat", "crm"]
    assert complete.streams_of(context, "") == ["groups", "people"]
    assert complete.kinds_of("per") == ["person"]
    monkeypatch.setenv("LANDBRIDGE_HOME", str(tmp_path))
    assert complete.flows_of(context, "") == []


def test_sigterm_lets_a_run_end(tmp_path: Path) -> None:
    program = (
        "import sys, time\nimport landbridge.cli.app as its\nfrom landbridge.cli import main\n"
        "def app():\n    try:\n        print('goes on', flush=True)\n        time.sleep(60)\n"
        "    finally:\n        print('has ended', flush=True)\n"
        "its.app = app\nsys.argv = ['landbridge']\nits.list_all = lambda: None\nmain()\n"
    )
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert running.stdout
    assert running.stdout.readline() == "goes on\n"
    running.terminate()
    out, _ = running.communicate(timeout=30)
    assert (running.returncode, out) == (128 + signal.SIGTERM, "has ended\n")
