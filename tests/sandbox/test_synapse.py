"""A real Synapse with the company in it; what Landbridge needs from it works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from sandbox import supervisor
from sandbox.company import halbrueck
from sandbox.synapse import Synapse
from tests.servers import running, steps_done

pytestmark = pytest.mark.server
company = halbrueck()


@pytest.fixture(scope="module")
def synapse(sandbox_home: Path) -> Iterator[Synapse]:
    with running(Synapse(sandbox_home / "synapse")) as system:
        yield system


def ask(synapse: Synapse, path: str, user: str = "landbridge", **params: Any) -> dict[str, Any]:
    facts = synapse.facts()
    admin = path.startswith("/_synapse/admin")
    token = facts["admin_token"] if admin else facts["as_token"]
    known = {} if admin else {"user_id": f"@{user}:halbrueck.example"}
    url = f"http://127.0.0.1:{facts['port']}{path}"
    answer = requests.get(url, params={**known, **params}, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    answer.raise_for_status()
    return dict(answer.json())


def room_id(synapse: Synapse, alias: str) -> str:
    return str(ask(synapse, f"/_matrix/client/v3/directory/room/{quote(f'#{alias}:halbrueck.example')}")["room_id"])


def said(synapse: Synapse, room: str, reader: str = "landbridge") -> list[dict[str, Any]]:
    path = f"/_matrix/client/v3/rooms/{quote(room)}/messages"
    events = ask(synapse, path, reader, dir="f", limit=1000)["chunk"]
    return [event for event in events if event["type"] == "m.room.message"]


def test_accounts_have_the_addresses_by_which_they_will_be_matched(synapse: Synapse) -> None:
    user = ask(synapse, "/_synapse/admin/v2/users/" + quote("@lukasz.wisniewski:halbrueck.example"))
    assert user["displayname"] == "Łukasz Wiśniewski"
    assert [address["address"] for address in user["threepids"]] == ["lukasz.wisniewski@halbrueck.example"]
    listed = ask(synapse, "/_synapse/admin/v2/users", limit=100, guests="false")
    names = {account["name"] for account in listed["users"]}
    assert names == {
        f"@{name}:halbrueck.example" for name in ("chat-admin", "landbridge", *(p.user_name for p in company.in_chat()))
    }


def test_conversations_have_their_authors_times_threads_and_reactions(synapse: Synapse) -> None:
    expected = [message for message in company.messages if message.room == "it-help"]
    events = said(synapse, room_id(synapse, "it-help"))
    assert [event["content"]["body"] for event in events] == [message.text for message in expected]
    assert [event["sender"].split(":")[0][1:] for event in events] == [message.author for message in expected]
    assert [event["origin_server_ts"] / 1000 for event in events] == [m.sent.timestamp() for m in expected]
    roots = {message.key: event["event_id"] for message, event in zip(expected, events, strict=True)}
    for message, event in zip(expected, events, strict=True):
        relation = event["content"].get("m.relates_to", {})
        assert relation.get("event_id") == (roots[message.thread] if message.thread else None)
    path = f"/_matrix/client/v1/rooms/{quote(room_id(synapse, 'it-help'))}/relations/{quote(roots['it-help-2'])}"
    marks = ask(synapse, path)["chunk"]
    assert {mark["content"]["m.relates_to"]["key"] for mark in marks} == {"✅"}


@pytest.mark.parametrize(
    ("alias", "join", "history", "bot"),
    [("general", "public", "shared", True), ("works-council", "invite", "joined", False)],
)
def test_rooms_are_as_open_as_the_company_wants(
    synapse: Synapse, alias: str, join: str, history: str, bot: bool
) -> None:
    rooms = ask(synapse, "/_synapse/admin/v1/rooms", search_term=alias)["rooms"]
    assert [(room["join_rules"], room["history_visibility"], room["federatable"]) for room in rooms] == [
        (join, history, False)
    ]
    path = f"/_synapse/admin/v1/rooms/{quote(rooms[0]['room_id'])}/members"
    members = ask(synapse, path)["members"]
    assert ("@landbridge:halbrueck.example" in members) is bot
    assert len(members) == len(company.room(alias).members) + bot


def test_the_direct_conversation_is_known_as_one_to_both(synapse: Synapse) -> None:
    path = "/_matrix/client/v3/user/{}/account_data/m.direct"
    mine = ask(synapse, path.format(quote("@lena.vogt:halbrueck.example")), "lena.vogt")
    theirs = ask(synapse, path.format(quote("@marcel.dubois:halbrueck.example")), "marcel.dubois")
    assert mine["@marcel.dubois:halbrueck.example"] == theirs["@lena.vogt:halbrueck.example"]
    assert len(said(synapse, mine["@marcel.dubois:halbrueck.example"][0], "lena.vogt")) == 8


def test_landbridges_account_follows_the_rooms_it_is_in_and_no_other(synapse: Synapse) -> None:
    followed = set(ask(synapse, "/_matrix/client/v3/sync", timeout=0)["rooms"]["join"])
    assert followed == {room_id(synapse, room.alias) for room in company.rooms if room.visibility == "public"}


def test_the_service_does_not_read_closed_rooms(synapse: Synapse) -> None:
    with pytest.raises(requests.HTTPError, match="403"):
        said(synapse, room_id(synapse, "works-council"))


def test_its_database_is_complete_after_the_start(synapse: Synapse) -> None:
    assert ask(synapse, "/_synapse/admin/v1/background_updates/status")["current_updates"] == {}
    assert "ERROR" not in synapse._process().log.read_text()


def test_seeding_again_adds_nothing(synapse: Synapse) -> None:
    before = len(said(synapse, room_id(synapse, "general")))
    synapse.seed(company)
    assert len(said(synapse, room_id(synapse, "general"))) == before
    assert ask(synapse, "/_synapse/admin/v1/rooms")["total_rooms"] == len(company.rooms)


def test_a_seeding_that_was_interrupted_begins_anew(synapse: Synapse) -> None:
    (synapse.home / "seed.done").unlink()
    synapse.seed(company)
    assert ask(synapse, "/_synapse/admin/v1/rooms")["total_rooms"] == len(company.rooms)


def test_it_comes_back_with_all_it_had_and_leaves_no_process(synapse: Synapse) -> None:
    pid, _ = synapse._process()._recorded()
    synapse.stop()
    assert synapse.health().state == "down"
    assert not [member for member in supervisor.processes() if _session(member) == pid]
    done = steps_done(synapse)
    synapse.install()
    synapse.start()
    synapse.seed(company)
    assert steps_done(synapse) == done != {}
    assert synapse.health().state == "up"
    assert len(said(synapse, room_id(synapse, "general"))) == len([m for m in company.messages if m.room == "general"])


def test_the_connection_names_no_more_than_landbridge_needs(synapse: Synapse) -> None:
    chat = synapse.connections()["chat"]
    assert chat["conn_type"] == "landbridge_matrix"
    assert chat["login"] == "@landbridge:halbrueck.example"
    assert set(chat["extra"]) == {"server_name", "admin_token"}
    assert (synapse.home / "facts.json").stat().st_mode & 0o777 == 0o600


def _session(pid: int) -> int:
    fields = supervisor.stat_fields(pid)
    return int(fields[3]) if fields else 0
