"""Space and Message, after ActivityStreams 2.0, Matrix and RFC 5322."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from landbridge.model.base import EntityModel, Ref
from landbridge.model.documents import Attachment


class Space(EntityModel):
    """A place where people talk or write; who is in it is said by Memberships."""

    kind: ClassVar[str] = "space"

    name: str | None = None
    alias: str | None = None
    topic: str | None = None
    type: Literal["channel", "room", "forum", "community", "list", "wiki", "site", "direct"] | None = None
    visibility: Literal["public", "members", "hidden"] | None = None
    archived: bool | None = None
    guests_present: bool | None = None
    url: str | None = None


class Message(EntityModel):
    """One thing said; `thread` may be a message, a document or a case, `guest` names an author without an account.

    `accepted`: it was chosen as the answer to what opens its thread.
    """

    kind: ClassVar[str] = "message"

    space: Ref | None = None
    thread: Ref | None = None
    reply_to: Ref | None = None
    author: Ref | None = None
    guest: str | None = None
    body: str | None = None
    attachments: list[Attachment] | None = []
    reactions: dict[str, list[Ref]] | None = {}
    accepted: bool | None = None
    sent_at: datetime | None = None
    # The address of the one person whom it is for; everybody in its space where left out.
    to: str | None = None
    edited_at: datetime | None = None
    url: str | None = None
