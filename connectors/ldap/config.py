"""What the connection says; the fields become Airflow's connection form."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from landbridge.connector import ConnectionConfig

Attribute = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]


class LdapConfig(ConnectionConfig):
    """`login` and `password` are required: many servers take a bind without password for an anonymous one."""

    host: str = Field(
        title="Address",
        pattern=r"^ldaps?://[^\s/]+/?$",
        description="address of the directory, ldaps://host or ldap://host, with :port where it is not the usual one",
        examples=["ldaps://directory.example.org"],
    )
    login: str = Field(
        title="Distinguished name", min_length=1, description="distinguished name of Landbridge's own account"
    )
    password: SecretStr = Field(min_length=1, description="password of that account")
    base: str = Field(
        min_length=1, description="distinguished name below which everything lies, e.g. dc=example,dc=org"
    )
    people: str | None = Field(None, description="distinguished name below which people lie; otherwise the base")
    groups: str | None = Field(None, description="distinguished name below which groups lie; without it none are read")
    people_filter: str = Field("(objectClass=inetOrgPerson)", description="which entries are people (RFC 4515)")
    groups_filter: str = Field(
        "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
        description="which entries are groups (RFC 4515)",
    )
    attributes: tuple[Attribute, ...] = Field((), description="further attributes of people to read, for own mappings")
    disabled_by: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]*=.+$",
        description="what marks a person as disabled, e.g. employeeType=former; without it nobody is disabled here",
    )
    people_rdn: Attribute = Field("uid", description="attribute that names new people in the directory")
    people_classes: tuple[Attribute, ...] = Field(("inetOrgPerson",), description="object classes of new people")
    group_class: Literal["groupOfNames", "groupOfUniqueNames"] = Field(
        "groupOfNames", description="object class of new groups"
    )
    photos: bool = Field(True, description="read photographs (jpegPhoto); off spares the transfer of all of them")
    syncrepl: bool = Field(True, description="read changes by syncrepl (RFC 4533) where the directory offers it")
    page_size: int = Field(500, ge=1, le=10000, description="entries per page where it does not (RFC 2696)")
    timeout: float = Field(60, gt=0, description="seconds to wait for each answer")
    start_tls: bool = Field(False, description="encrypt an ldap:// connection by StartTLS")
    ca_file: str | None = Field(None, description="file with the certificates to trust instead of the machine's own")
    verify_certificate: bool = Field(True, description="refuse a directory whose certificate cannot be verified")
    allow_plaintext: bool = Field(
        False, validate_default=True, description="send the password unencrypted to another machine"
    )

    @field_validator("allow_plaintext")
    @classmethod
    def _no_password_in_the_open(cls, value: bool, info: ValidationInfo) -> bool:
        host = urlsplit(info.data.get("host", ""))
        if value or host.scheme != "ldap" or info.data.get("start_tls") or _is_loopback(host.hostname or ""):
            return value
        raise ValueError("the password would cross the network unencrypted: use ldaps://, set start_tls, or allow it")

    @property
    def disabled(self) -> tuple[str, str] | None:
        """The attribute and the value of disabled_by."""
        name, equals, value = (self.disabled_by or "").partition("=")
        return (name, value) if equals else None

    @property
    def encrypted(self) -> bool:
        return self.start_tls or self.host.startswith("ldaps://")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
