"""What the connection says; the fields become Airflow's connection form."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from landbridge.connector import ConnectionConfig
from landbridge.http import BearerToken, ClientCredentials, RefreshToken, TokenEndpoint
from landbridge.mail.server import Server

ADDRESS = r"^[^@\s<>,;]+@[A-Za-z0-9.-]+$"


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
    password: SecretStr | None = Field(None, min_length=1, description="password of that account")
    token_url: str | None = Field(
        None,
        pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$",
        description="where tokens are issued (OAuth 2), for servers that take no password",
        examples=[
            "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token",
            "https://oauth2.googleapis.com/token",
        ],
    )
    client_id: str | None = Field(None, description="id of the application that asks for tokens")
    client_secret: SecretStr | None = Field(None, description="its secret")
    refresh_token: SecretStr | None = Field(
        None, description="what a person's consent gave; without it the application signs in as itself"
    )
    scope: str | None = Field(
        None, description="what is asked for", examples=["https://outlook.office365.com/.default"]
    )
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
        "INBOX", description="mailbox in which bounces and unsubscriptions arrive; without it nobody looks for them"
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

    @model_validator(mode="after")
    def _signs_in(self) -> Self:
        if (self.password is None) == (self.token_url is None):
            raise ValueError("expected either a password or a token_url")
        if self.token_url and not (self.client_id and (self.client_secret or self.refresh_token)):
            raise ValueError("token_url needs client_id, and client_secret or refresh_token or both")
        return self

    def list_of(self, mailbox: str) -> MailList | None:
        return next((one for one in self.lists if one.mailbox == mailbox), None)

    def secret(self) -> str | BearerToken:
        """What signs in; a token is to be kept as long as the connector lives."""
        if self.password is not None:
            return self.password.get_secret_value()
        secret = self.client_secret.get_secret_value() if self.client_secret else ""
        endpoint = TokenEndpoint(self.token_url or "", self.client_id or "", secret, in_body=True)
        if self.refresh_token is not None:
            return BearerToken(RefreshToken(endpoint, self.refresh_token.get_secret_value()))
        return BearerToken(ClientCredentials(endpoint, self.scope or ""))

    def server(self, url: str, secret: str | BearerToken) -> Server:
        return Server(url, self.login, secret, self.ca_file, self.timeout)
