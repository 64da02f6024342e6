"""Positions in mailboxes as a cursor."""

from __future__ import annotations

from typing import Any

from landbridge.connector.cursors import NOT_OURS
from landbridge.errors import ExpiredCursor
from landbridge.mail.mailbox import Position


def told(reached: dict[str, Position]) -> dict[str, Any]:
    """Positions as a cursor."""
    return {
        "mailboxes": {
            name: [one.uidvalidity, one.uidnext, one.modseq, one.count, [list(mail) for mail in one.recent]]
            for name, one in reached.items()
        }
    }


def positions(cursor: Any) -> dict[str, Position]:
    """The positions in a cursor by mailbox, none for a full read. Raises ExpiredCursor."""
    if cursor is None:
        return {}
    try:
        return {
            str(name): Position(validity, after, modseq, count, tuple((int(uid), str(one)) for uid, one in recent))
            for name, (validity, after, modseq, count, recent) in cursor["mailboxes"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ExpiredCursor(NOT_OURS) from None
