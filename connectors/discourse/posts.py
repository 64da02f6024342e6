"""Topics and posts as they are read: from the newest back, and what changed in the topics that are talked about most recently."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

from connectors.discourse import natives
from connectors.discourse.api import LISTED, Forum, OlderPages
from landbridge.connector import Failure, Gone, Item, Record, Stream, ended, if_there, makes, reads
from landbridge.connector.items import Native
from landbridge.errors import ExpiredCursor, IncompleteRead, NotFound

EMPTY_IS_ERROR_ABOVE = 10
BY_NUMBER = "posts/by_number/{topic}/{number}.json"


class Place(NamedTuple):
    """How far a read went: the newest post, key by id of what stood on the newest page, and what it saw of lively topics.

    Of these, `topics` keeps the stamp, for the stream of posts the accepted answer. `closed` are the categories that only
    some could read.
    """

    last: int = 0
    window: dict[str, str] = {}
    topics: dict[str, int] = {}
    closed: list[int] = []


class Posts(Forum):
    """Discourse tells neither edits, deletions nor acceptances; the newest page and a list of topics show them."""

    topics = Stream(LISTED, ("id",), "document", OlderPages())
    posts = Stream(LISTED, ("id",), "message", OlderPages())

    @reads(topics)
    def read_topics(self, cursor: Any) -> Iterator[Item]:
        place = _place(cursor)
        stamps = {str(one["id"]): natives.stamp(one) for one in self.topic_list(order="activity")}
        now = yield from self._read(self.topics, place, {})
        for id in place.topics.keys() & stamps.keys():
            if stamps[id] != place.topics[id]:
                yield self._topic_again(id)
        yield from ended(cursor, now._replace(topics=stamps)._asdict())

    @reads(posts)
    def read_posts(self, cursor: Any) -> Iterator[Item]:
        """An answer may be accepted long after it was written; a forum that accepts none has no such list."""
        place = _place(cursor)
        listed = self.topic_list(order="activity", solved="yes")
        met = {int(one["id"]): 0 for one in listed if one.get("has_accepted_answer")}
        now = yield from self._read(self.posts, place, met)
        answers: dict[str, int] = {}
        for id, found in met.items():
            if answer := found or place.topics.get(str(id)):
                answers[str(id)] = answer
            elif cursor:
                for answer in self._answers_of(id):
                    answers[str(id)] = answer
                    yield self._post_again(answer)
        for topic in place.topics.keys() - answers.keys():
            yield self._post_again(place.topics[topic])
        yield from ended(cursor, now._replace(topics=answers)._asdict())

    def _read(self, stream: Stream, place: Place, met: dict[int, int]) -> Generator[Item, None, Place]:
        """All, or only as far as the last read went; returns how far it went.

        The topics of `met` are given their accepted answers, as far as these come by.
        """
        restricted, newest, window = self.restricted(), place.last, None
        closed = sorted(restricted)
        if place.last and place.closed != closed:
            raise ExpiredCursor("Categories were closed or opened: who may read what is there is to be read anew.")
        for page in self.client.pages(stream.path, stream.pages):
            found = {raw.get("id") or 0: item for raw, item in self._posts_as(stream, page.items, restricted)}
            met |= {
                raw["topic_id"]: raw["id"]
                for raw in page.items
                if raw.get("accepted_answer") and raw["topic_id"] in met
            }
            if window is None:
                window = {str(id): item.key for id, item in found.items() if isinstance(item, Record)}
                newest = max([newest, *found])
                yield from _gone(place.window, found)
            yield from filter(None, found.values())
            if place.last and min(found, default=0) <= place.last:
                break
        return Place(newest, window or {}, closed=closed)

    # One record

    def topic_item(self, post: int) -> Record | Gone | Failure:
        """By its first post. Raises NotFound."""
        return self._one(self.topics, post)

    def post_item(self, post: int) -> Record | Gone | Failure:
        """Raises NotFound."""
        return self._one(self.posts, post)

    def first_post(self, topic: object) -> int:
        """Raises NotFound where the topic is deleted; administrators still see it."""
        answer = self.client.get("t/{topic}.json", path_params={"topic": topic})
        if answer.part("", dict).get("deleted_at"):
            raise NotFound("The topic was deleted meanwhile.")
        return answer.part("post_stream.posts.0.id", int)

    def _one(self, stream: Stream, post: int) -> Record | Gone | Failure:
        raw = self.listed(post)
        for _, item in self._posts_as(stream, [raw], self.restricted()):
            if item is not None:
                return item
        raise NotFound("The post is no longer where it was.")

    def _topic_again(self, topic: str) -> Item:
        return if_there(lambda: self.topic_item(self.first_post(topic))) or Gone(topic)

    def _post_again(self, post: int) -> Item:
        return if_there(self.post_item, post) or Gone(str(post))

    def _answers_of(self, topic: int) -> list[int]:
        """The accepted ones: newer versions of Discourse allow several and name them, older say the number in the topic."""
        found = self.client.get("t/{topic}.json", path_params={"topic": topic}).part("", dict)
        if several := found.get("accepted_answers"):
            return [int(one["id"]) for one in several]
        number = (found.get("accepted_answer") or {}).get("post_number")
        if number is None:
            return []
        answer = self.client.get(BY_NUMBER, path_params={"topic": topic, "number": number})
        return [answer.part("id", int)]

    def _posts_as(
        self, stream: Stream, page: list[Native], restricted: frozenset[int]
    ) -> Iterator[tuple[Native, Record | Gone | Failure | None]]:
        """Each post with what it is in this stream; None where it belongs to the other."""
        first = stream is self.topics
        mine = [
            _is_said(raw) and (raw.get("post_number") is None or (raw["post_number"] == 1) is first) for raw in page
        ]
        known = [raw["topic_id"] for raw, wanted in zip(page, mine, strict=True) if wanted and raw.get("topic_id")]
        listed = self.topics_of(known) if first else {}
        for raw, wanted in zip(page, mine, strict=True):
            about = {"listed": listed.get(raw.get("topic_id") or 0), "restricted": raw.get("category_id") in restricted}
            about |= {"id": raw.get("topic_id"), "post_id": raw.get("id")} if first else {}
            yield raw, self.item(stream, raw | about) if wanted else None

    @makes(topics, posts)
    def said(self, stream: Stream, raw: Native) -> Record:
        native, marker = (natives.topic if stream is self.topics else natives.post)(raw, self.base)
        return Record(stream.key_of(native), native, marker)


def _is_said(raw: Native) -> bool:
    """Nor an action, nor a whisper among the staff, which older versions list for them."""
    return raw.get("post_type") in (natives.REGULAR, None)


def _place(cursor: Any) -> Place:
    """Raises ExpiredCursor."""
    try:
        place = Place(**cursor) if cursor else Place()
    except TypeError:
        place = Place(last=-1)
    if type(place.last) is not int or place.last < 0 or not all(isinstance(one, dict) for one in place[1:3]):
        raise ExpiredCursor("The stored cursor is not one of this connector.")
    return place


def _gone(known: dict[str, str], found: dict[int, Any]) -> Iterator[Gone]:
    """What was on the newest page and would still be there; an empty page says nothing of a deletion."""
    if not found and len(known) > EMPTY_IS_ERROR_ABOVE:
        raise IncompleteRead(f"Nothing came where more than {EMPTY_IS_ERROR_ABOVE} posts were known.")
    lowest = min(found, default=0)
    yield from (Gone(key) for id, key in known.items() if int(id) >= lowest and int(id) not in found)
