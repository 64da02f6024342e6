"""MediaWiki, by its action API and a bot password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from pydantic import Field, SecretStr

from connectors.mediawiki.errors import error_of
from connectors.mediawiki.login import FORM, Login
from landbridge.chunks import chunks
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
from landbridge.errors import ExpiredCursor, IncompleteRead, NotFound, RecordError
from landbridge.http import Answer, Client, ContinuePages, Next, Page, get_path

# The list of recent changes is filled after the page is saved.
LAG = timedelta(minutes=5)
AT_ONCE = 50
TIME = "%Y-%m-%dT%H:%M:%SZ"
NEEDS = ("read", "edit", "createpage", "move", "delete")
MARKER = re.compile(r"\(landbridge:(\w+)\)")
PAGE = {"prop": "revisions|info", "inprop": "url", "rvprop": "ids|user|comment|content", "rvslots": "main"}


class MediaWikiConfig(ConnectionConfig):
    """`host` is the address of the folder that holds api.php."""

    host: str = Field(title="Address of the wiki's scripts", examples=["https://wiki.example.org/w"])
    login: str = Field(
        title="Name of the bot password", pattern="@", examples=["Landbridge@hub"],
        description="as Special:BotPasswords shows it: Account@name",
    )  # fmt: skip
    password: SecretStr = Field(title="Bot password", description="the password that Special:BotPasswords has shown")
    api: str = Field("api.php", min_length=1, description="path of the action API below the address")
    namespaces: list[int] = Field([0], min_length=1, description="numbers of the namespaces to read and write")
    tag: str = Field("", description="change tag for Landbridge's edits; it must exist on Special:Tags")
    history: int = Field(90, ge=1, description="for how many days the wiki keeps recent changes ($wgRCMaxAge)")


class MediaWiki(Connector):
    """One wiki: its pages as they are now. The wiki keeps who wrote what; Landbridge writes as itself."""

    system = "mediawiki"
    Config = MediaWikiConfig
    config: MediaWikiConfig

    pages = Stream("pages", ("pageid",), "document", pages=ContinuePages(items="query.pages"), reports_gone=True)

    def make_client(self) -> Client:
        login = Login(self.config.api, self.config.login, self.config.password.get_secret_value())
        client = Client(self.config.host, auth=login, throttle=self.throttle, error_map=error_of)
        login.use(client)
        return client

    @cached_property
    def me(self) -> str:
        """The account's name as it stands in the histories of pages."""
        return self._query(meta="userinfo").part("query.userinfo.name", str)

    def check(self) -> Account:
        info = self._query(meta="userinfo", uiprop="rights|groups|blockinfo").part("query.userinfo", dict)
        missing = [right for right in NEEDS if right not in info["rights"]]
        blocked = ["not to be blocked"] if "blockid" in info else []
        return Account(info["name"], (*missing, *blocked), f"Groups: {', '.join(info['groups'])}.")

    # Reading

    @reads(pages)
    def read_pages(self, cursor: Any) -> Iterator[Item]:
        now = self._query(curtimestamp=1).part("curtimestamp", str)
        since = kept(cursor, "since", datetime)
        yield from self._changed(f"{since:{TIME}}", now) if since else self._all()
        yield from ended(cursor, {"since": _earlier(now, LAG)})

    def _all(self) -> Iterator[Item]:
        every = {"generator": "allpages", "gapfilterredir": "nonredirects", "gaplimit": AT_ONCE}
        for namespace in self.config.namespaces:
            for raw in self._whole(**every, gapnamespace=namespace):
                if not _is_other(raw):
                    yield self.item(self.pages, raw)

    def _changed(self, since: str, now: str) -> Iterator[Item]:
        if since < _earlier(now, timedelta(days=self.config.history)):
            raise ExpiredCursor("The wiki no longer keeps the changes since the last read.")
        recent = {"list": "recentchanges", "rctype": "edit|new|log", "rcprop": "ids", "rclimit": "max"}
        changes = ContinuePages(items="query.recentchanges")
        asked = self._params(**recent, rcdir="newer", rcstart=since)
        # Of a deletion or a move the list only says that there was one, so all of them are looked at.
        rows = (row for page in self.client.pages(self.config.api, changes, params=asked) for row in page.items)
        ids = sorted({int(row["pageid"]) for row in rows if row.get("pageid")})
        for some in chunks(ids, AT_ONCE):
            told: set[int] = set()
            for raw in self._whole(pageids="|".join(map(str, some))):
                told.add(raw["pageid"])
                yield self.item(self.pages, raw) if self._is_ours(raw) else Gone(str(raw["pageid"]))
            if not told.issuperset(some):
                # Passed over now, a change would never be read: the next read begins after it.
                raise IncompleteRead(f"Of {len(some)} pages that changed, the wiki told of {len(told)} only.")

    def record_of(self, stream: Stream, raw: Native) -> Record:
        return Record(stream.key_of(raw), _native(raw), _marker(raw["revisions"][0]))

    def _is_ours(self, raw: Native) -> bool:
        there = "missing" not in raw and raw["ns"] in self.config.namespaces
        return there and "redirect" not in raw and not _is_other(raw)

    def _whole(self, **params: Any) -> Iterator[Native]:
        """Each page once, with all that is said of it.

        A text that would make an answer too large comes with the next one, which does not repeat the rest; until then
        its list of revisions is missing or empty. What has no text even at the end is told as it is: an unreadable
        page, not an absent one.
        """
        told: dict[int, Native | None] = {}
        for page in self.client.pages(self.config.api, self.pages.pages, params=self._params(**PAGE, **params)):
            for raw in page.items:
                known = told.setdefault(raw["pageid"], {})
                if known is None:
                    continue
                known |= raw
                if "missing" in known or ("contentmodel" in known and known.get("revisions")):
                    told[raw["pageid"]] = None
                    yield known
            if not _goes_on(page):
                yield from filter(None, told.values())
                told.clear()

    # Writing

    @writes(pages, "create")
    def create_page(self, native: Native, marker: str) -> Native:
        title = self._title(native.get("title"))
        made = self._edit(marker, title=title, text=_text(native.get("text")), createonly=1)
        return self._native(made["pageid"])

    @writes(pages, "update")
    def update_page(self, key: str, changes: Native, marker: str, version: str | None = None) -> Native:
        """`version` is the version_tag that the changes were made for; what people did since then is never overwritten.

        Without it that is what Landbridge itself wrote last. Changes of other lines are merged by the wiki.
        """
        raw = self._raw(key)
        if "text" in changes:
            base = version or self._own_revision(raw)
            self._edit(marker, pageid=key, text=_text(changes["text"]), nocreate=1, baserevid=base)
        if changes.get("title", raw["title"]) != raw["title"]:
            title = self._title(changes["title"])
            self._act("move", fromid=key, to=title, reason=_summary(marker), movetalk=1).part("move", dict)
        return self._native(key)

    @writes(pages, "delete")
    def delete_page(self, key: str, marker: str) -> None:
        try:
            self._act("delete", pageid=key, reason=_summary(marker)).part("delete", dict)
        except NotFound:
            pass

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """By the summary of an edit, which stays in the history whatever people do to the page."""
        history = {"rvuser": self.me, "rvprop": "ids|comment", "rvlimit": AT_ONCE}
        asked = self._query(titles=_one(native.get("title")), prop="revisions", **history)
        for page in _found(asked).get("pages", []):
            if any(_marker(revision) == marker for revision in page.get("revisions", [])):
                return self._native(page["pageid"])
        return None

    # Steps of the above

    def _title(self, wanted: Any) -> str:
        """The title as the wiki spells it. Raises RecordError where no page of the right namespace can have it."""
        found = _found(self._query(titles=_one(wanted), prop="info"))
        page = next(iter(found.get("pages", [])), None)
        # What stands behind a # would be taken for a section of the page.
        if page is None or "invalid" in page or "#" in str(wanted):
            raise RecordError(
                "The path is no title that this wiki allows.",
                remedy="Leave out [ ] | # { } < >, ./ and ../, prefixes of other wikis, and what exceeds 255 bytes.",
            )
        if page["ns"] not in self.config.namespaces:
            raise RecordError(
                f"The path lies in namespace {page['ns']}, which this connection does not write to.",
                remedy="Change what stands before the colon, or add the namespace to the connection's namespaces.",
            )
        return str(page["title"])

    def _own_revision(self, raw: Native) -> int:
        """What Landbridge wrote last, the page as it is where it never did."""
        last = raw["revisions"][0]
        if last.get("user") == self.me:
            return int(last["revid"])
        own = {"prop": "revisions", "rvuser": self.me, "rvprop": "ids", "rvlimit": 1}
        found = self._query(pageids=raw["pageid"], **own).part("query.pages.0", dict).get("revisions")
        return int((found or [last])[0]["revid"])

    def _edit(self, marker: str, **params: Any) -> Native:
        tags = {"tags": self.config.tag} if self.config.tag else {}
        asked = self._act("edit", summary=_summary(marker), safe="nocreate" in params, **tags, **params)
        made = asked.part("edit", dict)
        if made.get("result") != "Success":
            raise RecordError("The wiki did not take the edit.", remedy="Exempt Landbridge's account from its filters.")
        return made

    def _native(self, key: Any) -> Native:
        return _native(self._raw(key))

    def _raw(self, key: Any) -> Native:
        raw = self._query(**PAGE, pageids=key).part("query.pages.0", dict)
        if "missing" in raw:
            raise NotFound("The page is not there any more.")
        return raw

    def _params(self, **params: Any) -> Native:
        return {**FORM, "action": "query", "assert": "user", **params}

    def _query(self, **params: Any) -> Answer:
        return self.client.get(self.config.api, params=self._params(**params))

    def _act(self, action: str, *, safe: bool = False, **params: Any) -> Answer:
        data = {**FORM, "action": action, "assert": "user", **params}
        return self.client.post(self.config.api, data=data, safe=safe)


