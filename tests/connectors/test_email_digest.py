"""Digests by mail: the engine, a chat in memory, a real Dovecot and SMTP server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from landbridge.mail.mime import content, header, parse
from landbridge.store import setaside, unit
from landbridge.store.entities import new_id
from landbridge.store.hub import Hub
from landbridge.sync import periods, read, run_flow
from sandbox.company import halbrueck
from sandbox.dovecot import Dovecot
from tests.connectors import test_email_bridge as bridge
from tests.connectors.email.server.conftest import _desks
from tests.connectors.email.server.desk import Desk, connector, hanging_up
from tests.connectors.test_email_bridge import World
from tests.connectors.test_email_letters import link_of
from tests.servers import brought_up

pytestmark = pytest.mark.server
__all__ = ["_desks"]

ANNA, BERT, _, CLEO = halbrueck().people[:4]
GONE = "left@elsewhere.example"
FLOW = """\
flow: digest
purpose: Who reads mail only knows what was said.
kind: message
from: {chat/messages: {}}
as: digest
to:
  mail/messages: {only: 'alias == "it-help"'}
  mail/letters: {only: 'employee_number in ["2", "3"]'}
digest: {every: 1 day, at: "07:00"}
"""


class Days(World):
    """A colleague who writes, one who reads mail, and one whose address is no more."""

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = datetime.now(UTC)
        monkeypatch.setattr(periods, "_moment", lambda: self.moment)
        monkeypatch.setattr(unit, "new_id", self.new_id)
        told = {"number": "3", "given": CLEO.given, "family": CLEO.family, "mail": GONE}
        self.hr.put("people", id="3", login=CLEO.user_name, active=True, **told)
        self.run()

    def new_id(self) -> str:
        told = f"{int(self.moment.timestamp() * 1000):012x}"
        return f"{told[:8]}-{told[8:]}{new_id()[13:]}"

    def run(self) -> None:  # type: ignore[override]
        for flow in ("people", "digest"):
            run_flow(self.bridge, flow)

    def says(self, text: str) -> str:
        author = self.account(ANNA.user_name)
        key = self.chat.put(
            "messages", room=self.room, author=author, text=text, at=self.moment.isoformat(), url="https://chat.test/1"
        )
        self.run()
        return key

    def next_day(self) -> None:
        self.moment += timedelta(days=1)
        self.run()


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with brought_up(Dovecot) as system:
        yield system


@pytest.fixture
def days(tmp_path: Path, hub: Hub, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Days:
    flows = {name: text for name, text in bridge.FILES.items() if "talk" not in name}
    monkeypatch.setattr(bridge, "FILES", {**flows, "config/flows/digest.yaml": FLOW})
    days = Days(tmp_path, hub, dovecot)
    days.begin(monkeypatch)
    return days


def mails(dovecot: Dovecot, text: str, login: str = "landbridge", box: str = "Lists/it-help") -> list[bytes]:
    desk = Desk(dovecot, box, login)
    return [desk.imap.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1] for uid in desk.uids("TEXT", f'"{text}"')]


def letters(dovecot: Dovecot, text: str) -> list[bytes]:
    """What came to him alone; he is on the list as well."""
    return [one for one in mails(dovecot, text, BERT.user_name, "INBOX") if header(parse(one), "To") == BERT.email]


def test_a_list_and_a_person_get_one_mail_though_the_answers_are_lost(days: Days, dovecot: Dovecot) -> None:
    mark = days.mark
    days.says(f"The **printer** is on fire {mark}")
    days.moment += timedelta(days=1)
    for _ in range(3):  # to the list and to two people; each time the server has taken a mail the line breaks
        with hanging_up(dovecot.facts()["smtp_port"]) as port:
            days.join(connector(dovecot, smtp=f"smtp://127.0.0.1:{port}", timeout=2))
            days.run()
    days.join(connector(dovecot))
    for _ in range(2):
        days.run()
    [to_list] = mails(dovecot, mark)
    [letter] = letters(dovecot, mark)
    assert header(parse(to_list), "Subject").startswith("[it-help] IT-Hilfe: 1 new message, ")
    html = str(content(parse(letter)).html)
    assert f"<strong>{ANNA.full_name}:</strong> The printer is on fire {mark}" in html
    assert 'href="https://chat.test/1"' in html
    assert len(days.chat.all("messages")) == 1, "the digest is nobody's message"
    days.next_day()
    assert len(mails(dovecot, mark)) == len(letters(dovecot, mark)) == 1


def test_whose_digest_came_back_gets_no_other_until_a_person_has_looked(days: Days, dovecot: Dovecot) -> None:
    mark = days.mark

    def tried() -> list[str]:
        sent = map(parse, mails(dovecot, mark, box="Sent"))
        return [header(one, "Message-ID") for one in sent if header(one, "To") == GONE]

    for day in range(2):
        days.says(f"News {day} {mark}")
        days.next_day()
        days.run()
        assert len(tried()) == 1
    with days.bridge.hub.begin() as conn:
        [found] = [one for one in setaside.list(conn, "mail") if one.key in tried()]
        assert found.reason.startswith("A mail to an address at elsewhere.example came back: 5.1.2, no such host.")
        assert "left@" not in found.reason
        setaside.remove(conn, "mail", "letters", found.key)
    days.says(f"News again {mark}")
    days.next_day()
    assert len(tried()) == 2


def test_who_unsubscribes_gets_no_other_though_the_mailbox_was_emptied(days: Days, dovecot: Dovecot) -> None:
    mark = days.mark
    days.says(f"News {mark}")
    days.next_day()
    [first] = letters(dovecot, mark)
    own = header(parse(first), "Message-ID")
    way = link_of(Desk(dovecot, "INBOX", BERT.user_name), own)
    asked = dovecot.send(BERT.user_name, way.path, parse_qs(way.query)["subject"][0], "")
    days.run()
    Desk(dovecot, "INBOX").remove(asked)
    read(days.bridge, "mail", "letters", full=True)
    days.says(f"News again {mark}")
    days.next_day()
    assert len(letters(dovecot, mark)) == 1
    with days.bridge.hub.begin() as conn:
        setaside.remove(conn, "mail", "letters", own)
    days.says(f"News once more {mark}")
    days.next_day()
    assert len(letters(dovecot, mark)) == 2
