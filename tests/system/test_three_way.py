"""One help desk in Slack (emulator), Matrix (Synapse) and e-mail (Dovecot), counted through the products' own APIs."""

from __future__ import annotations

import imaplib
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from landbridge.connector.config import load_connection
from landbridge.store import deliveries
from landbridge.sync import Bridge, load_company, open_bridge, read, run_flow
from landbridge.testing import crashpoints
from sandbox.company import halbrueck
from sandbox.dovecot import Dovecot
from sandbox.emulators.base import Reply, serving
from sandbox.emulators.slack import Slack
from sandbox.matrix_client import MatrixDesk
from sandbox.postgresql import PostgreSQL
from sandbox.synapse import BOT, SERVER_NAME, Synapse
from sandbox.synapse_seed import Seeding
from sandbox.three_way.play import Pass, Play
from sandbox.three_way.world import READER, World, settled, small
from tests.conftest import create_database
from tests.docs.pages import ROOT, blocks
from tests.servers import open_folder
from tests.system.three_way_killed import passes_on

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def synapse() -> Iterator[Synapse]:
    with open_folder("three-way") as folder:
        system = Synapse(folder / "synapse")
        system.install()
        system.start()
        system.seed(small(halbrueck()))
        yield system
        system.stop()


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with open_folder("three-way") as folder:
        system = Dovecot(folder / "dovecot")
        if not system.installed() and (reason := system.cannot_install()):
            pytest.skip(reason)
        system.install()
        system.start()
        yield system
        system.stop()


def emptied(synapse: Synapse, dovecot: Dovecot) -> None:
    """Rooms and mailboxes as they were before the first test."""
    facts = synapse.facts()
    url = synapse.connections()["chat"]["host"]
    desk = MatrixDesk(url, SERVER_NAME, facts["admin_token"])
    for room in desk.rooms().values():
        desk.forget(room)
    seeding = Seeding(url, SERVER_NAME, BOT, facts["as_token"], facts["admin_token"], facts["people_password"])
    seeding.run(small(halbrueck()))
    for login, secret in (("landbridge", "landbridge_password"), (READER, "people_password")):
        with imaplib.IMAP4("127.0.0.1", dovecot.facts()["port"]) as imap:
            imap.login(login, dovecot.secret(secret))
            for mailbox in ("INBOX", "Sent", "Lists/it-help"):
                if imap.select(mailbox)[1] != [b"0"]:
                    imap.store("1:*", "+FLAGS", r"(\Deleted)")
                    imap.expunge()


@pytest.fixture
def world(tmp_path: Path, synapse: Synapse, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("connectors.slack.api.LIMITS", {})
    emptied(synapse, dovecot)
    emulator = Slack(token="xoxb-5ecret", unlimited=True)
    with serving(emulator) as url:
        world = settled(tmp_path, emulator, url, synapse, dovecot)
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        yield world


@pytest.fixture
def bridge(world: World) -> Iterator[Bridge]:
    with open_bridge(load_company(world.home), load_connection, f"sqlite:///{world.home / 'hub.sqlite'}") as bridge:
        yield bridge


def test_the_how_to_shows_the_configuration_that_is_played() -> None:
    shown = {one.name: one.text for one in blocks(ROOT / "docs" / "how-to" / "join-slack-matrix-mail.md") if one.name}
    played = ROOT / "sandbox" / "three_way"
    files = [path for path in (played / "config").rglob("*") if path.is_file()]
    assert shown == {str(path.relative_to(played)): path.read_text() for path in files}


def passing(bridge: Bridge) -> Pass:
    def run(full: bool) -> None:
        if full:
            read(bridge, "slack", "messages", full=True)
        for flow in ("people", "talk"):
            report = run_flow(bridge, flow)
            assert not report.failures, report.warnings

    return run


def of_mail(bridge: Bridge) -> Counter[str]:
    """What could not be done or shown in e-mail, as the hub has counted it."""
    with bridge.hub.read() as conn:
        states = ("planned", "waiting", "done", "dropped", "set_aside", "blocked", "undecided", "uncertain")
        found = deliveries.due(conn, "mail/messages", states)
    told = [f"{one.state}: {one.op}" for one in found if one.state != "done"]
    return Counter([*told, *(f"lost: {what}" for one in found for what in one.lossy or ())])


def test_a_day_is_seen_in_all_three_tools_and_nothing_twice(world: World, bridge: Bridge) -> None:
    passes = passing(bridge)
    play = Play(world, passes)
    for part in (play.questions, play.answers, play.second_thoughts):
        part()
        assert play.mismatches() == [], part.__name__
    # Two edits, two removals, and the one reaction to a mail of ours that still stands: none of it can be told by mail.
    assert of_mail(bridge) == {"dropped: update": 2, "dropped: delete": 2, "lost: reactions": 1}
    said, asked = world.shown(), len(world.slack.emulator.seen)
    for full in (False, True):
        passes(full)
    assert world.shown() == said
    writes = [one.path for one in world.slack.emulator.seen[asked:] if one.method == "POST"]
    assert writes == []
    assert not run_flow(bridge, "talk").moved


def test_killed_again_and_again_and_refused_by_slack_it_ends_the_same(world: World, postgresql: PostgreSQL) -> None:
    """Another process does the work, and dies at one boundary after the other; Slack asks it to wait as well."""
    work = (passes_on, str(world.home), create_database(postgresql, "three_way"))
    slow = Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "1"})
    deaths: list[str] = []

    def passes(full: bool) -> None:
        world.slack.emulator.script("/api/chat.postMessage", slow)
        deaths.extend(itertools.takewhile(bool, (crashpoints.kill_at(at, *work) for at in itertools.count(50, 45))))
        crashpoints.boundaries(*work)

    play = Play(world, passes)
    for part in (play.questions, play.answers):
        part()
        assert play.mismatches() == [], part.__name__
    steps = {name.split(".")[2] for name in deaths}
    assert steps & {"write", "claim", "deliver", "keep"}, deaths
