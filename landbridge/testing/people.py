"""Who is in a recording: people, by the fields that name them and by their addresses, each with a number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from landbridge.testing import pseudonyms

Part = Literal["full", "reversed", "given", "family", "login", "email"]

EMAIL = re.compile(r"[\w.+-]+(?:@|%40)(?:[\w-]+\.)+[\w-]*[^\W\d]")
_CALLED = re.compile(r"(?P<name>[^\W\d_][^<>@,;:\"\n]{1,60}?)\"?\s*<(?P<email>[^<>\s]+@[^<>\s]+)>")
_NAMELIKE = re.compile(r"[^\W\d_][^\W\d_'’.-]*(?: [^\W\d_][^\W\d_'’.-]*){0,4}")
_NO_NAME = re.compile(r"\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|https?://\S+|\S*\s.*[.!?]", re.DOTALL)
# A Matrix id, of an account, a room or an alias.
MATRIX_ID = re.compile(r"(?<![\w.])[@!#][\w.=/+-]+:(?:[\w-]+\.)+[A-Za-z][\w-]*")
_GENERIC = frozenset(
    "admin administrator root info support hr it office contact sales noreply no-reply postmaster webmaster api bot"
    " service system test user guest owner member landbridge".split()
)
# By the name of the field in small letters without anything else.
_ROLES: dict[str, Part] = {
    **dict.fromkeys(("givenname", "firstname", "given", "fname", "forename", "preferredname", "vorname"), "given"),
    **dict.fromkeys(("familyname", "lastname", "surname", "sn", "family", "lname", "middlename", "nachname"), "family"),
    **dict.fromkeys(("fullname", "realname", "realnamenormalized", "formatted", "authorname", "sendername", "gecos",
                     "displaynamenormalized", "recname", "fullname1"), "full"),
    **dict.fromkeys(("username", "login", "userlogin", "samaccountname", "uid", "nick", "nickname", "screenname",
                     "handle", "mailnickname", "userprincipalname", "loginname", "accountname"), "login"),
    **dict.fromkeys(("email", "mail", "emailaddress", "workemail", "homeemail", "personalemail"), "email"),
}  # fmt: skip
# Names of people where something else in the object says that it is one, and of channels and teams elsewhere.
_PERHAPS = frozenset({"name", "displayname", "cn"})
_SIGNS = frozenset(
    "avatar avatarurl photo photourl image24 image72 jobtitle mobile mobilephone workphone birthday dateofbirth hiredate"
    " employeenumber employeeid".split()
)
_PERSON = frozenset(
    "author user owner sender from creator createdby modifiedby updatedby lastmodifiedby lasteditedby assignee contact"
    " manager member person employee supervisor reporter actor profile lastmodifier organizer invitedby".split()
)
# Objects that hold more of the same person.
_INNER = frozenset("name profile party person attributes properties emailaddress user".split())


def part_of(key: str) -> Part | None:
    """Which part of a name a field of somebody holds, by its normal name."""
    return _ROLES.get(key) or ("full" if key in _PERHAPS else None)


class Token(NamedTuple):
    """Whom a text names, and by which part of the name."""

    person: int
    part: Part


def normal(key: object) -> str:
    """`first_name`, `firstName` and `First Name` are one field."""
    return "".join(character for character in str(key).lower() if character.isalnum())


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


class People:
    """Learns from data first, then tells; the order in which people are met is the order of their numbers."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self._met = 0

    def learn(self, data: Any, under: str = "") -> None:
        """All people of JSON data: objects that describe one, and every address in any text."""
        if isinstance(data, dict):
            self.described(data, under)
            for key, value in data.items():
                self.learn(str(key))
                self.learn(value, normal(key))
        elif isinstance(data, list):
            for one in data:
                self.learn(one, under)
        elif isinstance(data, str):
            self._of_text(data, under)

    def email(self, address: str) -> Token:
        """The person with this address, met here for the first time or known."""
        address = folded(address.replace("%40", "@"))
        return self.tokens.get(address) or self._meet([("email", address)])

    def described(self, data: dict[str, Any], under: str) -> Token | None:
        """Whom an object describes; `under` is the name of the field that holds it."""
        said = list(_said(data, corroborated=under in _PERSON))
        parts = {part for part, _ in said}
        return self._meet(said) if parts & {"full", "login", "email"} or parts >= {"given", "family"} else None

    def _of_text(self, text: str, under: str) -> None:
        for found in _CALLED.finditer(text):
            self._meet([("full", found["name"]), ("email", found["email"])])
        for address in EMAIL.findall(text):
            self.email(address)
        for account in MATRIX_ID.findall(text):
            if account.startswith("@"):
                self._meet([("login", account)])
        if under in _PERSON and _NAMELIKE.fullmatch(text) and "@" not in text:
            self._meet([("full", text) if " " in text or text[0].isupper() else ("login", text)])

    def _meet(self, said: list[tuple[Part, str]]) -> Token:
        """One person described by these parts; whoever shares a whole name, a login or an address is the same."""
        given = next((text for part, text in said if part == "given"), "")
        family = next((text for part, text in said if part == "family"), "")
        if given and family:
            said = [*said, ("full", f"{given} {family}")]
        known = sorted({self.tokens[name].person for one in said for name in _whole(*one) if name in self.tokens})
        person = known[0] if known else self._met
        self._met += not known
        for other in known[1:]:
            self.tokens = {
                name: Token(person, one.part) if one.person == other else one for name, one in self.tokens.items()
            }
        for part, text in said:
            for name, kind in _forms(part, text):
                if len(name) > 1 and any(map(str.isalnum, name)):
                    self.tokens.setdefault(name, Token(person, kind))
        return Token(person, said[0][0])


