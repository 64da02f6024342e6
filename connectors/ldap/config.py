"""What the connection says; the fields become Airflow's connection form."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from connectors.ldap.switch import AccountControl, Marked, Switch
from landbridge.connector import ConnectionConfig
from landbridge.directory.dialect import ACTIVE_DIRECTORY, STANDARD, Dialect
from landbridge.directory.session import Server
from landbridge.http.hosts import is_here

PEOPLE = {
    "standard": "(objectClass=inetOrgPerson)",
    "active_directory": "(&(objectCategory=person)(objectClass=user))",
}
GROUPS = {
    "standard": "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
    "active_directory": "(objectClass=group)",
}
RDN = {"standard": "uid", "active_directory": "cn"}
Attribute = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]


class LdapConfig(ConnectionConfig):
    """`login` and `password` are required: many servers take a bind without password for an anonymous one."""

    directory: Literal["standard", "active_directory"] = Field(
        "standard", description="active_directory: keys, names and changes in Microsoft's own way"
    )
    host: str = Field(
        title="Address",
        pattern=r"^ldaps?://([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?/?$",
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
    people_filter: str = Field(
        PEOPLE["standard"],
        description="which entries are people (RFC 4515); in Active Directory every user unless it says otherwise",
    )
    groups_filter: str = Field(GROUPS["standard"], description="which entries are groups (RFC 4515)")
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
    syncrepl: bool = Field(
        True, description="read changes by syncrepl (RFC 4533) or DirSync where the directory offers it"
    )
    page_size: int = Field(500, ge=1, le=10000, description="entries per page where it does not (RFC 2696)")
    timeout: float = Field(60, gt=0, description="seconds to wait for each answer")
    start_tls: bool = Field(False, description="encrypt an ldap:// connection by StartTLS")
    ca_file: str | None = Field(None, description="file with the certificates to trust instead of the machine's own")
    verify_certificate: bool = Field(True, description="refuse a directory whose certificate cannot be verified")
    allow_plaintext: bool = Field(
        False, validate_default=True, description="send the password unencrypted to another machine"
    )

    @field_validator("start_tls")
    @classmethod
    def _encrypted_once(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("host", "").startswith("ldaps:"):
            raise ValueError("ldaps:// is encrypted from the start: leave it out, or write ldap://")
        return value

    @field_validator("allow_plaintext")
    @classmethod
    def _no_password_in_the_open(cls, value: bool, info: ValidationInfo) -> bool:
        host = urlsplit(info.data.get("host", ""))
        if value or host.scheme != "ldap" or info.data.get("start_tls") or is_here(host.hostname or ""):
            return value
        raise ValueError("the password would cross the network unencrypted: use ldaps://, set start_tls, or allow it")

    @model_validator(mode="before")
    @classmethod
    def _usual_filters(cls, data: Any) -> Any:
        """Those of the kind of directory, where none is given."""
        kind = data.get("directory", "standard") if isinstance(data, dict) else "standard"
        usual = {"people_filter": PEOPLE, "groups_filter": GROUPS, "people_rdn": RDN}
        return {name: table[kind] for name, table in usual.items() if kind in table} | data

    @property
    def dialect(self) -> Dialect:
        return STANDARD if self.directory == "standard" else ACTIVE_DIRECTORY

    @property
    def switch(self) -> Switch | None:
        """What disables somebody; None where nobody has said."""
        name, equals, value = (self.disabled_by or "").partition("=")
        if equals:
            return Marked(name, value)
        return None if self.directory == "standard" else AccountControl()

    @property
    def server(self) -> Server:
        return Server(
            self.host, self.login, self.password.get_secret_value(), self.dialect, self.timeout, self.start_tls,
            self.ca_file, self.verify_certificate,
        )  # fmt: skip