def _native(raw: Native) -> Native:
    revision = raw["revisions"][0]
    return {
        "pageid": raw["pageid"],
        "title": raw["title"],
        "url": raw["canonicalurl"],
        "language": raw["pagelanguage"],
        "text": revision["slots"]["main"]["content"],
        "revid": revision["revid"],
        "user": revision.get("user"),
    }


def _found(answer: Answer) -> Native:
    """What a query found; one that could find nothing (an empty title) says only that it is complete."""
    if answer.part("", dict).get("batchcomplete") is True:
        return get_path(answer.json(), "query") or {}
    return answer.part("query", dict)


def _is_other(raw: Native) -> bool:
    """Something else than text, such as a script; of what does not say so, reading will tell."""
    return raw.get("contentmodel") not in (None, "wikitext")


def _goes_on(page: Page) -> bool:
    """Does the next answer still speak of the pages of this one? Behind the bars is what it need not repeat."""
    following = Next.parse(page.cursor)[0].params if page.cursor else {}
    return str(following.get("continue", "")).startswith("||")


def _one(title: Any) -> str:
    """One title for a parameter that takes several: behind this sign a | is part of the title."""
    return f"\x1f{title or ''}"


def _text(text: Any) -> str:
    if not str(text or "").strip():
        raise RecordError("A text was expected, the body is empty.")
    return str(text)


def _summary(marker: str) -> str:
    return f"By Landbridge (landbridge:{marker})"


def _marker(revision: Native) -> str | None:
    found = MARKER.search(revision.get("comment") or "")
    return found[1] if found else None


def _earlier(moment: str, lag: timedelta) -> str:
    return f"{datetime.fromisoformat(moment) - lag:{TIME}}"
