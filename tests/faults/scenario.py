"""A company at rest, what its people then do on all sides, and what must be seen everywhere at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from landbridge.connector import Connection
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Company, load_company
from landbridge.testing.kept import KeptMemory
from tests.sync.conftest import HOME, World, account, staff

Seen = dict[str, Any]


def _company() -> Company:
    company = load_company(HOME)
    # One at a time, so that the boundaries come in the same order each time.
    alone = {
        name: replace(one, config=one.config.model_copy(update={"workers": 1})) for name, one in company.systems.items()
    }
    return replace(company, systems=alone)


@contextmanager
def opened(url: str, folder: str) -> Iterator[World]:
    """The company as a new process finds it: its hub, and systems that have kept what they were told."""

    def no_connection(name: str) -> Connection:
        raise AssertionError(name)

    company, hub = _company(), Hub(url)
    bridge = Bridge(company, hub, no_connection)
    world = World(bridge, {name: KeptMemory(name, Path(folder)) for name in company.systems})
    for name, system in world.systems.items():
        system.open_file = bridge.open_file
        bridge._connectors[name] = system
    try:
        yield world
    finally:
        hub.close()


def at_rest(url: str, folder: str) -> None:
    """Staff, posts with comments and replies, a deal and an answered question, all of it everywhere."""
    with opened(url, folder) as world:
        staff(world)
        world.run("people")
        author = account(world, "intranet", "anna")
        for key, title in (("p1", "New printer"), ("p2", "Old printer")):
            post = {"title": title, "body": "It prints.", "author": author, "state": "published", "category": "it"}
            world.intranet.put("posts", id=key, **post)
        team = world.crm.put("groups", id="g", name="Sales", code="sales")
        owner = world.crm.put("people", id="o", number="1", login="anna", mail="anna@example.org", active=True)
        world.crm.put("cases", id="c", number="7", subject="Big deal", status="open", owner=owner, team=team)
        ask = world.chat.put("messages", id="q", room="!help", author="@bert", text="How?", at="2026-01-02T09:00:00Z")
        world.chat.put(
            "messages", id="a", room="!help", thread=ask, author="@bert", text="So.", at="2026-01-02T09:05:00Z"
        )
        world.run()
        roots = announcements(world)
        for key, minute in (("r1", 1), ("r2", 2), ("r3", 3)):
            reply = {"author": "@bert", "text": f"reply {key}", "at": f"2026-01-02T10:0{minute}:00Z"}
            world.chat.put(
                "messages", id=key, room=roots["New printer"]["room"], thread=roots["New printer"]["id"], **reply
            )
        for key, minute in (("k1", 1), ("k2", 2)):
            comment = {"author": author, "text": f"comment {key}", "at": f"2026-01-02T11:0{minute}:00Z"}
            world.intranet.put("comments", id=key, post="p2", **comment)
        world.quiet()


def announcements(world: World) -> dict[str, Any]:
    """The chat's copy of each post, by title."""
    found = [one for one in world.chat.all("messages") if one["text"].startswith("**")]
    return {one["text"].partition("**")[2].partition("**")[0]: one for one in found}


def people_act(url: str, folder: str) -> None:
    """One day: hired, left, moved, renamed; written, answered, edited and deleted on either side."""
    with opened(url, folder) as world:
        _hr(world)
        _news(world)
        world.crm.put("cases", id="c", status="won")
        room = next(one["id"] for one in world.chat.all("rooms") if one["alias"] == "case-7")
        anna = account(world, "chat", "anna")
        pinned = {"author": anna, "text": "They sign", "at": "2026-01-03T10:00:00Z", "reactions": {"📌": [anna]}}
        world.chat.put("messages", id="n1", room=room, **pinned)
        world.crm.put("notes", id="n2", case="c", author="o", text="Called them", at="2026-01-03T11:00:00Z")
        world.chat.put("messages", id="a", reactions={"✅": ["@bert"]})


def _hr(world: World) -> None:
    sales, it = (one["id"] for one in world.hr.all("groups"))
    for number, login in (("4", "dora"), ("5", "emil")):
        named = {"login": login, "given": login.title(), "family": "New", "mail": f"{login}@example.org"}
        world.hr.put("people", id=number, number=number, dept=it, active=True, **named)
    world.hr.put("people", id="1", family="Meier")
    world.hr.put("people", id="2", dept=sales)
    world.hr.put("people", id="3", active=False)


