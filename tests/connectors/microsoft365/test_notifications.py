"""Microsoft tells what changes: subscriptions that are made, renewed and lost, and requests that anybody could send."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from connectors.microsoft365.entra import Entra
from connectors.microsoft365.notifications import Notified
from connectors.microsoft365.teams import Teams
from landbridge.connector import News, Pushed, ReadsAgain, Receives, Record, Subscribes, subscriptions
from landbridge.errors import AuthError, ConfigError, RecordError, TransientError
from landbridge.store.hub import Hub
from landbridge.store.tables import record
from landbridge.sync import Bridge, load_company, watch
from landbridge.sync.receiver import Letterbox, receiving
from sandbox.emulators.base import Reply
from sandbox.emulators.graph import TENANT
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import Watched, connected, connection, sign_up
from tests.waiting import until

ROOT = Path(__file__).parents[3]
TEAM, ANNA = made_id("team"), made_id("anna.mueller")
HELP, CLOSED = "19:it-help@thread.tacv2", "19:board@thread.tacv2"
SPACE = f"{TEAM}/{HELP}"
ALL = News("messages")


class Door:
    """Where Microsoft's requests arrive."""

    def __init__(self, graph: Watched, boxes: dict[str, Letterbox], port: int) -> None:
        self.graph, self.boxes = graph, boxes
        self.url = f"http://127.0.0.1:{port}"

    def teams(self, **extra: Any) -> Teams:
        return self.opened(connected(Teams, self.graph, refresh_token="bot", **self.at("teams"), **extra))

    def entra(self) -> Entra:
        return self.opened(connected(Entra, self.graph, domain=TENANT, **self.at("entra")))

    def opened(self, made: Any) -> Any:
        self.boxes[made.system] = Letterbox(made)
        return made

    def at(self, system: str) -> dict[str, str]:
        return {"notification_url": f"{self.url}/{system}"}

    def heard(self, system: str = "teams", count: int = 1) -> list[News]:
        """So many news; each is kept, so that its sender is answered."""
        found: list[News] = []
        until = time.monotonic() + 30
        while len(found) < count and time.monotonic() < until:
            found += self.boxes[system].listen(0.2)
        for news in found:
            news.kept()
        return found

    def subscribed(self) -> dict[str, dict[str, Any]]:
        return {row["resource"]: row for row in self.graph.subscriptions.values()}


@pytest.fixture
def door(graph: Watched) -> Iterator[Door]:
    sign_up(graph)
    boxes: dict[str, Letterbox] = {}
    with receiving("127.0.0.1:0", boxes) as port:
        yield Door(graph, boxes, port)


def resource(channel: str) -> str:
    return f"teams/{TEAM}/channels/{channel}/messages"


def test_what_it_can_do(door: Door) -> None:
    teams, entra = door.teams(), door.entra()
    assert isinstance(teams, Subscribes) and isinstance(teams, Receives) and isinstance(teams, ReadsAgain)
    assert isinstance(entra, Subscribes) and not isinstance(entra, ReadsAgain)


def test_where_it_cannot_be_reached_it_says_so(graph: Watched, teams: Teams) -> None:
    with pytest.raises(ConfigError, match="notification_url"):
        teams.subscribe()
    assert graph.asked("/subscriptions") == []


def test_a_message_its_answer_an_edit_and_a_removal_are_told_and_read_again(graph: Watched, door: Door) -> None:
    teams = door.teams()
    assert door.heard() == [ALL]  # nobody was told before
    root = graph.say(TEAM, HELP, ANNA, "Question?")
    assert door.heard() == [News("messages", (f"{SPACE}/{root['id']}",))]
    reply = graph.say(TEAM, HELP, ANNA, "Answer", root=root["id"])
    key = f"{SPACE}/{root['id']}/{reply['id']}"
    [news] = door.heard()
    assert news == News("messages", (key,))
    [found] = teams.again("messages", news.again)
    assert isinstance(found, Record) and found.native["content"] == "Answer"
    graph.edit(TEAM, HELP, reply, "Mended")
    assert door.heard() == [news]
    graph.remove(TEAM, HELP, reply)
    assert door.heard() == [news]
    assert [type(item).__name__ for item in teams.again("messages", (key, f"{SPACE}/{root['id']}/0"))] == ["Gone"]


