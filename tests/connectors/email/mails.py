"""A connection to no server, and mails as people and programs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from connectors.email import natives
from connectors.email.config import EmailConfig
from connectors.email.connector import Email
from landbridge.connector import Connection
from landbridge.mapping import load_mapping
from tests.shared import SHARED

ROOT = Path(__file__).parents[3]
ARCHIVES = SHARED / "samples" / "mail" / "ponymail"
LIST = {"mailbox": "Lists/it-help", "address": "it-help@lists.example.org", "name": "IT-Hilfe"}
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAPPINGS = {
    name: load_mapping(ROOT / "mappings" / "email" / f"{name}.yaml") for name in ("lists", "messages", "people")
}


def connection(**extra: Any) -> Connection:
    given = {"lists": [LIST], "sender": "landbridge@example.org", "smtp": "smtps://mail.example.org"} | extra
    host = str(given.pop("host", "imaps://mail.example.org"))
    return Connection("mail", "landbridge_email", host, "landbridge", "pssst", extra=given)


def config(**extra: Any) -> EmailConfig:
    return Email.Config.of(connection(**extra))


CONFIG = config(authserv="mail.example.org")


def mail(text: str = "Hello", **headers: str) -> bytes:
    made = EmailMessage(policy=default)
    usual = {"From": "René Weiß <Rene.Weiss@example.org>", "Message_ID": "<m@x>"}
    for name, value in (usual | headers).items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def native(data: bytes, thread: str | None = None, settings: EmailConfig = CONFIG) -> dict[str, Any]:
    return natives.mail(data, LIST["mailbox"], thread, NOW, settings)
