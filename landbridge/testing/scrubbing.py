"""Makes of real exchanges such as may stand in a repository: no people, no secrets, and still the same shape.

Everything is replaced by value, so what was equal stays equal: an id that is an address, a position in a list that the
next request repeats, a name in a text. Prose is replaced word by word, since a name in it may stand nowhere else.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from landbridge.testing import pseudonyms
from landbridge.testing.people import EMAIL, Part, People, Token, folded, normal, part_of

# Where the system itself is; a replay puts its own address in place.
SYSTEM = "system.example"
_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|token|apikey|authorization|cookie|session|signature|credential|privatekey|accesskey"
    r"|assertion|jwt|bearer|csrf|nonce|^otp$|^pin$|^sig$|^sas$|^key$|^code$|webhook"
)
# Where tokens are issued is no token.
_ISSUER = re.compile(r"token(url|uri|endpoint|address)$")
_PHONE_FIELD = re.compile(r"phone|mobile|^tel|^fax|faxnumber|^cell|msisdn|pager")
_PRIVATE = re.compile(
    r"street|^address$|postaladdress|^city$|^zip|postalcode|postcode|birth|iban|^bic$|salary|compensation|^pay|wage"
    r"|^ssn|taxid|nationality|gender|marital|religion|disab|insurance|passport|licen[cs]e|emergency|latitude|longitude"
)
# Words of the product, not of its people.
_STRUCTURE = re.compile(
    r"type|kind|status|state|role|stage|priority|object|format|mode|method|visibility|^op$|locale|language|timezone|^tz"
    r"|schema|markup|permission|capabilit|scope|subtype|archetype|algorithm|currency|country"
)
_TEXT_FIELD = re.compile(
    r"text|body|content|message|description|comment|note|summary|subject|topic|html|raw|bio|purpose"
)
_NOT_PROSE = re.compile(r"[A-Z][a-z]{2}, \d.*|\d{4}-\d\d-\d\d.*|[\w.+-]+/[\w.+-]+(;.*)?")
_SLUG = re.compile(r"(?![0-9a-f]{8}-)[a-z0-9]+(?:-[a-z0-9]+){2,}")
_IDENTIFIER = re.compile(r"\d+|[\w-]*\d[\w-]{15,}|[0-9a-fA-F-]{36}|https?:.*")
# Positions in a list may hold anything, encoded.
_POSITION = re.compile(r"cursor|^next|^after$|^before$|pagetoken|skiptoken|deltatoken|continu|bookmark|offset")
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ID = re.compile(rf"\d+|{_UUID}")
_ENTITY = re.compile(r"&(?:[A-Za-z]+|#\d+|#x[0-9a-fA-F]+);")
# Where a host is one for sure; then it is found without anything before it, too.
_HOST = re.compile(
    r"(?:https?://(?:[^/@\s]*@)?|(?<![\w.])[@!#][\w.=/+-]+:|@(?![\w.=/+-]+:[\w-]+\.))((?:[\w-]+\.)+[A-Za-z][\w-]*)"
)
_WORD = re.compile(r"[^\W\d_]+|\d{5,}")
_TEXTUAL_ATTRIBUTE = re.compile(r"\b(alt|title|aria-label|content|summary)=(\"[^\"]*\"|'[^']*')")
_PATTERNS = (
    ("kept", rf"{_UUID}|:[a-z0-9_+-]+:|&[A-Za-z]+;|&#\w+;"),
    ("url", r"https?://[^\s\"'<>\\)\]}]+"),
    ("email", EMAIL.pattern),
    ("secret", r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|xox[a-z]-[\w-]+|xapp-[\w-]+|gh[opusr]_\w+|glpat-[\w-]+|[sr]k_(?:live|test)_\w+"
     r"|AKIA\w{12,}|(?<=Bearer )\S+|(?<=Basic )\S+|-----BEGIN[^-]+-----[\s\S]*?-----END[^-]+-----"),
    ("phone", r"(?<![\w.+-])(?:\+\d[\d ()/.-]{6,18}\d|\(0?\d{2,5}\)[ -]?\d[\d -]{4,12}\d|0\d{1,4}[ /-]\d[\d -]{4,12}\d"
     r"|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w.])"),
    ("address", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),
    ("opaque", r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{20,}={0,2}(?![\w-])"),
)  # fmt: skip


class Scrubber:
    """Scrubs what it is given after it has learned who and what is in all of it.

    `secrets` are values that must not be seen wherever they stand, such as those of the connection; `host` is the
    system's own. With `keep_people` only secrets are replaced: for systems that hold invented people.
    """

    def __init__(self, secrets: Collection[str] = (), host: str = "", *, keep_people: bool = False) -> None:
        self.people = People()
        self._keep_people = keep_people
        self._host = host.lower()
        self._known = {secret for secret in secrets if len(secret) > 3}
        self._hosts: dict[str, str] = {self._host: SYSTEM} if host else {}
        self._numbers: dict[str, int] = {}
        self._words: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, data: Any) -> None:
        """Before anything is scrubbed, all that will be: JSON data."""
        if not self._keep_people:
            self.people.learn(data)
        self._learn_known(data)
        self._pattern = None

    def _learn_known(self, data: Any, key: str = "") -> None:
        if isinstance(data, dict):
            for name, value in data.items():
                self._learn_known(value, normal(name))
        elif isinstance(data, list):
            for value in data:
                self._learn_known(value, key)
        elif isinstance(data, str):
            if _is_secret(key, data):
                self._known.add(data)
            for host in _HOST.findall(data):
                self._domain(host)

    def data(self, data: Any, key: str = "", *, asked: bool = False, private: bool = False) -> Any:
        """JSON data in the same shape; `key` names the field that holds it. What is `asked` of a system is no prose."""
        if isinstance(data, dict):
            return self._object(data, key, asked, private)
        if isinstance(data, list):
            return [self.data(one, key, asked=asked, private=private) for one in data]
        if isinstance(data, str):
            return self._field(data, key, asked, private)
        if not isinstance(data, bool) and isinstance(data, int | float) and self._hides(key, private):
            return type(data)(self._shaped(f"{data:f}" if isinstance(data, float) else str(data)))
        return data

    def _object(self, data: dict[str, Any], key: str, asked: bool, private: bool) -> dict[str, Any]:
        somebody = None if self._keep_people else self.people.described(data, key)
        found = {}
        for name, value in data.items():
            field = normal(name)
            inside = private or bool(not self._keep_people and _PRIVATE.search(field))
            part = part_of(field) if somebody else None
            if somebody and part and isinstance(value, str):
                value = self._names(somebody, part, value)
            elif somebody and part and isinstance(value, list) and all(isinstance(one, str) for one in value):
                value = [self._names(somebody, part, one) for one in value]
            else:
                value = self.data(value, field, asked=asked, private=inside)
            found[self.text(name)] = value
        return found

    def _names(self, somebody: Token, part: Part, text: str) -> str:
        """What a field of somebody calls them: a nickname and an id too are of this very person."""
        if not text.strip() or set(text) & set("@:/\\") or _IDENTIFIER.fullmatch(text):
            return self.text(text)
        known = self.people.tokens.get(folded(text))
        if known and known.person == somebody.person:
            part = known.part
        if part == "full" and " " not in text:
            part = "login" if text.islower() else "given"
        return self._called(Token(somebody.person, part), text)

    def _hides(self, key: str, private: bool) -> bool:
        return not self._keep_people and (private or bool(_PHONE_FIELD.search(key)))

    def _field(self, text: str, key: str, asked: bool, private: bool) -> str:
        text = unicodedata.normalize("NFC", text)
        if _is_secret(key, text):
            return self._shaped(text)
        if self._hides(key, private) and not EMAIL.search(text):
            return self._phone(text) if _PHONE_FIELD.search(key) else self._shaped(text)
        if not asked and not self._keep_people:
            if _is_prose(key, text):
                return self.prose(text)
            if _SLUG.fullmatch(text) and not _STRUCTURE.search(key):
                return self._slug(text)
        return self.text(text)

    def text(self, text: str, *, path: bool = False) -> str:
        """A text that is no prose: what names somebody or opens something is replaced, the rest stays."""
        return self._finder.sub(lambda found: self._instead(found, path), text)

    def prose(self, text: str) -> str:
        """Markup, links and numbers of few digits stay; every word becomes another, the same for the same."""
        text = _ENTITY.sub(lambda found: one if (one := html.unescape(found[0])).isalpha() else found[0], text)
        parts = re.split(r"(<!--[\s\S]*?-->|<[^<>]*>)", unicodedata.normalize("NFC", text))
        return "".join(self._tag(part) if at % 2 else self._sentences(part) for at, part in enumerate(parts))

    def _tag(self, tag: str) -> str:
        """Of a tag's attributes only those that people write are prose."""

        def attribute(found: re.Match[str]) -> str:
            return f"{found[1]}={found[2][0]}{self.prose(found[2][1:-1])}{found[2][0]}"

        return self.text(_TEXTUAL_ATTRIBUTE.sub(attribute, tag))

    def _sentences(self, text: str) -> str:
        done, at = [], 0
        for found in self._finder.finditer(text):
            done += [self._filled(text[at : found.start()]), self._instead(found, False)]
            at = found.end()
        return "".join([*done, self._filled(text[at:])])

    def _filled(self, text: str) -> str:
        return _WORD.sub(lambda found: self._shaped(found[0]) if found[0].isdecimal() else self._word(found[0]), text)

    def _word(self, word: str) -> str:
        return pseudonyms.word(self._words.setdefault(folded(word), len(self._words)), word)

    def _slug(self, text: str) -> str:
        return re.sub(r"[a-z]+", lambda found: self._word(found[0]), self.text(text))

    @property
    def _finder(self) -> re.Pattern[str]:
        """All that is looked for; made anew when more was learned."""
        if self._pattern is None:
            names = [re.escape(one) for one in sorted(self._known, key=len, reverse=True)]
            known = [("known", "|".join(names))] if names else []
            groups = [
                *known,
                *(one for one in _PATTERNS if not self._keep_people or one[0] in ("secret", "url", "kept")),
            ]
            if tokens := sorted(self.people.tokens, key=len, reverse=True):
                groups.append(("name", rf"(?<!\w)(?:{'|'.join(re.escape(one) for one in tokens)})(?!\w)"))
            if hosts := sorted(self._hosts, key=len, reverse=True):
                groups.append(("host", rf"(?<![\w.-])(?:{'|'.join(re.escape(one) for one in hosts)})(?![\w-])"))
            self._pattern = re.compile("|".join(f"(?P<{name}>{one})" for name, one in groups), re.IGNORECASE)
        return self._pattern

    def _instead(self, found: re.Match[str], path: bool) -> str:
        text = found[0]
        match found.lastgroup:
            case "url":
                return self.url(text)
            case "email":
                return self._called(self.people.email(text), text)
            case "phone":
                return self._phone(text)
            case "address":
                return f"192.0.2.{1 + self._number(text) % 254}"
            case "name":
                return self._called(self.people.tokens[folded(text)], text)
            case "host":
                return self._domain(text)
            case "kept":
                named = self.people.tokens.get(folded(text.strip(":")))
                return f":{self._called(named, text.strip(':'))}:" if named else text
            case "opaque" if _holds_ids(text):
                return text
            case _:
                return self._shaped(text)

    def url(self, url: str, *, asked: bool = False) -> str:
        """An address: its host, and what in its path and query names somebody or opens something."""
        parts = urlsplit(url)
        steps = [self._step(unquote(step), asked) for step in parts.path.split("/")]
        query = [(name, self._field(value, normal(name), True, False)) for name, value in parse_qsl(parts.query, True)]
        encoded = urlencode(query) if query else self.text(parts.query)
        host = self._domain(parts.hostname or "") if parts.netloc else ""
        return urlunsplit((parts.scheme, host, "/".join(steps), encoded, self.text(parts.fragment)))

    def _step(self, step: str, asked: bool) -> str:
        slug = not asked and not self._keep_people and _SLUG.fullmatch(step)
        return quote(self._slug(step) if slug else self.text(step), safe="@:!$&'()*+,;=~{}")

    def _domain(self, host: str) -> str:
        host = host.lower()
        if self._keep_people and host != self._host:
            return host
        others = len(set(self._hosts.values()) - {SYSTEM})
        if host not in self._hosts:
            self._hosts[host] = f"company{others + 1 if others else ''}.example"
            self._pattern = None
        return self._hosts[host]

    def _called(self, token: Token, like: str) -> str:
        """The pseudonym in the form in which the person is named here."""
        given, family = pseudonyms.name(token.person)
        match token.part:
            case "email":
                domain = self._domain(like.replace("%40", "@").rpartition("@")[2])
                return f"{pseudonyms.login(token.person)}{'%40' if '%40' in like else '@'}{domain}"
            case "login":
                return pseudonyms.login(token.person)
            case "given" | "family" as part:
                found = given if part == "given" else family
            case "full" if " " not in like:  # an id may be part of a longer one, in which no blank may stand
                return pseudonyms.login(token.person) if like.islower() else given
            case "reversed":
                found = f"{family}{',' if ',' in like else ''} {given}"
            case _:
                found = f"{family}, {given}" if "," in like else f"{given} {family}"
        return found.lower() if like.islower() else found.upper() if like.isupper() and len(like) > 2 else found

    def _phone(self, text: str) -> str:
        """The same number however it is written becomes the same number."""
        digits = iter(self._shaped(re.sub(r"\D", "", text)))
        return re.sub(r"\d", lambda _: next(digits), text)

    def _shaped(self, text: str) -> str:
        return pseudonyms.shaped(text, self._number(text))

    def _number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def left(self, text: str) -> list[str]:
        """What must not be in a scrubbed text and is: secrets, addresses and whole names, each as its kind."""
        invented = {folded(" ".join(pseudonyms.name(one.person))) for one in self.people.tokens.values()}
        names = {
            name: one.part
            for name, one in self.people.tokens.items()
            if one.part in ("full", "email") and name not in invented and len(name) > 5 and (" " in name or "@" in name)
        }
        low = folded(text)
        return [*("secret" for one in self._known if len(one) > 7 and one in text), *(
            part for name, part in names.items() if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", low)
        )]  # fmt: skip


