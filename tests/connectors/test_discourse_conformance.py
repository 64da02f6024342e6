"""Discourse against the conformance suite, on the emulator of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.discourse.connector import Discourse
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing import faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox.emulators import discourse as module
from sandbox.emulators import discourse_groups
from sandbox.emulators.base import serving
from sandbox.emulators.discourse import Discourse as Forum

KEY = "key-conformance-0123456789"


class DiscourseHarness(Harness):
    connector = Discourse
    mappings = Path(__file__).parents[2] / "mappings"
    many: ClassVar[int] = 8
    exempt: ClassVar[dict[str, str]] = {
        "expired_cursor": "a cursor is a place among the posts, Discourse itself expires none",
        "categories.paging": "all categories come with one answer",
        "memberships": "a membership holds no text by which the suite could know it: test_discourse_topics.py",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        self.emulator, self.numbers = Forum(token=KEY, per_minute=1_000_000), itertools.count(1)
        with serving(self.emulator) as url, pytest.MonkeyPatch.context() as patch:
            for held, page in ((module, "PAGE"), (module, "USERS_PAGE"), (discourse_groups, "GROUPS_PAGE")):
                patch.setattr(held, page, 3)
            yield url

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "login": "landbridge", "password": KEY}

    def reset(self) -> None:
        forum = self.emulator
        for held in (forum.posts, forum.topics, forum.groups, forum.solutions):
            held.clear()
        forum.users = {"landbridge": forum.users["landbridge"]}
        forum.categories = {1: forum.categories[1]}
        self.topic = forum.write("landbridge", "Where?", title="Where is everything?")["topic_id"]
        self.group = forum.add_group("drivers")

    def add(self, stream: str, text: str) -> str:
        forum, name = self.emulator, f"c{next(self.numbers)}"
        if stream == "users":
            forum.add_user(name, f"{name}@halbrueck.example", text)
            return name
        if stream == "groups":
            number = forum.add_group(name)
            forum.groups[number]["full_name"] = text
            return str(number)
        if stream == "categories":
            return str(forum.add_category(text))
        if stream == "topics":
            return str(forum.write("landbridge", text, title="Something else, again")["topic_id"])
        return str(forum.write("landbridge", text, topic=self.topic)["id"])

    def change(self, stream: str, key: str, text: str) -> None:
        forum = self.emulator
        if stream == "users":
            forum.users[key]["name"] = text
        elif stream == "groups":
            forum.groups[int(key)]["full_name"] = text
        elif stream == "categories":
            forum.categories[int(key)]["name"] = text
        else:
            forum.edit(self._post(stream, key), text)

    def remove(self, stream: str, key: str) -> None:
        forum = self.emulator
        if stream in ("users", "groups", "categories"):
            held: dict[Any, Any] = getattr(forum, stream)
            del held[key if stream == "users" else int(key)]
        elif stream == "topics":
            forum.remove_topic(int(key))
        else:
            forum.remove(int(key))

    def keys(self, stream: str) -> set[str]:
        forum = self.emulator
        if stream in ("users", "categories"):
            return {str(key) for key in getattr(forum, stream)}
        if stream == "groups":
            return {str(key) for key, one in forum.groups.items() if not one["automatic"]}
        shown = [one for one in forum.posts.values() if forum._visible(one)]
        if stream == "topics":
            return {str(one["topic_id"]) for one in shown if one["post_number"] == 1}
        return {str(one["id"]) for one in shown if one["post_number"] > 1}

    def native(self, stream: str, text: str) -> Native:
        if stream == "topics":
            return {"title": "Something else, again", "raw": text, "category_id": 1, "tags": ["cars"]}
        return {"topic_id": self.topic, "raw": text}

    def changes(self, stream: str, text: str) -> Native:
        return {"raw": text}

    def path(self, stream: Stream) -> str:
        return f"*/{stream.path}"

    def known_by(self, stream: Stream) -> set[str]:
        return {"topics": {"topic_id", "id", "post_number"}, "posts": {"id", "post_number"}}.get(
            stream.name, super().known_by(stream)
        )

    def forbidden(self) -> Fault:
        return faults.refuse(403, b'{"errors": ["No."], "error_type": "invalid_access"}')

    def _post(self, stream: str, key: str) -> int:
        if stream == "posts":
            return int(key)
        first = (one["id"] for one in self.emulator.posts.values() if one["topic_id"] == int(key))
        return int(next(first))


class TestDiscourse(Conformance):
    harness = DiscourseHarness
