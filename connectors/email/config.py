"""What the connection says; the fields become Airflow's connection form."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from landbridge.connector import ConnectionConfig

ADDRESS = r"^[^@\s<>,;]+@[A-Za-z0-9.-]+$"
PORTS = {"imaps": 993, "imap": 143, "smtps": 465, "smtp": 587}


class MailList(BaseModel):
    """A mailing list: the mailbox that receives its mail, and where to write to. Who is on it only a person can say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mailbox: str = Field(min_length=1, pattern=r"^[^<>\r\n]+$", description="mailbox that receives the list's mail")
    address: str | None = Field(
        None, pattern=ADDRESS, description="where to write to; without it the list is only read"
    )
    name: str | None = Field(None, description="what the list is called; the mailbox's last part where left out")
    visibility: Literal["public", "members", "hidden"] = Field(
        "members", description="public: anybody of the company may read the list"
    )
    guests: bool = Field(True, description="people from outside the company may be on the list")


class EmailConfig(ConnectionConfig):
    """One account of a mail server. Whoever is not encrypted to another machine is refused."""

    host: str = Field(
        title="IMAP server",
        pattern=r"^imaps?://[^\s/]+/?$",
        description="imaps://host, or imap://host to begin unencrypted and turn to TLS (STARTTLS)",
        examples=["imaps://mail.example.org"],
    )
    login: str = Field(min_length=1, description="name of Landbridge's own account")
    password: SecretStr = Field(min_length=1, description="password of that account")
    lists: tuple[MailList, ...] = Field(
        min_length=1, description="the mailing lists: mailbox, address, name, visibility, guests"
    )
    smtp: str | None = Field(
        None,
        pattern=r"^smtps?://[^\s/]+/?$",
        description="smtps://host, or smtp://host for STARTTLS; without it nothing is sent",
        examples=["smtps://mail.example.org"],
    )
    sender: str = Field(pattern=ADDRESS, description="Landbridge's own address, on every list; bounces come back to it")
    sender_name: str = Field("Landbridge", pattern=r"^[^\r\n]+$", description="the name beside that address")
    sent: str | None = Field("Sent", description="mailbox that keeps what is sent, so that nothing is sent twice")
    bounces: str | None = Field(
        "INBOX", description="mailbox in which bounces arrive; without it nobody looks for them"
    )
    authserv: str | None = Field(
        None, description="name by which the own server signs Authentication-Results; a verified sender is a colleague"
    )
    trust_from: bool = Field(False, description="take every From for true: only where the server refuses forged ones")
    ca_file: str | None = Field(None, description="file with the certificates to trust instead of the machine's own")
    timeout: float = Field(60, gt=0, description="seconds to wait for each answer")
    max_size: Annotated[int, Field(ge=2**16, le=2**30)] = Field(
        25 * 2**20, description="bytes of a mail that are read, and of files that are sent with one, at most"
    )

    @field_validator("lists")
    @classmethod
    def _each_once(cls, value: tuple[MailList, ...]) -> tuple[MailList, ...]:
        if len({one.mailbox for one in value}) != len(value):
            raise ValueError("each mailbox can be named once")
        return value

    def list_of(self, mailbox: str) -> MailList | None:
        return next((one for one in self.lists if one.mailbox == mailbox), None)


def endpoint(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a server."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