def _news(world: World) -> None:
    author, root = account(world, "intranet", "anna"), announcements(world)["New printer"]
    world.intranet.put("posts", id="p1", body="It prints in colour.")
    world.intranet.put("posts", id="p2", state="draft")
    world.intranet.put("posts", id="p3", title="Third", body="!", author=author, state="published", category="it")
    for key, minute in (("k7", 7), ("k5", 5), ("k6", 6)):
        world.intranet.put("comments", id=key, post="p3", guest="Eve", text=key, at=f"2026-01-03T10:0{minute}:00Z")
    world.intranet.put("comments", id="k4", post="p1", author=author, text="Where?", at="2026-01-03T10:00:00Z")
    for key, minute in (("r4", 4), ("r5", 5)):
        reply = {"author": "@bert", "text": f"reply {key}", "at": f"2026-01-03T10:0{minute}:00Z"}
        world.chat.put("messages", id=key, room=root["room"], thread=root["id"], **reply)
    world.chat.put("messages", id="r1", text="reply r1, edited")
    world.chat.drop("messages", "r2")
    copy = next(one["id"] for one in world.intranet.all("comments") if one["text"] == "reply r3")
    world.intranet.put("comments", id=copy, text="reply r3, edited at the copy")


def landbridge_runs(url: str, folder: str) -> None:
    """All flows once, as the scheduler has them run."""
    with opened(url, folder) as world:
        world.run()


def comes_to_rest(url: str, folder: str) -> None:
    """Runs until one has nothing to write."""
    with opened(url, folder) as world:
        for _ in range(6):
            before = sum(len(system.calls) for system in world.systems.values())
            reports = world.run()
            if sum(len(system.calls) for system in world.systems.values()) == before:
                return
        raise AssertionError({name: report.as_dict() for name, report in reports.items()})


def seen(url: str, folder: str) -> Seen:
    """What people see in every system, without the keys that systems have given."""
    with opened(url, folder) as world:
        return {
            "people": {name: _people(world, name) for name in ("chat", "intranet")},
            "rooms": _rooms(world),
            "said": _said(world),
            "comments": _under(world, "intranet", "comments", "post"),
            "posts": sorted((one["title"], one["body"], one["state"]) for one in world.intranet.all("posts")),
            "notes": sorted(one["text"] for one in world.crm.all("notes")),
            "pages": sorted((one["title"], one["body"]) for one in world.wiki.all("pages")),
            "cases": [(one["number"], one["status"]) for one in world.crm.all("cases")],
        }


def _people(world: World, system: str) -> list[Any]:
    found = world.systems[system].all("people")
    return sorted((one["login"], one.get("family"), one.get("active") is not False) for one in found)


def _rooms(world: World) -> dict[str, Any]:
    logins = {one["id"]: one["login"] for one in world.chat.all("people")}
    members: dict[str, list[str]] = {}
    for one in world.chat.all("memberships"):
        members.setdefault(one["room"], []).append(logins[one["user"]])
    rooms = sorted(world.chat.all("rooms"), key=lambda one: str(one["alias"]))
    return {
        str(n): (one["alias"], one.get("archived"), sorted(members.get(one["id"], []))) for n, one in enumerate(rooms)
    }


def _said(world: World) -> dict[str, list[Any]]:
    """Per room its messages in the order in which they arrived, each with what it answers.

    What a case has come to is told at once, also while the notes about it cannot be read: it counts as said last.
    """
    aliases = {one["id"]: one["alias"] for one in world.chat.all("rooms")}
    logins = {one["id"]: one["login"] for one in world.chat.all("people")}
    texts = {one["id"]: one["text"] for one in world.chat.all("messages")}
    said: dict[str, list[Any]] = {}
    for one in world.chat.all("messages"):
        told = (logins.get(one.get("author")), texts.get(one.get("thread")), one["text"])
        said.setdefault(aliases[one["room"]], []).append(told)
    return {room: sorted(told, key=lambda one: one[2].startswith("Status:")) for room, told in said.items()}


def _under(world: World, system: str, stream: str, parent: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in world.systems[system].all(stream):
        found.setdefault(one[parent], []).append(one["text"])
    return found
