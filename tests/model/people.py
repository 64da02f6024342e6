"""What the people of the company do in their systems, and what they must find there afterwards.

Each act takes two numbers that choose among what is there, so that a list of acts means the same whenever it is played.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tests.model import talk
from tests.model.staff import pick
from tests.model.systems import Simulated
from tests.model.talk import HELP, JOINED, Talk, now_said
from tests.model.words import bare, number_of

CATEGORIES = ("a", "b")


class People(Talk):
    """Acts by name in `ACTS`; what must not be forgotten of them is kept beside the systems."""

    def __init__(self, systems: dict[str, Simulated]) -> None:
        super().__init__(systems)
        self.announced_in: dict[str, set[str]] = {}
        self.titled: dict[str, str] = {}
        self.unannounced: set[str] = set()
        # Posts of which the announcement, and people of whom an account, may have had to wait for more than its turn.
        self.held_posts: set[str] = set()
        self.held_people: set[str] = set()
        self.room_changed = False

    # --- posts -------------------------------------------------------------------------------------------------

    def post(self, a: int, b: int) -> None:
        author = pick(self.cms.all("people"), a)
        title = f"n{self._next()}"
        key = self.cms.put(
            "posts", title=title, body="New.", author=author and author["id"],
            state=("published", "draft")[b % 4 == 3], category=CATEGORIES[b % 2], at=now_said(),
        )  # fmt: skip
        self.titled[title] = key
        self.announced_in[key] = {CATEGORIES[b % 2]}

    def edit_post(self, a: int, b: int) -> None:
        if native := pick(self.cms.all("posts"), a):
            title = f"n{self._next()}"
            self.titled[title] = native["id"]
            self.cms.put("posts", id=native["id"], title=title)

    def switch_post(self, a: int, b: int) -> None:
        """Published, or taken off again."""
        if native := pick(self.cms.all("posts"), a):
            self._hold([native["id"]])
            state = "archived" if native["state"] == "published" else "published"
            self.cms.put("posts", id=native["id"], state=state)

    def file_post(self, a: int, b: int) -> None:
        """Under another category."""
        if native := pick(self.cms.all("posts"), a):
            self.announced_in[native["id"]].add(CATEGORIES[b % 2])
            self.held_posts.add(native["id"])
            self.cms.put("posts", id=native["id"], category=CATEGORIES[b % 2])

    def delete_post(self, a: int, b: int) -> None:
        if native := pick(self.cms.all("posts"), a):
            self.cms.drop("posts", native["id"])

    def delete_announcement(self, a: int, b: int) -> None:
        if native := pick(self._announcements(), a):
            self.unannounced.add(self.titled[post_of(native)])
            self.chat.drop("messages", native["id"])

    def _announcements(self) -> list[dict[str, Any]]:
        return [one for one in self.chat.all("messages") if post_of(one)]

    def announcements_of(self, post: str) -> list[dict[str, Any]]:
        return [one for one in self._announcements() if self.titled[post_of(one)] == post]

    # --- who may see what -----------------------------------------------------------------------------------------

    def confide(self, a: int, b: int) -> None:
        """Not meant for anybody any more, or for everyone here again."""
        if native := pick(self.cms.all("posts"), a):
            self._hold([native["id"]])
            self.cms.put("posts", id=native["id"], audience={"scope": ("company", "nobody")[b % 2]})

    def close_room(self, a: int, b: int) -> None:
        if found := pick(self._rooms(), a):
            system, native = found
            self._hold_room(native["alias"])
            system.put("rooms", id=native["id"], visibility=("public", "members")[b % 2])

    def invite_guests(self, a: int, b: int) -> None:
        if found := pick(self._rooms(), a):
            system, native = found
            self._hold_room(native["alias"])
            system.put("rooms", id=native["id"], guests=bool(b % 2))

    def _hold_room(self, alias: str) -> None:
        if alias == HELP:
            self._hold([""])
            return
        self.room_changed = True
        self._hold([post for post, names in self.announced_in.items() if alias.removeprefix("news-") in names])

    def _hold(self, posts: Collection[str]) -> None:
        """What is said of these until now may be shown later than what is said from now on."""
        self.held_posts.update(posts)
        for word in self.words.values():
            word.held |= word.post in posts

    def refused(self, system: Simulated, stream: str, what: Any) -> None:
        """A system has refused to write this, a native or the key of one."""
        native = system.state[stream].get(what, {}) if isinstance(what, str) else what
        if stream == "people" and native:
            self.held_people.add(native["number"])
        text = str(native.get("text", ""))
        if word := self.words.get(number_of(text) or 0):
            word.held = True
        self.held_posts.update(filter(None, [self.titled.get(bare(text))]))

    def _rooms(self) -> list[tuple[Simulated, dict[str, Any]]]:
        """Those of the joined chats first, then those of posts."""
        news = [(self.chat, one) for one in self.chat.all("rooms") if one["alias"].startswith("news-")]
        return [*((self.systems[name], self.help_room(name)) for name in JOINED), *news]

    # --- words -------------------------------------------------------------------------------------------------

    def reply(self, a: int, b: int) -> None:
        root, author = pick(self._announcements(), a), pick(self._accounts("chat"), b)
        if root and author:
            post = self.titled[post_of(root)]
            self._say_about("chat", post, author["id"], room=root["room"], thread=root["id"])

    def comment(self, a: int, b: int) -> None:
        post = pick([one for one in self.cms.all("posts") if one["state"] == "published"], a)
        author = pick(self._accounts("cms"), b)
        if post and author:
            self._say_about("cms", post["id"], author["id"], post=post["id"])

    def _say_about(self, system: str, about: str, author: str, **where: str) -> None:
        """What is said in two rooms is shown as soon as one of them is open."""
        self._say(system, about, author, **where).held = self.room_changed and len(self.announced_in[about]) > 1

    def move_word(self, a: int, b: int) -> None:
        """To another thread, perhaps in another room; or under another post; or to another question."""
        movable = [one for one in self.words.values() if (one.post or one.root) and not one.taken_back]
        word = pick([one for one in movable if self.at_home(one)], a)
        if word is None:
            return
        if word.root:
            self._move_answer(word, b)
            return
        if word.home == "chat":
            root = pick([one for one in self._announcements() if self.titled[post_of(one)] != word.post], b)
            where = root and {"room": root["room"], "thread": root["id"]}
            about = root and self.titled[post_of(root)]
        else:
            about = pick([one["id"] for one in self.cms.all("posts") if one["id"] != word.post], b)
            where = {"post": about}
        if about:
            word.post, word.moved = about, True
            self.systems[word.home].put(word.stream, id=word.key, **where)

    def act(self, name: str, a: int, b: int) -> None:
        ACTS[name](self, a, b)


ACTS: dict[str, Callable[[People, int, int], None]] = {
    act.__name__: act
    for act in (
        People.hire, People.rename, People.retitle, People.move, People.leave, People.come_back, People.strike_off,
        People.give_key_away,
        People.throw_out, People.post, People.edit_post, People.switch_post, People.file_post, People.delete_post,
        People.delete_announcement,
        People.confide, People.close_room, People.invite_guests, People.reply, People.comment, People.move_word,
        *talk.ACTS,
    )
}  # fmt: skip
# What there is much of in a company, and what decides who may see it.
TALK = ("comment", "reply", "post", "hire", "ask", "answer", "edit_word", "move_word")
STAFF = ("leave", "strike_off", "come_back", "hire", "give_key_away")
AUDIENCE = ("invite_guests", "close_room", "confide")


def post_of(message: dict[str, Any]) -> str:
    """The title of the post that a chat message announces, empty where it announces none."""
    text = bare(str(message["text"]))
    return text if text.startswith("n") else ""


def tidy(stream: str, native: dict[str, Any], texts: str = "comments") -> dict[str, Any]:
    """What a system makes of what it is given: names in capitals, and a full stop after each text of this stream."""
    shaped = dict(native)
    if "family" in native:
        shaped["family"] = native["family"].upper()
    if stream == texts and not native["text"].endswith("."):
        shaped["text"] = f"{native['text']}."
    return shaped
