"""`landbridge watch` as a process of its own on Slack's emulator: killed at any moment, it loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from landbridge.store.hub import Hub
from landbridge.store.tables import record
from sandbox.emulators.base import serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER
from tests.waiting import until

ROOT = Path(__file__).parents[3]
TOKEN = "xoxb-5ecret"


class Office:
    """A channel, a hub, and at most one process that listens."""

    def __init__(self, home: Path, emulator: Emulator, url: str) -> None:
        self.emulator, self.space = emulator, emulator.space
        self.space.user("bo", "Bo", id="U00BO")
        self.channel = self.space.channel("talk", ["U00BO", BOT_USER], creator="U00BO")["id"]
        (home / "config").mkdir()
        (home / "config" / "systems.yaml").write_text("systems:\n  chat: {connector: slack, streams: [messages]}\n")
        shutil.copytree(ROOT / "mappings" / "slack", home / "mappings" / "slack")
        hub = f"sqlite:///{home / 'hub.sqlite'}"
        connection = {"conn_type": "landbridge_slack", "host": url, "password": TOKEN}
        connection["extra"] = {"app_token": emulator.app_token}  # type: ignore[assignment]
        given = {"LANDBRIDGE_HOME": str(home), "LANDBRIDGE_HUB": hub, "AIRFLOW_CONN_CHAT": json.dumps(connection)}
        self._environment = {**os.environ, **given, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.hub = Hub(hub)
        self.hub.migrate()
        self.process: subprocess.Popen[bytes] | None = None

    def watch(self) -> None:
        code = "from landbridge.cli import main; main()"
        argv = [sys.executable, "-c", code, "watch"]
        self.process = subprocess.Popen(argv, env=self._environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        until(lambda: self.emulator._sockets)

    def end(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(30)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        until(lambda: not self.emulator._sockets)
        return code

    def say(self, text: str) -> None:
        self.space.say(self.channel, "U00BO", text)

    def known(self) -> list[str]:
        with self.hub.read() as conn:
            return [claim["body"] for claim in conn.scalars(select(record.c.claim).order_by(record.c.id))]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    emulator = Emulator(token=TOKEN, unlimited=True)
    with serving(emulator) as url:
        made = Office(tmp_path, emulator, url)
        yield made
        if made.process is not None and made.process.poll() is None:
            made.end(signal.SIGKILL)
        emulator.hang_up()
    made.hub.close()


def test_1_killed_while_it_listens_nothing_is_lost_and_nothing_twice(office: Office) -> None:
    office.watch()
    office.say("first")
    until(lambda: office.emulator.acknowledged)
    assert "first" in office.known()  # acknowledged is what is in the hub
    for number in range(5):
        office.say(f"just before {number}")
    office.end(signal.SIGKILL)
    office.say("while nobody listened")
    office.watch()
    office.emulator.deliver_again()
    wanted = sorted(["first", "while nobody listened", *(f"just before {number}" for number in range(5))])
    until(lambda: sorted(office.known()) == wanted)
    office.say("last")
    until(lambda: "last" in office.known())
    assert office.end(signal.SIGTERM) == 0
    assert sorted(office.known()) == sorted([*wanted, "last"])
