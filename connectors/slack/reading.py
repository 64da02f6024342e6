"""What is said in channels: roots by pages, replies by thread, each message with its reactions and files."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.slack import natives
from connectors.slack.api import NEXT, PAGE, Api, Json
from landbridge.connector import Failure, Gone, Item, Record, Stream, apart, ended, kept, makes, reads
from landbridge.errors import ExpiredCursor, IncompleteRead, NotFound, RecordError
from landbridge.http import CursorPages, Limit

log = logging.getLogger("landbridge.slack")
HISTORY = "api/conversations.history"
REPLIES = "api/conversations.replies"
MESSAGES = CursorPages(param="cursor", path=NEXT, items="messages", more="has_more", size_param="limit", size=PAGE)
TIME = re.compile(r"\d{1,10}\.\d{6}")
NEVER = "0.000000"
# Without it Slack leaves out our markers.
WHOLE = {"include_all_metadata": "true"}
# What history and replies give to apps that are sold outside Slack's Marketplace, however much they ask for.
FEW = 15


class Reading(Api):
    """The channels that the app is in, and of the private ones those that it may read; no other."""

    messages = Stream(HISTORY, ("id",), "message")

    @reads(messages)
    def read_messages(self, cursor: Any) -> Iterator[Item]:
        """In full, or from `reread_days` before the newest message known: Slack tells of no edit, reply or reaction.

        A channel that the app has newly entered is read from its beginning.
        """
        since = kept(cursor, "since", str) or NEVER
        if not TIME.fullmatch(since):
            raise ExpiredCursor("The stored cursor is not one of this connector.")
        known = kept(cursor, "rooms", list) or []
        newest, followed = since, []
        for raw in self._entered():
            new = raw["id"] not in known
            if not raw.get("is_archived"):
                followed.append(raw["id"])
            elif cursor is not None and new:
                continue  # nothing more is said there
            for item in apart(self._channel(raw["id"], self._oldest(NEVER if new else since), new=new)):
                newest = max(newest, natives.parts(item.key)[1]) if isinstance(item, Record) else newest
                yield item
        yield from ended(cursor, {"since": newest, "rooms": sorted(followed)})

    def _entered(self) -> Iterator[Json]:
        """Joining a channel is seen by its members, so it is done only where the connection says so."""
        for raw in self.listed(self.rooms):
            if raw.get("is_private") and raw["id"] not in self.private_spaces:
                continue
            if raw.get("is_member"):
                yield raw
            elif self.config.join == "public" and not raw.get("is_private") and not raw.get("is_archived"):
                self.tell("conversations.join", {"channel": raw["id"]})
                yield raw

    def _channel(self, channel: str, oldest: str, *, new: bool) -> Iterator[Item]:
        """Slack begins with the newest. What is new is told in order; of a whole history no more than a page is held."""
        pages = self._pages(HISTORY, channel=channel, oldest=oldest)
        for roots in pages if new else [[one for page in pages for one in page]]:
            for raw in reversed(roots):
                yield from self._item(channel, raw)
                if raw.get("reply_count") and str(raw.get("latest_reply") or oldest) >= oldest:
                    yield from self._thread(channel, raw)

    def _thread(self, channel: str, root: Json) -> Iterator[Item]:
        """All replies, held against how many there are: a thread that came short must not look as if they were deleted."""
        came, told = 0, int(root["reply_count"])
        for page in self._pages(REPLIES, channel=channel, ts=root["ts"]):
            for raw in page:
                if raw.get("ts") == root["ts"]:
                    told = int(raw.get("reply_count") or 0)
                    continue
                came += 1
                yield from self._item(channel, raw)
        if came < told:
            yield Failure(None, IncompleteRead(f"{came} replies came of {told} that a thread has."))

    def _pages(self, path: str, **params: str) -> Iterator[list[Json]]:
        for page in self.client.pages(path, MESSAGES, params={**WHOLE, **params}):
            if len(page.items) == FEW and not page.last:
                self._slow_down(path)
            yield page.items

    def _slow_down(self, path: str) -> None:
        """A page of just so few, with more to come, tells an app that may only call once a minute."""
        slow = Limit(1 / 60, name=f"{path} slow")
        if self.client.limits.get(path) != slow:
            log.warning(
                "Slack gives this app %d messages a minute only (%s): it is sold outside the Marketplace. "
                "An app that the company has made for itself is not limited so.", FEW, path,
            )  # fmt: skip
        self.client.limits[path] = slow

    def _item(self, channel: str, raw: Json) -> Iterator[Item]:
        if not isinstance(raw.get("ts"), str):
            yield Failure(None, RecordError("A message has no time, which is also its number."))
        elif natives.is_said(raw) or natives.is_removed(raw):
            yield self.item(self.messages, natives.placed(channel, raw))

    @makes(messages)
    def message(self, raw: Json) -> Record | Gone:
        """`raw` says where it stands."""
        if natives.is_removed(raw):
            return Gone(raw["id"])
        url = self.link(raw["channel"], raw["ts"], raw.get("thread_ts"))
        return Record(raw["id"], natives.message(raw, ours=self.ours, url=url), natives.marker(raw, self.ours))

    def _native(self, channel: str, raw: Json) -> Json:
        found = self.item(self.messages, natives.placed(channel, raw))
        if isinstance(found, Record):
            return found.native
        raise found.error if isinstance(found, Failure) else NotFound("The message is not there any more.")

    def read_back(self, channel: str, ts: str) -> Json:
        """One message as reading yields it. Raises NotFound."""
        return self._native(channel, self.one(channel, ts))

    def one(self, channel: str, ts: str) -> Json:
        """One message as Slack has it; a thread's root may stand before it. Raises NotFound."""
        raw = self.between(channel, ts, ts, thread=ts).get(ts)
        if raw is None or natives.is_removed(raw):
            raise NotFound("The message is not there any more.")
        return raw

    def between(self, channel: str, oldest: str, latest: str, *, thread: str = "") -> dict[str, Json]:
        """By their times, messages of a channel or of one of its threads, as far as they lie on one page."""
        where = {"channel": channel, **({"ts": thread} if thread else {})}
        pages = self._pages(REPLIES if thread else HISTORY, **where, oldest=oldest, latest=latest, inclusive="true")
        return {str(raw.get("ts")): raw for raw in next(pages)}

    def _oldest(self, since: str) -> str:
        start = self.config.history_from
        first = datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() if start else 0
        return f"{max(first, float(since) - timedelta(days=self.config.reread_days).total_seconds(), 0):.6f}"
