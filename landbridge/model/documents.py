"""Document (schema.org CreativeWork, CMIS), Case and Attachment."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from landbridge.model.base import EntityModel, Part, Ref


class Attachment(Part):
    """A file by description; its bytes are streamed from `url` (`<system>:<native locator>`), never held here."""

    name: str | None = None
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    url: str | None = None


class Document(EntityModel):
    """A post, page or article; `body` is canonical rich text, times are UTC."""

    kind: ClassVar[str] = "document"

    title: str | None = None
    body: str | None = None
    summary: str | None = None
    language: str | None = None
    author: Ref | None = None
    space: Ref | None = None
    path: str | None = None
    url: str | None = None
    state: Literal["draft", "published", "archived"] | None = None
    version_tag: str | None = None
    published_at: datetime | None = None
    category: str | None = None
    tags: list[str] | None = []
    attachments: list[Attachment] | None = []


class Case(EntityModel):
    """A CRM opportunity or a ticket; `team` is the group that works on it beside its owner."""

    kind: ClassVar[str] = "case"

    number: str | None = None
    subject: str | None = None
    description: str | None = None
    customer: Ref | None = None
    contact: Ref | None = None
    owner: Ref | None = None
    team: Ref | None = None
    status: str | None = None
    priority: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    url: str | None = None