def _holds_ids(text: str) -> bool:
    """Is it an id that holds another one, as JSON, and nothing else? Connectors read them."""
    try:
        held = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return False
    return isinstance(held, dict) and all(_is_id(normal(name), one) for name, one in held.items())


def _is_id(key: str, value: Any) -> bool:
    """Or what it is an id of."""
    if any(named.search(key) for named in (_SECRET, _PHONE_FIELD, _PRIVATE)):
        return False
    if not isinstance(value, str):
        return isinstance(value, int)
    return bool(_ID.fullmatch(value) or (_STRUCTURE.search(key) and value.isalpha()))


def _is_secret(key: str, text: str) -> bool:
    """By the name of the field; `token_type: Bearer` and `code: "42"` are none, a position in a list counts as one."""
    if _ISSUER.search(key) and "://" in text:
        return False
    hidden = _SECRET.search(key) or (_POSITION.search(key) and "/" not in text and " " not in text)
    return bool(len(text) > 5 and not key.endswith("type") and hidden) and not EMAIL.fullmatch(text)


def _is_prose(key: str, text: str) -> bool:
    if _STRUCTURE.search(key) or _NOT_PROSE.fullmatch(text):
        return False
    words = sum(any(map(str.isalpha, word)) for word in text.split())
    return words > 1 or (words == 1 and bool(_TEXT_FIELD.search(key)) and not _SLUG.fullmatch(text))
