"""Person, Group and Membership, after SCIM 2.0 (RFC 7643)."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from landbridge.model.base import EntityModel, Part, Ref
from landbridge.model.documents import Attachment


class Name(Part):
    given: str | None = None
    family: str | None = None
    formatted: str | None = None


class Email(Part):
    value: str
    type: str | None = None
    primary: bool | None = None


class Phone(Part):
    value: str
    type: str | None = None


class Employment(Part):
    type: str | None = None
    starts: date | None = None
    ends: date | None = None


class Person(EntityModel):
    """One human being; `external` means not of this company.

    `department`, `manager` and `organization` (the customer or partner that somebody works for) refer to entities.
    """

    kind: ClassVar[str] = "person"

    user_name: str | None = None
    name: Name | None = None
    display_name: str | None = None
    emails: list[Email] | None = []
    phones: list[Phone] | None = []
    title: str | None = None
    department: Ref | None = None
    organization: Ref | None = None
    cost_center: str | None = None
    division: str | None = None
    employee_number: str | None = None
    manager: Ref | None = None
    locale: str | None = None
    timezone: str | None = None
    photo: Attachment | None = None
    skills: list[str] | None = []
    employment: Employment | None = None
    active: bool | None = None
    external: bool | None = None


class Group(EntityModel):
    """A team, department, company, customer or role; who belongs to it is said by Memberships."""

    kind: ClassVar[str] = "group"

    name: str | None = None
    code: str | None = None
    type: Literal["team", "department", "company", "customer", "role"] | None = None
    description: str | None = None
    parent: Ref | None = None
    rule: str | None = None


class Membership(EntityModel):
    """One person's place in one group, space or case."""

    kind: ClassVar[str] = "membership"

    person: Ref | None = None
    group: Ref | None = None
    role: str | None = None
