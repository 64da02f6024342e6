"""Mails of ours that did not arrive, as what a person has to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message

from connectors.email import natives
from connectors.email.config import EmailConfig
from connectors.email.reading import Position, heads_since
from landbridge.connector import Failure
from landbridge.errors import RecordError, ScopeError
from landbridge.mail.imap import Session
from landbridge.mail.mime import parse
from landbridge.mail.reports import HEADS, Bounce, bounce_of, may_be_report

FRESH = timedelta(days=1)


def bounces(
    session: Session, config: EmailConfig, known: dict[str, Position], reached: dict[str, Position], *, of_letters: bool
) -> Iterator[Failure]:
    """Those of letters or those of lists, once each, since reading again would tell nothing new.

    A full read tells only fresh ones: what a person has dropped long ago does not come again.
    """
    if config.bounces is None:
        return
    where = f"bounces:{config.bounces}"
    try:
        position, heads = heads_since(session, config.bounces, known.get(where), HEADS)
    except ScopeError as error:
        yield Failure(None, error)
        return
    for raw in session.mails([uid for uid, head in heads if may_be_report(head)]):
        if where not in known and raw.arrived < datetime.now(UTC) - FRESH:
            continue
        report = parse(raw.data)
        bounce = bounce_of(report)
        if bounce and natives.is_letter(bounce.message_id, config) == of_letters:
            yield bounced(bounce, report, config)
    reached[where] = position


def bounced(bounce: Bounce, report: Message, config: EmailConfig) -> Failure:
    """Of a letter under its own key: whom it was for gets no other until a person drops this. It names nobody."""
    addresses = {str(place.address).lower(): place.mailbox for place in config.lists if place.address}
    mine = [addresses[one] for one in bounce.recipients if one in addresses]
    about = natives.key(mine[0], bounce.message_id) if mine and bounce.message_id else bounce.message_id
    domains = sorted({one.rpartition("@")[2] for one in bounce.recipients if "@" in one})
    whom = f"the list {mine[0]}" if mine else f"an address at {', '.join(domains)}" if domains else "an address"
    error = RecordError(
        f"A mail to {whom} came back: {bounce.reason}.",
        remedy=f"The report is in the mailbox {config.bounces}; check the address, then drop this.",
    )
    is_letter = natives.is_letter(bounce.message_id, config)
    key = bounce.message_id if is_letter else f"bounce of {about or natives.message_id(report)}"
    return Failure(key, error, again=False)