def test_accounts_are_told_of(graph: Watched, door: Door) -> None:
    door.entra()
    assert door.heard("entra") == [News("users")]
    graph.set_user(ANNA, jobTitle="Head")
    assert door.heard("entra") == [News("users")]
    graph.remove_user(ANNA)
    assert door.heard("entra") == [News("users")]


def test_only_channels_that_are_read_are_asked_for(graph: Watched, door: Door) -> None:
    graph.add_channel(TEAM, CLOSED, "Board", kind="private")
    graph.add_chat("c1", ANNA)
    teams = door.teams()
    teams.private_spaces = {f"{TEAM}/{CLOSED}", "chats/c1"}
    door.heard()
    channels = {resource(one["id"]) for one in graph.channels[TEAM].values() if one["membershipType"] == "standard"}
    assert door.subscribed().keys() == channels | {resource(CLOSED)}
    row = graph.say(TEAM, CLOSED, ANNA, "Between us")
    [news] = door.heard()
    assert len(list(teams.again("messages", news.again))) == 1
    teams.private_spaces = frozenset()  # the policy has ended
    graph.seen.clear()
    assert list(teams.again("messages", news.again)) == []
    assert graph.asked(row["id"]) == []
    opened = graph.say(TEAM, HELP, ANNA, "For all")
    [news] = door.heard()
    graph.teams[TEAM]["visibility"] = "private"
    assert list(teams.again("messages", news.again)) == [] and graph.asked(opened["id"]) == []
    graph.teams[TEAM]["visibility"] = "public"
    teams._look_at = subscriptions.NEVER
    teams.subscribe()
    assert door.subscribed().keys() == channels


@pytest.mark.parametrize("state", ["forged", "", None, "ö"])
def test_what_does_not_bear_the_secret_is_refused(graph: Watched, door: Door, state: str | None) -> None:
    teams = door.teams()
    door.heard()
    row = door.subscribed()[resource(HELP)]
    body = {
        "subscriptionId": row["id"], "changeType": "created", "clientState": state,
        "resource": f"teams('{TEAM}')/channels('{HELP}')/messages('1')",
    }  # fmt: skip
    assert requests.post(f"{door.url}/teams", json={"value": [body]}, timeout=30).status_code == 401
    assert door.boxes["teams"].listen(0.05) == []
    with pytest.raises(AuthError) as caught:
        teams.receive(Pushed({}, {}, b'{"value": [{"clientState": "x", "lifecycleEvent": "subscriptionRemoved"}]}'))
    assert teams.secret not in str(caught.value) and not teams._ended


@pytest.mark.parametrize("body", [b"", b"[]", b'{"value": []}', b'{"value": [7]}', b"\xff"])
def test_what_is_none_of_microsofts(door: Door, body: bytes) -> None:
    with pytest.raises(RecordError):
        door.teams().receive(Pushed({}, {}, body))


def test_a_subscription_that_has_ended_is_made_anew_and_the_stream_is_read(graph: Watched, door: Door) -> None:
    door.teams()
    door.heard()
    before, now = door.subscribed(), graph.clock()
    graph.clock = lambda: now + 25 * 3600
    graph.say(TEAM, HELP, ANNA, "Nobody is told")
    assert door.subscribed() == {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Teams, "life", timedelta(hours=48))
        patch.setattr(Teams, "left", timedelta(hours=26))
        assert door.heard() == [ALL]
    after = door.subscribed()
    assert after.keys() == before.keys()
    assert all(after[one]["id"] != before[one]["id"] for one in after)


