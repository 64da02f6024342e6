"""OpenLDAP, the company's directory: all colleagues with telephones and photographs, and a group per department.

It loads no file of the machine's own slapd: the configuration is built afresh at every start, the data stay.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from sandbox import packages
from sandbox.company import Company, Department, Person
from sandbox.errors import SandboxError
from sandbox.photos import portrait
from sandbox.processes import Process, answers, unprivileged_user
from sandbox.system import Connections, Health, System

BASE = "dc=halbrueck,dc=example"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ADMIN = f"cn=admin,{BASE}"
SERVICE = f"cn=landbridge,ou=services,{BASE}"
PHOTO_EVERY = 3  # photographs of 20 of the 60
ALREADY_EXISTS = 68
Attributes = dict[str, str | bytes | list[str]]

CONFIGURATION = """\
dn: cn=config
objectClass: olcGlobal
cn: config

dn: cn=module,cn=config
objectClass: olcModuleList
cn: module
olcModuleLoad: back_mdb
olcModuleLoad: memberof
olcModuleLoad: syncprov

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif

dn: olcDatabase={{0}}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {{0}}config
olcAccess: to * by * none

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: {base}
olcRootDN: {admin}
olcRootPW: {admin_hash}
olcDbDirectory: {data}
olcDbNoSync: TRUE
olcDbMaxSize: 1073741824
olcDbIndex: objectClass,entryCSN,entryUUID,uid,mail,employeeNumber,member,modifyTimestamp eq
olcAccess: to attrs=userPassword by anonymous auth by * none
olcAccess: to dn.subtree="{people}" by dn.exact="{service}" write by users read by * none
olcAccess: to dn.subtree="{groups}" by dn.exact="{service}" write by users read by * none
olcAccess: to * by users read by * none
olcLimits: dn.exact="{service}" size=unlimited time=unlimited

dn: olcOverlay=memberof,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOfConfig
olcOverlay: memberof
olcMemberOfGroupOC: groupOfNames
olcMemberOfRefInt: TRUE

dn: olcOverlay=syncprov,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
olcSpCheckpoint: 1 1
olcSpSessionlog: 10000
"""


class Slapd(System):
    name: ClassVar[str] = "slapd"
    apt: ClassVar[tuple[str, ...]] = ("slapd", "ldap-utils")
    configuration: ClassVar[str] = CONFIGURATION

    @property
    def _url(self) -> str:
        return f"ldap://127.0.0.1:{self.facts().get('port', 0)}"

    def start(self) -> None:
        process = self._process()
        if not process.running():
            self.port()
            self._configure()
            process = self._process()
        process.start(lambda: answers(self.facts()["port"]))
        self.secret("service_password")

    def seed(self, company: Company) -> None:
        """Entries that exist are left as they are, so an interrupted seeding is simply completed."""
        if self.is_done("seed"):
            return
        entries = [*self._frame(company), *_people(company), *_groups(company)]
        self._add("\n".join(entries))
        self.done("seed")

    def stop(self) -> None:
        self._process().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        if not answers(self.facts().get("port", 0)):
            return Health("down", f"{self._url} does not answer.")
        return Health("up", f"OpenLDAP at {self._url}")

    def connections(self) -> Connections:
        directory = {
            "conn_type": "landbridge_ldap",
            "host": self._url,
            "login": SERVICE,
            "password": self.secret("service_password"),
            "extra": {"base": BASE, "people": PEOPLE, "groups": GROUPS},
        }
        return {"directory": directory}

    def _process(self) -> Process:
        # -d keeps it in the foreground, under its supervisor.
        command: list[str | Path] = [_program("slapd"), "-h", self._url, "-F", self.home / "conf.d", "-d", "0"]
        return Process(self.home, self.name, command, user=unprivileged_user())

    def _configure(self) -> None:
        settings, data = self.home / "conf.d", self.home / "data"
        shutil.rmtree(settings, ignore_errors=True)
        for folder in (settings, data):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        text = self.configuration.format(
            base=BASE, people=PEOPLE, groups=GROUPS, admin=ADMIN, service=SERVICE, data=data,
            admin_hash=_hashed(self.secret("admin_password")),
        )  # fmt: skip
        packages.run([_program("slapadd"), "-n", "0", "-F", settings], what="configuring slapd", stdin=text)
        self.hand_over(settings)
        self.hand_over(data)

    def _frame(self, company: Company) -> Iterator[str]:
        organisation: Attributes = {"objectClass": ["dcObject", "organization"], "dc": "halbrueck", "o": company.name}
        yield _entry(BASE, organisation)
        for unit in ("people", "groups", "services"):
            yield _entry(f"ou={unit},{BASE}", {"objectClass": "organizationalUnit", "ou": unit})
        secret = _hashed(self.secret("service_password"))
        classes = ["organizationalRole", "simpleSecurityObject"]
        yield _entry(SERVICE, {"objectClass": classes, "cn": "landbridge", "userPassword": secret})

    def _add(self, entries: str) -> None:
        password = self.home / "admin.password"
        password.touch(0o600)
        password.write_text(self.secret("admin_password"))
        # -c goes on after an entry that is there already.
        command: list[str | Path] = ["ldapadd", "-c", "-x", "-H", self._url, "-D", ADMIN, "-y", password]
        packages.run(command, what="filling the directory", stdin=entries, allowed=(ALREADY_EXISTS,))
        password.unlink()


def _people(company: Company) -> Iterator[str]:
    for place, person in enumerate(company.people):
        yield _entry(person_dn(person), _person(company, person, with_photo=place % PHOTO_EVERY == 0))


def _person(company: Company, person: Person, *, with_photo: bool) -> Attributes:
    entry: Attributes = {
        "objectClass": "inetOrgPerson",
        "uid": person.user_name,
        "cn": person.full_name,
        "displayName": person.full_name,
        "givenName": person.given,
        "sn": person.family,
        "mail": person.email,
        "employeeNumber": person.number,
        "title": person.title,
        "departmentNumber": person.department,
        "telephoneNumber": person.phone,
        "mobile": person.mobile,
    }
    if person.manager:
        entry["manager"] = person_dn(company.by_number[person.manager])
    if with_photo:
        entry["jpegPhoto"] = portrait(person.user_name)
    return entry


def _groups(company: Company) -> Iterator[str]:
    for department in company.departments:
        yield _entry(f"cn={department.code},{GROUPS}", _group(company, department))


def _group(company: Company, department: Department) -> Attributes:
    members = [person_dn(person) for person in company.people if person.department == department.code]
    owner = person_dn(company.by_number[department.head])
    return {"objectClass": "groupOfNames", "cn": department.code, "description": department.name,
            "owner": owner, "member": members}  # fmt: skip


def person_dn(person: Person) -> str:
    return f"uid={person.user_name},{PEOPLE}"


def _entry(dn: str, attributes: Attributes) -> str:
    """LDIF (RFC 2849), every value in base64: then none has to be looked at."""
    lines = [f"dn:: {_base64(dn)}"]
    for name, value in attributes.items():
        lines.extend(f"{name}:: {_base64(each)}" for each in ([value] if isinstance(value, str | bytes) else value))
    return "\n".join(lines) + "\n"


def _base64(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _hashed(password: str) -> str:
    salt = os.urandom(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def _program(name: str) -> str:
    """Debian keeps them where an ordinary user's search path does not lead."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")
    if not found:
        raise SandboxError(f"{name} is not on this machine.", remedy="Install the Debian package slapd.")
    return found
