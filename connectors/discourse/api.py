"""How Discourse is asked: its key, its pages, its refusals, and what lists say that its posts do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, SecretStr

from connectors.discourse import natives
from landbridge.chunks import chunks
from landbridge.connector import Account, ConnectionConfig, Connector, Stream, lists
from landbridge.connector.items import Native
from landbridge.errors import AuthError, LandbridgeError, NotFound, RateLimited, RecordError, ScopeError
from landbridge.http import Answer, Client, Header, Next, Pages, SinglePage, get_path

LISTED = "posts.json"
# Topics that a list names at a time.
TOPICS = 30


class DiscourseConfig(ConnectionConfig):
    """The key belongs to all users, so that people's words are written in their own names."""

    host: str = Field(title="Forum address", examples=["https://forum.example.org"])
    login: str = Field(title="User name", min_length=1, description="user name of Landbridge's own account")
    password: SecretStr = Field(title="API key", description="for all users, with the scopes in the README")


@dataclass(frozen=True, kw_only=True)
class OlderPages(Pages):
    """Posts from the newest back; older versions of Discourse begin a page with the post that ended the last one."""

    items: str = "latest_posts"

    def next(self, params: Mapping[str, Any], body: Any, headers: Mapping[str, str], count: int) -> Next | None:
        last = get_path(body, "latest_posts.-1.id")
        return Next({"before": last}) if count and last != params.get("before") else None


class Forum(Connector):
    """One forum."""

    system = "discourse"
    Config = DiscourseConfig
    config: DiscourseConfig

    categories = Stream(
        "categories.json", ("id",), "space", SinglePage(items="category_list.categories"),
        params={"include_subcategories": "true"},
    )  # fmt: skip

    def make_client(self) -> Client:
        return Client(
            self.config.host,
            auth=Header("Api-Key", self.config.password.get_secret_value()),
            headers={"Api-Username": self.config.login},
            throttle=self.throttle,
            error_map=_error_of,
        )

    def check(self) -> Account:
        try:
            me = self.client.get("u/{name}.json", path_params={"name": self.config.login}).part("user", dict)
        except (NotFound, ScopeError):
            raise AuthError("Discourse shows this account nothing, not even itself.") from None
        missing = () if me.get("admin") else ("admin: users and their addresses, words in others' names",)
        return Account(str(me["username"]), missing)

    @property
    def base(self) -> str:
        return self.config.host.rstrip("/")

    @lists(categories)
    def all_categories(self) -> Iterator[Native]:
        answer = self.client.get(self.categories.path, params=self.categories.params)
        return natives.categories(answer.part("category_list.categories", list), self.base)

    def restricted(self) -> frozenset[int]:
        """The categories that only some may read, and those that do not say so."""
        return frozenset(one["id"] for one in self.all_categories() if one["read_restricted"] is not False)

    def listed(self, post: int) -> Native:
        """A post as reading lists it, with category and title. Raises NotFound where it is deleted or hidden."""
        found = self.client.get(LISTED, params={"before": post + 1}).part("latest_posts", list)
        for raw in found:
            if raw.get("id") == post:
                return dict(raw)
        raise NotFound("The post is not there any more.")

    def topics_of(self, ids: Iterable[int]) -> dict[int, Native]:
        """What the list of topics says of these, by id: their tags. Topics that are not listed are left out."""
        wanted, found = sorted(set(ids)), dict[int, Native]()
        for some in chunks(wanted, TOPICS):
            named = ",".join(map(str, some))
            found |= {one["id"]: one for one in self.topic_list(topic_ids=named)}
        return found

    def topic_list(self, **params: Any) -> list[Native]:
        return self.client.get("latest.json", params=params).part("topic_list.topics", list)


def _error_of(answer: Answer) -> LandbridgeError | None:
    """Discourse words its refusals; the words are not repeated, for they may name people."""
    if answer.status == 429:
        seconds = get_path(answer.json(), "extras.wait_seconds")
        header = answer.headers.get("Retry-After", "")
        after = float(header) if header.isdecimal() else float(seconds) if isinstance(seconds, int | float) else None
        return RateLimited(f"{answer.where}: Discourse asks to wait.", after=after)
    if answer.status == 403 and "API" in str(get_path(answer.json(), "errors.0")):
        problem = f"{answer.where}: Discourse refuses the API key or knows no such user."
        return AuthError(problem, remedy="A key that lacks the scope for this is refused in the same words.")
    if answer.status == 422:
        return RecordError(f"{answer.where}: Discourse refuses the text or title (too short, too alike, not allowed).")
    return None
