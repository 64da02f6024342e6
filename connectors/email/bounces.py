"""What comes back to mails of ours: that they did not arrive, and that who got them wants no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message

from connectors.email import natives, unsubscribing
from connectors.email.config import EmailConfig
from landbridge.connector import Failure
from landbridge.errors import Declined, RecordError, ScopeError
from landbridge.mail.ids import message_id
from landbridge.mail.imap import Session
from landbridge.mail.mailbox import Position, heads_since
from landbridge.mail.mime import parse
from landbridge.mail.reports import HEADS, Bounce, bounce_of, may_be_report

# Read from its beginning, the mailbox tells no older ones than this: a person may have dropped them meanwhile. To send
# what somebody does not want weighs more than to be told once more.
FRESH, FRESH_IF_DECLINED = timedelta(days=1), timedelta(days=28)


def bounces(
    session: Session, config: EmailConfig, known: dict[str, Position], reached: dict[str, Position], *, of_letters: bool
) -> Iterator[Failure]:
    """Those of letters or those of lists, once each, since reading again would tell nothing new."""
    if config.bounces is None:
        return
    where = f"bounces:{config.bounces}"
    names = (*HEADS, *unsubscribing.HEADS) if of_letters else HEADS
    try:
        position, heads = heads_since(session, config.bounces, known.get(where), names)
    except ScopeError as error:
        yield Failure(None, error)
        return
    goes_on = where in known and known[where].uidvalidity == position.uidvalidity
    worth_reading = [
        uid for uid, head in heads if may_be_report(head) or (of_letters and unsubscribing.may_be(head, config))
    ]
    for raw in session.mails(worth_reading):
        found = told(parse(raw.data), config, of_letters=of_letters)
        if found and (goes_on or raw.arrived >= datetime.now(UTC) - _fresh(found)):
            yield found
    reached[where] = position


def told(mail: Message, config: EmailConfig, *, of_letters: bool) -> Failure | None:
    """What a mail says about one of ours; None where it says nothing, or not about such a one."""
    bounce = bounce_of(mail)
    if bounce:
        return bounced(bounce, mail, config) if natives.is_letter(bounce.message_id, config) == of_letters else None
    return unsubscribing.declined(mail, config) if of_letters else None


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
    key = bounce.message_id if is_letter else f"bounce of {about or message_id(report)}"
    return Failure(key, error, again=False)


def _fresh(found: Failure) -> timedelta:
    return FRESH_IF_DECLINED if isinstance(found.error, Declined) else FRESH
