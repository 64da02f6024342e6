"""What all emulators owe to their base: routes, sign-in, scripted and lost answers, limits."""

from __future__ import annotations

import pytest
import requests

from connectors.slack.connector import Slack
from landbridge.connector.config import connection_from
from sandbox.company import halbrueck
from sandbox.demo.branch import CLOSED, JOINED, Workspace
from sandbox.demo.branch_day import ASKER
from sandbox.emulators.base import Emulator, Limits, Refused, Reply, Request, route, serving
from sandbox.emulators.slack import SlackSystem
from sandbox.slack_client import SlackDesk
from tests.servers import brought_up


class Notes(Emulator):
    """Notes by name, with a fixed address beside the named ones."""

    name = "notes"

    def __init__(self) -> None:
        super().__init__(token="open")
        self.notes = {"a b/c": "first"}

    @route("GET", "/notes/{name}")
    def note(self, request: Request) -> Reply:
        if request.values["name"] not in self.notes:
            raise Refused({"error": "no_note"}, 404, {"X-Why": "unknown"})
        return Reply({"note": self.notes[request.values["name"]], "page": request.params.get("page")})

    @route("GET", "/notes/count")
    def count(self, request: Request) -> Reply:
        return Reply(str(len(self.notes)).encode())

    @route("POST", "/notes/{name}")
    def write(self, request: Request) -> Reply:
        self.notes[request.values["name"]] = request.json["note"]
        return Reply(None, 204)

    @route("GET", "/broken")
    def broken(self, request: Request) -> Reply:
        return Reply(self.notes["missing"])


def test_routes_sign_in_and_errors() -> None:
    notes = Notes()
    with serving(notes) as url, requests.Session() as session:
        assert session.get(f"{url}/notes/count").status_code == 401
        session.headers["Authorization"] = "Bearer open"
        assert session.get(f"{url}/notes/a%20b%2Fc?page=2").json() == {"note": "first", "page": "2"}
        assert session.get(f"{url}/notes/count").content == b"1"
        assert session.post(f"{url}/notes/d", json={"note": "é"}).status_code == 204
        assert session.get(f"{url}/notes/d").json()["note"] == "é"
        refused = session.get(f"{url}/notes/z")
        assert (refused.status_code, refused.json(), refused.headers["X-Why"]) == (404, {"error": "no_note"}, "unknown")
        assert session.post(f"{url}/notes/d", data=b"{").status_code == 400
        assert session.get(f"{url}/elsewhere").status_code == 404
        assert session.get(f"{url}/broken").status_code == 500
        assert len(notes.asked("/count")) == 2


def test_answers_can_be_scripted_and_lost() -> None:
    notes = Notes()
    with serving(notes) as url, requests.Session() as session:
        session.headers["Authorization"] = "Bearer open"
        notes.script("/notes/count", Reply({"error": "busy"}, 503))
        notes.lose("/notes/new")
        assert [session.get(f"{url}/notes/count").status_code for _ in range(2)] == [503, 200]
        with pytest.raises(requests.ConnectionError):
            session.post(f"{url}/notes/new", json={"note": "kept"})
        assert session.get(f"{url}/notes/new").json()["note"] == "kept"


def test_limits_slide_and_are_counted_apart() -> None:
    now = [0.0]
    limits = Limits(lambda: now[0])
    assert [limits.wait("a", 2, 60) for _ in range(3)] == [0, 0, 60]
    assert limits.wait("b", 2, 60) == 0
    now[0] = 45
    assert limits.wait("a", 2, 60) == 15
    now[0] = 60
    assert limits.wait("a", 2, 60) == 0


def test_people_have_a_slack_of_their_own() -> None:
    """What they may, as whom it stands, and what they do not see."""
    emulator = Workspace(token="xoxb-5ecret")
    emulator.seed(halbrueck())
    with serving(emulator) as url:
        desk = SlackDesk(url, emulator.token)
        esra, zoe = desk.acting_as(ASKER), desk.acting_as("zoe.andersen")
        asked = esra.say(JOINED, "Who has the <keys>?")
        zoe.say(JOINED, "I have", thread=asked)
        assert [one["text"] for one in esra.thread(JOINED, asked)] == ["Who has the &lt;keys&gt;?", "I have"]
        assert "bot_id" not in esra.messages(JOINED)[0]
        assert esra.ask("auth.test")["user"] == ASKER
        for method, refusal in (("chat.update", "cant_update_message"), ("chat.delete", "cant_delete_message")):
            with pytest.raises(LookupError, match=refusal):
                zoe.ask(method, channel=zoe.channel(JOINED), ts=asked, text="Nobody")
        emulator.space.channels[esra.channel(CLOSED)]["_members"].remove(emulator.user_of(desk.token_of(ASKER)))
        with pytest.raises(LookupError, match="channel_not_found"):
            esra.ask("conversations.history", channel=zoe.channel(CLOSED))
        shown, hers = (requests.get(desk.page(name), timeout=5).text for name in ("zoe.andersen", ASKER))
        assert (f"#{CLOSED}" in shown, f"#{CLOSED}" in hers) == (True, False)
        assert "Who has the &lt;keys&gt;?" in hers
        assert requests.get(url, timeout=5).status_code == 401
        # They are no app, so nobody counts their calls.
        assert all(esra.messages(JOINED) for _ in range(60))
        emulator.space.users[str(emulator.user_of(desk.token_of(ASKER)))]["deleted"] = True
        with pytest.raises(LookupError, match="account_inactive"):
            esra.messages(JOINED)


def test_an_emulator_is_a_system_of_the_sandbox() -> None:
    with brought_up(SlackSystem) as system:
        connection = connection_from("slack", system.connections()["slack"])
        desk = SlackDesk(system.url, system.secret("token"))
        desk.acting_as("anna.mueller").say("general", "Still here tomorrow?")
        slack = Slack(Slack.Config.of(connection))
        assert slack.check().missing == ()
        assert len(list(slack.read("users"))) > 20
        slack.close()
        assert system.health().state == "up"
        system.stop()
        assert system.health().state == "down"
        system.start()
        assert desk.acting_as("anna.mueller").messages("general")[0]["text"] == "Still here tomorrow?"
