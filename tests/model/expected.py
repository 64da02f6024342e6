"""What must be where once all is quiet: a plain description of the flows, which knows nothing of the engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from tests.model import clock
from tests.model.judge import GRACE
from tests.model.people import People, post_of
from tests.model.staff import DEPARTMENTS
from tests.model.talk import SPOKEN, elsewhere
from tests.model.words import Word, bare, is_signed

FROM_HR = ("login", "given", "family", "mail")


class Expected:
    """Each check yields sentences about what is wrong, none where all is well."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.hr, self.chat, self.cms = people.hr, people.chat, people.cms
        # Fields that a person was asked about, by the number in their texts.
        self.disputed: set[str] = set()
        # Since when an account is known to be locked: the first rest at which it was.
        self.locked: dict[str, datetime] = {}

    def complaints(self) -> Iterator[str]:
        yield from self._accounts()
        yield from self._rooms()
        yield from self._posts()
        for word in self.people.words.values():
            yield from (f"w{word.number}: {text}" for text in self._word(word))
        yield from self._order()
        yield from self._deleted()

    def rested(self) -> None:
        """What people were asked is decided: what is shown now holds."""
        self.disputed = {name for name in self.disputed if not self._decided(name)}

    def _decided(self, name: str) -> bool:
        if name.startswith("t"):
            title = next((one["title"] for one in self.hr.all("people") if f"t{one['number']}" == name), "")
            return self.people.titles[name[1:]].decided(title)
        word = self.people.words[int(name[1:])]
        home = self.people.systems[word.home].state[word.stream].get(word.key, {})
        return word.versions.decided(bare(home.get("text", "")))

    # --- people ------------------------------------------------------------------------------------------------

    def _accounts(self) -> Iterator[str]:
        active = {one["number"]: one for one in self.hr.all("people") if one["active"]}
        for system in (self.chat, self.cms, self.people.desk):
            found = Counter(one["number"] for one in system.all("people"))
            yield from (f"{number} has {n} accounts in {system.name}" for number, n in found.items() if n > 1)
            yield from (f"{number} has no account in {system.name}" for number in active.keys() - found.keys())
            for account in system.all("people"):
                number = account["number"]
                if (account.get("active") is not False) != (number in active):
                    yield f"{number} is active={account.get('active')} in {system.name}"
                if number in active:
                    wrong = [f for f in FROM_HR if account[f].casefold() != active[number][f].casefold()]
                    yield from (f"{number} has an old {field} in {system.name}" for field in wrong)
                    yield from self._title(number, active[number]["title"], account["title"], system.name)

    def _title(self, number: str, in_hr: str, there: str, where: str) -> Iterator[str]:
        if in_hr != there:
            yield f"{number} is {in_hr} in hr, but {there} in {where}"
        yield from self._settled(f"t{number}", self.people.titles[number].heads(), in_hr)

    def _settled(self, name: str, heads: set[str], shown: str) -> Iterator[str]:
        if shown not in heads:
            yield f"{name} shows {shown}, which was replaced: {sorted(heads)}"
        if len(heads) > 1 and name not in self.disputed:
            yield f"{name} was changed on two sides and nobody was asked: {sorted(heads)}"

    def _deleted(self) -> Iterator[str]:
        """Who was locked in chat at a rest is deleted there once the grace period is over."""
        now, people = clock.now(), self.people
        locked = {one["number"] for one in self.chat.all("people") if one.get("active") is False}
        for number, since in self.locked.items():
            if number in locked and max(since, people.turned[number]) < now - GRACE:
                yield f"{number} is locked in chat since {since} and not deleted yet"
        self.locked = {number: max(self.locked.get(number, now), people.turned[number]) for number in locked}

    def _rooms(self) -> Iterator[str]:
        rooms = Counter(one["alias"] for one in self.chat.all("rooms"))
        yield from (f"there are {n} rooms {alias}" for alias, n in rooms.items() if n > 1)
        yield from (f"there is no room {alias}" for alias in DEPARTMENTS if alias not in rooms)
        accounts = {one["number"]: one["id"] for one in self.chat.all("people")}
        room = {one["alias"]: one["id"] for one in self.chat.all("rooms")}
        wanted = {
            (room.get(one["dept"]), accounts.get(one["number"])) for one in self.hr.all("people") if one["active"]
        }
        there = {(one["room"], one["user"]) for one in self.chat.all("memberships")}
        if wanted != there:
            yield f"members missing: {sorted(map(str, wanted - there))}, too many: {sorted(map(str, there - wanted))}"

    # --- posts -------------------------------------------------------------------------------------------------

    def _posts(self) -> Iterator[str]:
        rooms = {one["id"]: one["alias"] for one in self.chat.all("rooms")}
        for key in self.people.announced_in:
            post = self.cms.state["posts"].get(key)
            there = self.people.announcements_of(key)
            if there and not self._public(post):
                yield f"{key} is not published, or for nobody, but announced"
            if len(there) > 1:
                yield f"{key} is announced {len(there)} times"
            hushed = self._guests_among(key)
            if self._public(post) and not there and not hushed and key not in self.people.unannounced:
                yield f"{key} is not announced"
            for one in there if post else ():
                if bare(one["text"]) != post["title"] and not hushed:
                    yield f"{key} is {post['title']}, but announced as {one['text']}"
                if rooms[one["room"]] not in self._rooms_of(key):
                    yield f"{key} is announced in {rooms[one['room']]}"

    @staticmethod
    def _public(post: dict[str, Any] | None) -> bool:
        return (
            post is not None and post["state"] == "published" and (post.get("audience") or {}).get("scope") != "nobody"
        )

    def _rooms_of(self, post: str) -> set[str]:
        return {f"news-{name}" for name in self.people.announced_in[post]}

    def _guests_among(self, post: str) -> bool:
        """Guests in a room where it is or would be announced: nothing new is said to them, nothing taken back."""
        return any(one.get("guests") for one in self.chat.all("rooms") if one["alias"] in self._rooms_of(post))

    # --- words -------------------------------------------------------------------------------------------------

    def _word(self, word: Word) -> Iterator[str]:
        shown = self.people.shown(word)
        home = [native for system, _, native in shown if system.name == word.home and native["id"] == word.key]
        copies = [native for _, _, native in shown if native["id"] != word.key]
        post = self.cms.state["posts"].get(word.post)
        if word.taken_back or (word.home == "cms" and post is None):
            yield from ("it was taken back and is still shown",) if shown else ()
            return
        if not home:
            yield "it is lost where it was said"
            return
        if len(copies) > 1:
            yield f"there are {len(copies)} copies"
        if word.copy_removed and copies and not word.moved:  # moved, it is shown where nobody has removed it
            yield "its copy was removed and is there again"
        if not word.post:
            yield from self._joined(word, home[0], copies)
        elif self._public(post) and not self._hushed(word, home[0]):  # else it rests until it may be shown again
            yield from self._text(word, home[0]["text"], [native["text"] for native in copies])
            if self.people.announcements_of(word.post) and not copies and not word.copy_removed:
                yield "it has no copy"

    def _joined(self, word: Word, home: dict[str, Any], copies: list[dict[str, Any]]) -> Iterator[str]:
        """A question or an answer in the room of two chats."""
        there = elsewhere(word.home)
        root = self.people.words.get(word.root)
        if root and root.taken_back:
            yield from ("what it answers was taken back, and its copy was not",) if copies else ()
            return
        here, over_there = self.people.help_room(word.home), self.people.help_room(there)
        closed, closed_there = (one["visibility"] == "members" for one in (here, over_there))
        if closed and not closed_there:
            yield from ("it was said in a closed room, and is shown in an open one",) if copies else ()
            return
        among_guests = closed and here.get("guests")
        shown = root is None or self.people.shown_in(root, there) is not None
        if (over_there.get("guests") and not among_guests) or (word.moved and not shown):
            return  # nothing new is said to guests; what is not there yet waits for its place
        yield from self._text(word, home["text"], [native["text"] for native in copies])
        if shown and not copies and not word.copy_removed:
            yield "it has no copy"

    def _hushed(self, word: Word, home: dict[str, Any]) -> bool:
        """Said in the open and there are guests now, or said in a room that is closed now."""
        room = self.chat.state["rooms"].get(home.get("room", ""), {})
        return self._guests_among(word.post) or room.get("visibility") == "members"

    def _text(self, word: Word, home: str, copies: list[str]) -> Iterator[str]:
        if is_signed(home) or (bare(home) in word.typed and word.home == "chat" and home != bare(home)):
            yield f"where it was said it says {home}"
        if not (word.retracted or word.copy_removed):  # with an edit of it that had gone no further
            yield from self._settled(f"w{word.number}", word.versions.heads(), bare(home))
        yield from (f"it says {home}, its copy {text}" for text in copies if bare(text) != bare(home))

    def _order(self) -> Iterator[str]:
        """Announcements and questions of a room, and copies of a thread or under a post, stand as they were said."""
        copies = {
            (system.name, native["id"]): word
            for word in self.people.words.values()
            for system, _, native in self.people.shown(word) if native["id"] != word.key
        }  # fmt: skip
        for name, stream in SPOKEN.items():
            field = "thread" if stream == "messages" else "post"
            said = ((one.get(field), copies.get((name, one["id"]))) for one in self.people.systems[name].all(stream))
            turns = ((place, word.said_at, f"w{word.number}") for place, word in said if word and self._in_turn(word))
            yield from _in_order(turns)
        yield from _in_order(self._announced_in_turn())

    def _in_turn(self, word: Word) -> bool:
        return not word.held and not word.moved and word.author not in self.people.held_people

    def _announced_in_turn(self) -> Iterator[tuple[Any, str, str]]:
        for one in self.chat.all("messages"):
            post = self.people.titled.get(post_of(one), "")
            native = self.cms.state["posts"].get(post)
            if native and post not in self.people.held_posts:
                yield one["room"], native["at"], post


def _in_order(turns: Iterable[tuple[Any, str, str]]) -> Iterator[str]:
    """`turns`: (place, when it was said, name), as they stand there."""
    last: dict[Any, tuple[str, str]] = {}
    for place, moment, name in turns:
        at = moment.removesuffix("Z")  # as text that sorts: a whole second has no fraction
        before_at, before = last.get(place, ("", ""))
        if before_at > at:
            yield f"{name} stands after {before}, which was said later"
        last[place] = at, name
