"""Discourse, by its REST API and an API key: topics with their first post, posts as answers to them, people and groups."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from connectors.discourse import natives
from connectors.discourse.people import People
from connectors.discourse.posts import Posts
from landbridge.connector import Failure, Gone, Record, Stream, finds, in_doubt, writes
from landbridge.connector.files import carried
from landbridge.connector.items import Native
from landbridge.errors import AuthError, NotFound, RecordError
from landbridge.http import Multipart

LOOKED_FOR = 3  # pages of newest posts in which an uncertain write is looked for
MAX_FILE = 100 * 2**20


class Discourse(Posts, People):
    """One forum."""

    authors: ClassVar[str] = "users"

    def open(self, locator: str) -> Iterator[bytes]:
        """An upload by its short name; where a store of files holds it, that sees no key."""
        return self.client.stream("uploads/short-url/{file}", path_params={"file": locator}, limit=MAX_FILE)

    # Writing

    @writes(Posts.topics, "create")
    def create_topic(self, native: Native, marker: str) -> Native:
        about = {"title": native.get("title")}
        about |= {"category": native["category_id"]} if native.get("category_id") else {}
        post = self._posted(native, about, marker)
        with in_doubt():
            return self._finished_topic(native, _native(self.topic_item(post)))

    @writes(Posts.topics, "update")
    def update_topic(self, key: str, changes: Native, marker: str) -> Native:
        post = self.first_post(key)
        self._describe(
            key, {name: changes[name] for name in ("title", "category_id", "tags") if changes.get(name) is not None}
        )
        self._edit(post, changes, marker)
        return _native(self.topic_item(post))

    @writes(Posts.topics, "delete")
    def delete_topic(self, key: str, marker: str) -> None:
        self.client.remove("t/{key}.json", path_params={"key": key})

    @writes(Posts.posts, "create")
    def create_post(self, native: Native, marker: str) -> Native:
        about = {"topic_id": native.get("topic_id")}
        about |= {"created_at": native["created_at"]} if native.get("created_at") else {}
        post = self._posted(native, about, marker)
        with in_doubt():
            return self._finished_post(native, _native(self.post_item(post)))

    @writes(Posts.posts, "update")
    def update_post(self, key: str, changes: Native, marker: str) -> Native:
        now = _native(self.post_item(int(key)))
        self._edit(int(key), changes, marker)
        if "accepted" in changes and bool(changes["accepted"]) != now["accepted"]:
            self._accept(int(key), wanted=bool(changes["accepted"]))
        return _native(self.post_item(int(key)))

    @writes(Posts.posts, "delete")
    def delete_post(self, key: str, marker: str) -> None:
        self.client.remove("posts/{key}.json", path_params={"key": key})

    @finds(Posts.topics, Posts.posts)
    def find_post(self, stream: Stream, native: Native, marker: str) -> Native | None:
        """Among the newest posts, by the marker in their source; what an earlier attempt left undone is done."""
        finished = self._finished_topic if stream is self.topics else self._finished_post
        for raw in self.client.items(stream.path, stream.pages, most=LOOKED_FOR):
            if natives.unmarked(raw.get("raw"))[1] == marker:
                return finished(native, _native(self._one(stream, raw["id"])))
        return None

    # Steps of the above

    def _posted(self, native: Native, about: Native, marker: str) -> int:
        """In the name of its author, where the author has an account; the files are there before the post is."""
        author = native.get("username")
        headers = {"Api-Username": str(author)} if author else None
        try:
            raw = natives.marked(native.get("raw"), self._uploaded(native.get("attachments"), headers), marker)
            made = self.client.post("posts.json", json={"raw": raw, **about}, headers=headers)
        except AuthError:
            if author:
                raise RecordError(
                    "Discourse knows no account of the author, or lets nobody write in its name."
                ) from None
            raise
        if made.part("", dict).get("action") == "enqueued":
            raise RecordError("Discourse keeps the post back until a moderator lets it pass.")
        return made.part("id", int)

    def _finished_topic(self, native: Native, made: Native) -> Native:
        """With its tags, which a new topic is not given."""
        if set(native.get("tags") or ()) <= set(made.get("tags") or ()):
            return made
        self._describe(made["id"], {"tags": native["tags"]})
        return _native(self.topic_item(made["post_id"]))

    def _finished_post(self, native: Native, made: Native) -> Native:
        if not native.get("accepted") or made["accepted"]:
            return made
        self._accept(made["id"], wanted=True)
        return _native(self.post_item(made["id"]))

    def _describe(self, topic: object, about: Native) -> None:
        if "tags" in about:
            about = about | {"tags": [self._tag(name) for name in about["tags"]] or [""]}
        if about:
            self.client.put("t/-/{topic}.json", path_params={"topic": topic}, json={"topic": about})

    def _tag(self, name: str) -> str | Native:
        """Versions from 2026 on number their tags, and want objects."""
        return {"name": name} if self._numbers_tags else name

    @cached_property
    def _numbers_tags(self) -> bool:
        known = self.client.get("tags.json").part("tags", list)
        return bool(known) and isinstance(known[0].get("id"), int)

    def _edit(self, post: int, changes: Native, marker: str) -> None:
        """The text, the files or both; what is not changed stays."""
        if not changes.keys() & {"raw", "attachments"}:
            return
        before = self.client.get("posts/{post}.json", path_params={"post": post}).part("raw", str)
        text = changes["raw"] if "raw" in changes else natives.without_files(before)
        files = self._uploaded(changes["attachments"], None) if "attachments" in changes else natives.files_in(before)
        body = {"post": {"raw": natives.marked(text, files, marker)}}
        self.client.put("posts/{post}.json", path_params={"post": post}, json=body)

    def _uploaded(self, attachments: list[Native] | None, headers: dict[str, str] | None) -> list[str]:
        return [self._upload(one, headers) for one in attachments or ()]

    def _upload(self, attachment: Native, headers: dict[str, str] | None) -> str:
        """The file as a post names it. Twice the same bytes are one upload to Discourse."""
        name, kind = str(attachment.get("name") or "file"), attachment.get("media_type")
        picture = str(kind or "").startswith("image/")
        with carried(self.open_file, attachment, MAX_FILE) as (file, size):
            form = Multipart(file, size, name, kind, {"upload_type": "composer", "synchronous": "true"})
            told = {**(headers or {}), "Content-Type": form.content_type}
            made = self.client.post("uploads.json", data=form, headers=told, safe=True)
            if not picture and made.part("filesize", int) != size:
                raise RecordError(f"Discourse kept {made.part('filesize', int)} of {size} bytes of an attachment.")
        return natives.shown(name, made.part("short_url", str), picture=picture)

    def _accept(self, post: int, *, wanted: bool) -> None:
        """By Landbridge's own account: who asked, and the staff, may accept an answer. Raises RecordError."""
        try:
            self.client.post(f"solution/{'accept' if wanted else 'unaccept'}.json", json={"id": post}, safe=True)
        except NotFound:
            raise RecordError("This forum accepts no answers; its plug-in for solutions is not there.") from None


def _native(item: Record | Gone | Failure) -> Native:
    if isinstance(item, Record):
        return item.native
    raise item.error if isinstance(item, Failure) else NotFound("The post is not there any more.")
