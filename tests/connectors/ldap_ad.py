"""An Active Directory of a few entries, after what Microsoft publishes (MS-ADTS); no real one could be tried.

It speaks LDAP over a socket: bind, search with filters, DirSync, values by ranges, modify, rename, add, delete.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

from tests.connectors.ldap_wire import serving, split

ROOT = "DC=halbrueck,DC=example"
PEOPLE = f"OU=Staff,{ROOT}"
DIRSYNC, PAGED = "1.2.840.113556.1.4.841", "1.2.840.113556.1.4.319"
AT_ONCE = 3  # changes told, and values of members, in one answer
SUCCESS, NO_SUCH_OBJECT, FORBIDDEN, UNWILLING = 0, 32, 50, 53
Entry = dict[str, list[bytes]]
Node = tuple[int, Any]


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes([len(body)]) if len(body) < 128 else b"\x83" + len(body).to_bytes(3, "big")
    return bytes([tag]) + size + body


def text(value: str | bytes) -> bytes:
    return tlv(0x04, value.encode() if isinstance(value, str) else value)


def number(value: int, tag: int = 0x02) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def nodes(data: bytes) -> list[Node]:
    """Tags with their contents, constructed ones taken apart."""
    found = []
    while data:
        tag, size, start = data[0], data[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[2:start], "big")
        body, data = data[start : start + size], data[start + size :]
        found.append((tag, nodes(body) if tag & 0x20 else body))
    return found


class ActiveDirectory:
    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.changed: dict[bytes, int] = {}
        self.deleted: set[bytes] = set()
        self.usn = 0
        self.forbidden = self.no_control = False
        # It answers as if nobody had ever asked for what follows.
        self.turning = False

    # What somebody does who works in it

    def add(self, dn: str, **attributes: bytes | list[bytes]) -> str:
        guid = uuid4()
        given = {name: value if isinstance(value, list) else [value] for name, value in attributes.items()}
        self.entries[dn] = {"objectGUID": [guid.bytes_le], "distinguishedName": [dn.encode()], **given}
        self.touch(dn)
        return str(guid)

    def user(self, name: str, place: str = PEOPLE, **attributes: bytes) -> str:
        fixed = {"objectClass": [b"user"], "objectCategory": b"person", "cn": name.encode(), "sn": name.encode()}
        account: dict[str, Any] = {"sAMAccountName": name.lower().encode(), "userAccountControl": b"66048"}
        return self.add(f"CN={name},{place}", **fixed | account | attributes)

    def set(self, dn: str, **attributes: bytes) -> None:
        self.entries[dn] |= {name: [value] for name, value in attributes.items()}
        self.touch(dn)

    def move(self, dn: str, to: str) -> None:
        self.entries[to] = self.entries.pop(dn) | {"distinguishedName": [to.encode()]}
        self.touch(to)

    def delete(self, dn: str) -> None:
        (guid,) = self.entries[dn]["objectGUID"]
        self.touch(dn)
        self.deleted.add(guid)
        del self.entries[dn]

    def touch(self, dn: str) -> None:
        self.usn += 1
        self.changed[self.entries[dn]["objectGUID"][0]] = self.usn

    # What it answers

    def handle(self, client: socket.socket, _: int) -> None:
        with client, suppress(OSError):
            rest = b""
            while data := client.recv(65536):
                requests, rest = split(rest + data)
                for message, raw in requests:
                    for tag, body, *controls in self.answer(nodes(raw)[0][1]):
                        client.sendall(tlv(0x30, number(message), tlv(tag, body), *controls))

    def answer(self, message: list[Node]) -> Iterator[tuple[Any, ...]]:
        _, (tag, body), *rest = message
        controls = {part[0][1].decode(): part[-1][1] for _, part in rest[0][1]} if rest else {}
        work: dict[int, tuple[int, Callable[[Any], int]]] = {
            0x60: (0x61, lambda body: SUCCESS), 0x66: (0x67, self._modify), 0x68: (0x69, self._create),
            0x6C: (0x6D, self._rename), 0x4A: (0x6B, self._remove),
        }  # fmt: skip
        if tag == 0x63:
            yield from self._search(body, controls)
        elif tag in work:
            yield work[tag][0], _result(work[tag][1](body))

    def _search(self, body: list[Node], controls: dict[str, bytes]) -> Iterator[tuple[Any, ...]]:
        base, scope, condition = body[0][1].decode(), body[1][1][0], body[6]
        wanted = [name.decode() for _, name in body[7][1]]
        if DIRSYNC in controls:
            yield from self._changes(controls[DIRSYNC])
            return
        places = [dn for dn in self.entries if dn == base or (scope == 2 and dn.endswith(f",{base}"))]
        for dn in places:
            if _fits(self.entries[dn], condition):
                yield 0x64, _entry(dn, _ranged(self.entries[dn], wanted))
        yield 0x73, text("ldap://elsewhere.example/DC=elsewhere")
        page = tlv(0xA0, tlv(0x30, text(PAGED), text(tlv(0x30, number(0), text("again" if self.turning else "")))))
        known = places or base == ROOT or any(dn.endswith(f",{base}") for dn in self.entries)
        yield 0x65, _result(SUCCESS if known else NO_SUCH_OBJECT), *([page] if PAGED in controls else [])

    def _changes(self, value: bytes) -> Iterator[tuple[Any, ...]]:
        """Of each entry only that it has changed, its name and its key."""
        ((_, (_, _, (_, cookie))),) = nodes(value)
        if self.forbidden or (cookie and not cookie.startswith(b"MSDS")):
            yield 0x65, _result(FORBIDDEN if self.forbidden else UNWILLING)
            return
        after = 0 if self.turning else int(cookie.removeprefix(b"MSDS") or 0)
        news = sorted((usn, guid) for guid, usn in self.changed.items() if usn > after)
        for _, guid in news[:AT_ONCE]:
            gone = {"isDeleted": [b"TRUE"]} if guid in self.deleted else {}
            dn = next(
                (dn for dn, entry in self.entries.items() if entry["objectGUID"] == [guid]), f"CN=x\\0ADEL,{ROOT}"
            )
            yield 0x64, _entry(dn, {"objectGUID": [guid], "name": [b"x"], **gone})
        last = news[:AT_ONCE][-1][0] if news else after
        told = tlv(0x30, number(int(len(news) > AT_ONCE)), number(0), text(b"MSDS%d" % last))
        answer = [] if self.no_control else [tlv(0xA0, tlv(0x30, text(DIRSYNC), text(told)))]
        yield 0x65, _result(SUCCESS), *answer

    def _modify(self, body: list[Node]) -> int:
        dn = body[0][1].decode()
        for _, ((_, kind), (_, ((_, name), (_, values)))) in body[1][1]:
            given, held = [value for _, value in values], self.entries[dn].get(name.decode(), [])
            new = {0: held + given, 1: [value for value in held if given and value not in given], 2: given}[kind[0]]
            self.entries[dn][name.decode()] = new
        self.touch(dn)
        return SUCCESS

    def _create(self, body: list[Node]) -> int:
        given = {name.decode(): [value for _, value in values] for _, ((_, name), (_, values)) in body[1][1]}
        self.add(body[0][1].decode(), **given)
        return SUCCESS

    def _rename(self, body: list[Node]) -> int:
        dn, rdn = body[0][1].decode(), body[1][1].decode()
        self.move(dn, f"{rdn},{dn.partition(',')[2]}")
        self.entries[f"{rdn},{dn.partition(',')[2]}"]["cn"] = [rdn.partition("=")[2].encode()]
        return SUCCESS

    def _remove(self, body: bytes) -> int:
        self.delete(body.decode())
        return SUCCESS


def _result(code: int) -> bytes:
    return number(code, 0x0A) + text("") + text("")


def _entry(dn: str, attributes: Entry) -> bytes:
    listed = (tlv(0x30, text(name), tlv(0x31, *map(text, values))) for name, values in attributes.items())
    return text(dn) + tlv(0x30, *listed)


def _ranged(entry: Entry, wanted: list[str]) -> Entry:
    """What was asked for; of many values the first, and from where the others can be had."""
    found: Entry = {}
    for asked in wanted:
        name, _, part = asked.partition(";range=")
        values, start = entry.get(name, []), int(part.partition("-")[0] or 0)
        if len(values) > AT_ONCE:
            some = values[start : start + AT_ONCE]
            last = "*" if start + len(some) >= len(values) else start + len(some) - 1
            found[f"{name};range={start}-{last}"] = some
        elif values:
            found[name] = values
    return found


def _fits(entry: Entry, condition: Node) -> bool:
    tag, parts = condition
    match tag:
        case 0xA0:
            return all(_fits(entry, part) for part in parts)
        case 0xA1:
            return any(_fits(entry, part) for part in parts)
        case 0x87:
            return parts == b"objectClass" or parts.decode() in entry
    (_, name), (_, value) = parts
    return value.lower() in [each.lower() for each in entry.get(name.decode(), [])]


@contextmanager
def running(directory: ActiveDirectory) -> Iterator[str]:
    with serving(directory.handle) as address:
        yield address


def guid_of(directory: ActiveDirectory, dn: str) -> str:
    return str(UUID(bytes_le=directory.entries[dn]["objectGUID"][0]))
