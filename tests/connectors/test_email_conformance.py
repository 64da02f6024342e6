"""E-mail against the conformance suite, on a real Dovecot and SMTP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.email import natives
from connectors.email.connector import Email
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.company import halbrueck
from sandbox.dovecot import LISTS, Dovecot
from tests.connectors.email.server.desk import Desk
from tests.servers import brought_up

pytestmark = pytest.mark.server

ANNA = halbrueck().people[0].user_name
IT = "Lists/it-help"
OWN = "of its own mail the connector tells place and marker only, since lists change what they pass on"
# Of which there are no others than those that the connection names, that wrote, or that Landbridge itself has sent.
UNASKED = {
    "lists": "the connection names the lists, no server knows them: tests/connectors/email/server asks about them",
    "people": "an address is nothing but its own key, and never gone: tests/connectors/email/server asks about them",
    "letters": "only Landbridge sends letters, and what was sent stays: test_email_letters.py asks about them",
}
CHECKS = (
    "paging", "cursor", "deletion", "unicode", "expired_cursor", "broken_answers", "read_back", "idempotent_write",
)  # fmt: skip


class EmailHarness(Harness):
    connector = Email
    mappings = Path(__file__).parents[2] / "mappings"
    exempt: ClassVar[dict[str, str]] = {
        **{f"{stream}.{check}": reason for stream, reason in UNASKED.items() for check in CHECKS},
        "messages.cursor": "a mail cannot be changed; tests/connectors/email/server asks for new, marked and removed ones",
        "messages.unicode": OWN,
        "messages.read_back": OWN,
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(Dovecot) as self.dovecot:
            yield f"imap://127.0.0.1:{self.dovecot.facts()['port']}"

    def config(self, url: str) -> dict[str, Any]:
        told = self.dovecot.connections()["mail"]
        return {"host": url, "login": told["login"], "password": told["password"], **told["extra"]}

    def add(self, stream: str, text: str) -> str:
        return natives.key(IT, self.dovecot.send(ANNA, "it-help", "Said", text))

    def remove(self, stream: str, key: str) -> None:
        with self._desk(IT) as desk:
            desk.remove(natives.parts(key)[1])

    def keys(self, stream: str) -> set[str]:
        found = set()
        for mailbox in (f"Lists/{name}" for name in LISTS):
            with self._desk(mailbox) as desk:
                heads = desk.imap.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
            names = [one[1].decode().partition(":")[2].strip() for one in heads if isinstance(one, tuple)]
            found |= {natives.key(mailbox, name) for name in names}
        return found

    @contextmanager
    def _desk(self, mailbox: str) -> Iterator[Desk]:
        desk = Desk(self.dovecot, mailbox)
        yield desk
        Desk.opened.remove(desk)
        desk.imap.shutdown()

    def native(self, stream: str, text: str) -> Native:
        return {"mailbox": IT, "text": text, "html": f"<p>{text}</p>"}

    def worn_out(self, stream: str, cursor: Any) -> Any:
        """Of a mailbox that was numbered anew."""
        name, (validity, *rest) = next(iter(cursor["mailboxes"].items()))
        return {"mailboxes": cursor["mailboxes"] | {name: [validity + 1, *rest]}}


class TestEmail(Conformance):
    harness = EmailHarness