def test_a_subscription_is_renewed_before_it_ends(graph: Watched, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    teams = door.teams()
    door.heard()
    before = {one: (row["id"], row["expirationDateTime"]) for one, row in door.subscribed().items()}
    assert teams.subscribe() == () and graph.asked("", "PATCH") == []
    monkeypatch.setattr(Teams, "life", timedelta(hours=30))
    monkeypatch.setattr(Teams, "left", timedelta(hours=25))
    assert teams.subscribe() == ()  # without a gap
    after = {one: (row["id"], row["expirationDateTime"]) for one, row in door.subscribed().items()}
    assert all(after[one][0] == id and after[one][1] > ends for one, (id, ends) in before.items())


def test_what_microsoft_says_of_a_subscription_is_heeded(graph: Watched, door: Door) -> None:
    teams = door.teams()
    door.heard()
    row = door.subscribed()[resource(HELP)]
    graph.warn(row["id"], "missed")
    assert door.heard() == [ALL]
    graph.warn(row["id"], "reauthorizationRequired")
    until(lambda: teams._due or graph.asked(row["id"], "PATCH"))
    assert teams.subscribe() == () and len(graph.asked(row["id"], "PATCH")) == 1
    graph.warn(row["id"], "subscriptionRemoved")
    assert door.heard() == [ALL]
    assert door.subscribed()[resource(HELP)]["id"] != row["id"]


def test_what_an_earlier_process_has_asked_for_is_taken_back(graph: Watched, door: Door) -> None:
    door.teams()
    door.heard()
    before = {row["id"] for row in graph.subscriptions.values()}
    graph.subscriptions["other"] = {**door.subscribed()[resource(HELP)], "id": "other", "resource": "users",
                                    "notificationUrl": "https://elsewhere.example.org"}  # fmt: skip
    door.teams()
    assert door.heard() == [ALL]
    after = {row["id"] for row in graph.subscriptions.values()}
    assert "other" in after and not before & after
    graph.say(TEAM, HELP, ANNA, "Told once")
    assert len(door.heard()) == 1


def test_one_channel_that_may_not_be_told_of_keeps_no_other(graph: Watched, door: Door) -> None:
    refused = Reply({"error": {"code": "Forbidden", "message": "…"}}, 403)
    graph.script("/subscriptions", Reply({"value": []}), refused)
    door.teams()
    assert door.heard() == [ALL]
    assert len(door.subscribed()) == len(graph.asked("/subscriptions", "POST")) - 1
    graph.exchanges.clear()


def test_an_address_that_microsoft_does_not_reach_is_tried_again_later(
    graph: Watched, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    away: Notified = connected(Entra, graph, domain=TENANT, notification_url="http://127.0.0.1:9/entra")
    monkeypatch.setattr(subscriptions, "REFUSED", timedelta())
    for _ in range(2):
        with pytest.raises(TransientError, match="reach notification_url"):
            away.subscribe()
    monkeypatch.undo()
    with pytest.raises(TransientError):
        away.subscribe()
    assert away.subscribe() == () and len(graph.asked("/subscriptions", "POST")) == 3


def test_an_answer_that_is_lost_leaves_no_second_subscription(graph: Watched, door: Door) -> None:
    entra = door.entra()
    door.heard("entra")
    graph.warn(door.subscribed()["users"]["id"], "subscriptionRemoved")
    until(lambda: entra._ended)
    graph.lose("/subscriptions")
    with pytest.raises(TransientError):
        entra.subscribe()
    [lost] = graph.subscriptions
    assert list(entra.subscribe()) == [News("users")]
    [kept] = graph.subscriptions
    assert kept != lost


def test_watched_what_is_said_is_in_the_hub_when_microsoft_is_answered(
    graph: Watched, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landbridge.sync.watching.WAIT", 0.1)
    (tmp_path / "config").mkdir()
    (tmp_path / "mappings").symlink_to(ROOT / "mappings")
    (tmp_path / "config" / "systems.yaml").write_text("systems:\n  teams: {connector: teams, rate: 1000/s}\n")
    hub = Hub(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub.migrate()
    known = {"refresh_token": "bot", **door.at("teams")}
    bridge = Bridge(load_company(tmp_path), hub, lambda name: connection(graph, name, **known))
    door.opened(bridge.connector("teams"))

    def texts() -> list[str]:
        with hub.read() as conn:
            return [str(claim.get("body")) for claim in conn.scalars(select(record.c.claim))]

    stop = threading.Event()

    def follow(streams: frozenset[str]) -> tuple[str, ...]:
        return ()

    listening = {"teams": door.boxes["teams"].listen}
    thread = threading.Thread(target=watch, args=(bridge, listening, follow, stop))
    thread.start()
    try:
        until(lambda: len(texts()) > 5)  # the whole stream, at the start
        graph.say(TEAM, HELP, ANNA, "Heard at once")
        until(lambda: "Heard at once" in texts())
    finally:
        stop.set()
        thread.join()
        bridge.close()
        hub.close()
