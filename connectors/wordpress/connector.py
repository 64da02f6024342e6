"""WordPress, by its REST API and an application password."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import Field, SecretStr

from connectors.wordpress import natives, reading
from connectors.wordpress.comment_html import for_comment
from connectors.wordpress.errors import error_of
from connectors.wordpress.reading import EVERY
from landbridge.connector import (
    Account,
    ConnectionConfig,
    Connector,
    Gone,
    Item,
    Native,
    Record,
    Stream,
    ended,
    kept,
    reads,
    writes,
)
from landbridge.errors import ConfigError, NotFound, RecordError
from landbridge.http import Basic, Client, Page, Pages

# Without context=edit a revoked password would be answered with what the public sees, as if the rest were deleted.
EDIT = {"context": "edit"}
NEEDS = (
    "edit_posts", "edit_others_posts", "edit_published_posts", "edit_private_posts", "read_private_posts",
    "publish_posts", "delete_posts", "delete_others_posts", "delete_published_posts", "moderate_comments", "list_users",
    "create_users", "edit_users", "promote_users",
)  # fmt: skip


class WordPressConfig(ConnectionConfig):
    """`host` is the site's address, with its folder where it has one."""

    host: str = Field(title="Site address", examples=["https://intranet.example.org"])
    login: str = Field(description="login of Landbridge's own account")
    password: SecretStr = Field(
        title="Application password", description="an application password of that account, not its own password"
    )
    default_role: str = Field(
        "subscriber", min_length=1, description="role of the accounts that Landbridge makes or enables again"
    )