def _said(data: dict[str, Any], *, corroborated: bool) -> Iterator[tuple[Part, str]]:
    """What an object, with those inside that speak of the same person, says of somebody."""
    sure: list[tuple[Part, str]] = []
    perhaps: list[tuple[Part, str]] = []
    signs = corroborated
    for holder in (data, *(value for key, value in data.items() if normal(key) in _INNER and isinstance(value, dict))):
        for key, value in holder.items():
            if key.startswith(("__", "@")):  # of the format, not of the person
                continue
            key = normal(key)
            signs = signs or key in _SIGNS
            for text in value if isinstance(value, list) else (value,):
                if isinstance(text, str) and text.strip() and not _NO_NAME.fullmatch(text.strip()):
                    if part := _ROLES.get(key):
                        sure.append((_written(part, text), text))
                    elif key in _PERHAPS:
                        perhaps.append((_written("full", text), text))
    yield from sure
    if sure or signs:
        yield from perhaps


def _written(part: Part, text: str) -> Part:
    """Some systems hold an address or an account's whole id where others hold a name."""
    return "email" if EMAIL.fullmatch(text) else "login" if MATRIX_ID.fullmatch(text) else part


def _whole(part: Part, text: str) -> Iterator[str]:
    """The texts by which a person is recognised; none for a part that many share."""
    if part in ("full", "login", "email"):
        yield from (name for name, kind in _forms(part, text) if kind in ("full", "login", "email"))


def _forms(part: Part, text: str) -> Iterator[tuple[str, Part]]:
    """A part of somebody's name in all the ways in which it may stand somewhere."""
    text = folded(text)
    if part == "email":
        yield text, "email"
        part, text = "login", text.partition("@")[0]
    if part == "login":
        text = text.removeprefix("@").partition(":")[0]  # of a Matrix id the part that names somebody
        if len(text) > 1 and text not in _GENERIC and not text.isdecimal():
            yield text, "login"
        return
    if part in ("given", "family"):
        for one in {text, pseudonyms.spelled(text)}:
            if len(one) > 1:
                yield one, part
        return
    yield text, "full"
    words = [one for one in re.split(r"[\s,]+", text) if len(one) > 1 and not one.endswith(".")]
    if len(words) > 1:
        first, last = (words[-1], words[0]) if "," in text else (words[0], words[-1])
        yield f"{first} {last}", "full"
        yield f"{last} {first}", "reversed"
        yield f"{last}, {first}", "reversed"
        for form in (pseudonyms.spelled(f"{first}.{last}"), pseudonyms.spelled(f"{first}{last}")):
            yield form, "login"
        yield first, "given"
        for one in words:
            yield one, "given" if one == first else "family"
