"""Discourse, by its REST API and an API key: topics with their first post, posts as answers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from connectors.discourse import natives
from landbridge.connector import (
    Account,
    Checkpoint,
    Complete,
    ConnectionConfig,
    Connector,
    Failure,
    Gone,
    Item,
    Record,
    Stream,
    reads,
    writes,
)
from landbridge.connector.items import Native
from landbridge.errors import (
    AuthError,
    ExpiredCursor,
    IncompleteRead,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
)
from landbridge.http import Answer, Client, CursorPages, Header, NumberedPages, SinglePage, get_path

LOOKED_FOR = 3  # pages of newest posts in which an uncertain write is looked for
EMPTY_IS_ERROR_ABOVE = 10


class DiscourseConfig(ConnectionConfig):
    """The key belongs to all users, so that people's words are written in their own names."""

    host: str = Field(title="Forum address", examples=["https://forum.example.org"])
    login: str = Field(title="User name", min_length=1, description="user name of Landbridge's own account")
    password: SecretStr = Field(title="API key", description="for all users, with the scopes in the README")


class Discourse(Connector):
    """One forum."""

    system = "discourse"
    Config = DiscourseConfig
    config: DiscourseConfig
    authors: ClassVar[str] = "users"

    users = Stream(
        "admin/users/list/active.json", ("username",), "person",
        NumberedPages(size_param=""), params={"show_emails": "true"},
    )  # fmt: skip
    categories = Stream(
        "categories.json", ("id",), "space", SinglePage(items="category_list.categories"),
        params={"include_subcategories": "true"},
    )  # fmt: skip
    topics = Stream(
        "posts.json", ("id",), "document", CursorPages("before", "latest_posts.-1.id", items="latest_posts")
    )
    posts = Stream("posts.json", ("id",), "message", CursorPages("before", "latest_posts.-1.id", items="latest_posts"))

    def make_client(self) -> Client:
        return Client(
            self.config.host,
            auth=Header("Api-Key", self.config.password.get_secret_value()),
            headers={"Api-Username": self.config.login},
            throttle=self.throttle,
            error_map=_error_of,
        )

    def check(self) -> Account:
        """Discourse answers a wrong key as it answers a missing right."""
        try:
            me = self.client.get("u/{name}.json", path_params={"name": self.config.login}).part("user", dict)
        except (NotFound, ScopeError):
            raise AuthError("Discourse refuses the API key or knows no such user.") from None
        missing = () if me.get("admin") else ("admin: users and their addresses, words in others' names",)
        return Account(str(me["username"]), missing)

    # Reading

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        for page in self.client.pages(self.users.path, self.users.pages, params=self.users.params):
            yield from (self.item(self.users, natives.user(raw)) for raw in page.items)
        yield Complete()

    @reads(categories)
    def read_categories(self, cursor: Any) -> Iterator[Item]:
        yield from (self.item(self.categories, native) for native in natives.categories(self._categories(), self._base))
        yield Complete()

    @reads(topics)
    def read_topics(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.topics, cursor)

    @reads(posts)
    def read_posts(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.posts, cursor)

    def _read(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        """All posts from the newest back, or only as far as the last read went.

        Discourse tells neither edits nor deletions: the newest page shows those of what is on it.
        """
        last, known = _place(cursor)
        make, window, newest = self._maker(stream), None, last
        for page in self.client.pages(stream.path, stream.pages):
            found = {raw["id"]: make(raw) for raw in page.items}
            if window is None:
                window = {str(id): item.key for id, item in found.items() if isinstance(item, Record)}
                newest = max([last, *found])
                yield from _gone(known, found)
            yield from filter(None, found.values())
            if cursor and min(found, default=0) <= last:
                break
        yield Checkpoint({"last": newest, "window": window or {}})
        if not cursor:
            yield Complete()

    def _maker(self, stream: Stream) -> Callable[[Native], Record | Failure | None]:
        """A post as an item of the stream; None where it is one of the other."""
        restricted = frozenset(one["id"] for one in self._flat() if one["read_restricted"])
        first, native = stream is self.topics, natives.topic if stream is self.topics else natives.post

        def make(raw: Native) -> Record | Failure | None:
            if (raw.get("post_number") == 1) is not first:
                return None
            try:
                made, marker = native(raw, restricted, self._base)
                return Record(stream.key_of(made), made, marker)
            except (KeyError, TypeError) as error:
                problem = RecordError(f"A post is not as expected ({type(error).__name__}).")
                return Failure(str(raw.get("topic_id" if first else "id") or "?"), problem)

        return make

    # Writing

    @writes(topics, "create")
    def create_topic(self, native: Native, marker: str) -> Native:
        data = {"title": native.get("title"), "raw": natives.marked(native.get("raw"), marker)}
        data |= {"category": native["category_id"]} if native.get("category_id") else {}
        made = self._post(native, data)
        return self._topic(made.part("topic_id", int))

    @writes(topics, "update")
    def update_topic(self, key: str, changes: Native, marker: str) -> Native:
        before = self._topic(key)
        about = {name: changes[name] for name in ("title", "category_id") if changes.get(name)}
        if about:
            self.client.put("t/-/{key}.json", path_params={"key": key}, json={"topic": about})
        if "raw" in changes:
            self._edit(before["post_id"], changes["raw"], marker)
        return self._topic(key)

    @writes(topics, "delete")
    def delete_topic(self, key: str, marker: str) -> None:
        self._delete("t/{key}.json", key)

    @writes(posts, "create")
    def create_post(self, native: Native, marker: str) -> Native:
        data = {"topic_id": native.get("topic_id"), "raw": natives.marked(native.get("raw"), marker)}
        data |= {"created_at": native["created_at"]} if native.get("created_at") else {}
        return self._native(self._post(native, data).part("", dict))

    @writes(posts, "update")
    def update_post(self, key: str, changes: Native, marker: str) -> Native:
        self._shown(key)
        return self._native(self._edit(key, changes.get("raw"), marker))

    @writes(posts, "delete")
    def delete_post(self, key: str, marker: str) -> None:
        self._delete("posts/{key}.json", key)

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """Among the newest posts, by the marker in their source."""
        wanted = self.streams()[stream]
        make = self._maker(wanted)
        for page in islice(self.client.pages(wanted.path, wanted.pages), LOOKED_FOR):
            for item in filter(None, map(make, page.items)):
                if isinstance(item, Record) and item.marker == marker:
                    return item.native
        return None

    # Steps of the above

    @property
    def _base(self) -> str:
        return self.config.host.rstrip("/")

    def _categories(self) -> list[Native]:
        answer = self.client.get(self.categories.path, params=self.categories.params)
        return answer.part("category_list.categories", list)

    def _flat(self) -> Iterator[Native]:
        return natives.categories(self._categories(), self._base)

    def _post(self, native: Native, data: Native) -> Answer:
        """In the name of its author, where the author has an account."""
        author = native.get("username")
        headers = {"Api-Username": str(author)} if author else None
        return self.client.post("posts.json", json=data, headers=headers)

    def _edit(self, key: object, raw: Any, marker: str) -> Native:
        data = {"post": {"raw": natives.marked(raw, marker)}}
        answer = self.client.put("posts/{key}.json", path_params={"key": key}, json=data)
        return answer.part("post", dict)

    def _delete(self, path: str, key: str) -> None:
        try:
            self.client.delete(path, path_params={"key": key})
        except NotFound:
            pass

    def _shown(self, key: object) -> Native:
        """Administrators see deleted posts too. Raises NotFound for one."""
        found = self.client.get("posts/{key}.json", path_params={"key": key}).part("", dict)
        if found.get("deleted_at") or found.get("user_deleted"):
            raise NotFound("The post was deleted meanwhile.")
        return found

    def _native(self, raw: Native) -> Native:
        return natives.post(raw, frozenset(), self._base)[0]

    def _topic(self, key: object) -> Native:
        answer = self.client.get("t/{key}.json", path_params={"key": key})
        first = self._shown(answer.part("post_stream.posts.0.id", int))
        about = {"topic_title": answer.part("title", str), "category_id": answer.part("category_id", int)}
        restricted = frozenset(one["id"] for one in self._flat() if one["read_restricted"])
        return natives.topic(first | about, restricted, self._base)[0]


def _place(cursor: Any) -> tuple[int, dict[str, str]]:
    """The newest post of the last read, and the keys of those on its newest page. Raises ExpiredCursor."""
    if not cursor:
        return 0, {}
    last, window = (cursor.get("last"), cursor.get("window")) if isinstance(cursor, dict) else (None, None)
    if not isinstance(last, int) or not isinstance(window, dict):
        raise ExpiredCursor("The stored cursor is not one of this connector.")
    return last, window


def _gone(known: dict[str, str], found: dict[int, Any]) -> Iterator[Gone]:
    """What was on the newest page and would still be there; an empty page says nothing of a deletion."""
    if not found and len(known) > EMPTY_IS_ERROR_ABOVE:
        raise IncompleteRead(f"Nothing came where more than {EMPTY_IS_ERROR_ABOVE} posts were known.")
    lowest = min(found, default=0)
    yield from (Gone(key) for id, key in known.items() if int(id) >= lowest and int(id) not in found)


def _error_of(answer: Answer) -> LandbridgeError | None:
    """Discourse words its refusals; the words are not repeated, for they may name people."""
    if answer.status == 429:
        seconds = get_path(answer.json(), "extras.wait_seconds")
        header = answer.headers.get("Retry-After", "")
        after = float(header) if header.isdecimal() else float(seconds) if isinstance(seconds, int | float) else None
        return RateLimited(f"{answer.where}: Discourse asks to wait.", after=after)
    if answer.status == 422:
        return RecordError(f"{answer.where}: Discourse refuses the text or title (too short, too alike, not allowed).")
    return None