class WordPress(Connector):
    """One WordPress site: its posts, what is said about them, and its accounts."""

    system = "wordpress"
    Config = WordPressConfig
    config: WordPressConfig
    authors = "users"

    posts = Stream(
        "wp/v2/posts", ("id",), "document",
        params=EDIT | {
            "_embed": "wp:term",
            "_fields": "id,status,password,title,content,excerpt,author,date_gmt,modified_gmt,link,lang,_links,_embedded",
        },
    )  # fmt: skip
    comments = Stream(
        "wp/v2/comments", ("id",), "message",
        params=EDIT | {"_fields": "id,post,parent,author,author_name,content,date_gmt,link,status,_links.up"},
    )  # fmt: skip
    users = Stream(
        "wp/v2/users", ("id",), "person",
        params=EDIT | {"_fields": "id,username,name,first_name,last_name,email,roles"},
    )  # fmt: skip

    def make_client(self) -> Client:
        return Client(
            f"{self.config.host.rstrip('/')}/wp-json",
            auth=Basic(self.config.login, self.config.password.get_secret_value()),
            throttle=self.throttle,
            error_map=error_of,
        )

    def check(self) -> Account:
        try:
            me = self.client.get("wp/v2/users/me", params=EDIT)
        except NotFound:
            raise ConfigError(
                "There is no REST API at this address.",
                remedy="Name the site's own address, and set its permalinks to anything but plain.",
            ) from None
        rights, roles = me.part("capabilities", dict), me.part("roles", list)
        missing = tuple(right for right in NEEDS if not rights.get(right))
        return Account(me.part("username", str), missing, f"Roles: {', '.join(roles) or 'none'}.")

    # Reading

    @reads(posts)
    def read_posts(self, cursor: Any) -> Iterator[Item]:
        newest, last = kept(cursor, "since", str) or "", kept(cursor, "id", int) or 0
        now = datetime.now(UTC).isoformat()
        for page in reading.posts(partial(self._pages, self.posts), newest, last):
            for raw in page.items:
                yield self.item(self.posts, raw)
                last = max(last, int(raw.get("id") or 0))
                changed = str(raw.get("modified_gmt") or "")
                # What is scheduled counts as changed in the future.
                newest = max(newest, changed) if changed < now else newest
        yield from ended(cursor, {"since": newest, "id": last})

    @reads(comments, users)
    def read_newest(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        """WordPress does not say when a comment or an account was changed."""
        only: dict[str, Any] = {"status": "approve"} if stream is self.comments else {}
        ask, make = partial(self._pages, stream, **only), partial(self.item, stream)
        return reading.newest(ask, make, cursor) if cursor else reading.in_full(ask, make)

    # Posts

    @writes(posts, "create")
    def create_post(self, native: Native, marker: str) -> Native:
        data = natives.post_fields(native) | {"content": natives.marked(native.get("content"), marker)}
        return self._write(self.posts, data)

    @writes(posts, "update")
    def update_post(self, key: str, changes: Native, marker: str) -> Native:
        """WordPress would change a post in the trash, too, and even publish it again."""
        if self._one(self.posts, key)["status"] == "trash":
            raise NotFound("The post was moved to the trash meanwhile.")
        content = {"content": natives.marked(changes["content"], marker)} if "content" in changes else {}
        return self._write(self.posts, natives.post_fields(changes) | content, key)

    @writes((posts, comments), "delete")
    def trash(self, stream: Stream, key: str, marker: str) -> None:
        self.client.remove(f"{stream.path}/{{key}}", path_params={"key": key})

    # Comments

    @writes(comments, "create")
    def create_comment(self, native: Native, marker: str) -> Native:
        content = natives.marked(for_comment(str(native.get("content") or "")), marker)
        return self._write(self.comments, natives.comment_fields(native) | {"content": content, "status": "approved"})

    @writes(comments, "update")
    def update_comment(self, key: str, changes: Native, marker: str) -> Native:
        """The text; a comment that a moderator has taken back stays so."""
        raw = self._one(self.comments, key)
        if raw["status"] != "approved":
            raise NotFound("The comment was taken back meanwhile.")
        content = natives.marked(for_comment(str(changes.get("content") or "")), marker)
        return self._write(self.comments, {"content": content}, key)

    # Users

    @writes(users, "create")
    def create_user(self, native: Native, marker: str) -> Native:
        """With a password that nobody ever knows: people sign in by single sign-on, or ask for a new one by mail."""
        email = str(native.get("email") or "")
        if not email:
            raise RecordError("An e-mail address was expected: WordPress makes no account without.")
        access = {"password": secrets.token_urlsafe(32), "roles": [self.config.default_role]}
        login = native.get("username") or email.partition("@")[0]
        return self._write(self.users, natives.user_fields(native) | access | {"username": login})

    @writes(users, "update")
    def update_user(self, key: str, changes: Native, marker: str) -> Native:
        return self._write(self.users, natives.user_fields(changes), key)

    @writes(users, "disable")
    def disable_user(self, key: str, marker: str) -> Native:
        """Application passwords outlive both the roles and the password, whose change ends all sessions."""
        native = self._write(self.users, {"roles": [], "password": secrets.token_urlsafe(32)}, key)
        self.client.remove("wp/v2/users/{key}/application-passwords", path_params={"key": key})
        return native

    @writes(users, "enable")
    def enable_user(self, key: str, marker: str) -> Native:
        raw = self._one(self.users, key)
        # Whoever was given a role meanwhile keeps it.
        return self._write(self.users, {} if raw["roles"] else {"roles": [self.config.default_role]}, key)

    # Steps of the above

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """Posts and comments by their marker, accounts by their address."""
        found = self.streams()[stream]
        email = str(native.get("email") or "").casefold()
        params: dict[str, Any] = {"posts": {"status": EVERY}, "comments": {"status": "any"}}.get(stream, {})
        search = email if stream == "users" else f"landbridge:{marker}"
        for raw in self.client.get(found.path, params=found.params | params | {"search": search}).part("", list):
            record, carried = natives.NATIVES[stream](raw)
            if carried == marker or (stream == "users" and str(record["email"]).casefold() == email):
                return record
        return None

    def _pages(self, stream: Stream, pages: Pages, **params: str) -> Iterator[Page]:
        return self.client.pages(stream.path, pages, params=stream.params | params)

    def _one(self, stream: Stream, key: str) -> Native:
        answer = self.client.get(f"{stream.path}/{{key}}", path_params={"key": key}, params=stream.params)
        answer.part("id", int)
        return answer.part("", dict)

    def _write(self, stream: Stream, data: Native, key: str = "") -> Native:
        """Answered in the same form that reading has. What names its record may be sent twice."""
        path, named = (f"{stream.path}/{{key}}", {"key": key}) if key else (stream.path, {})
        answer = self.client.post(path, path_params=named, params=stream.params, json=data, safe=bool(key))
        return self.native_of(stream, answer)

    def record_of(self, stream: Stream, raw: Native) -> Record | Gone:
        if stream is self.posts and raw.get("status") == "trash":
            return Gone(str(raw["id"]))
        native, marker = natives.NATIVES[stream.name](raw)
        return Record(stream.key_of(native), native, marker)
