"""What the people of the company do in their systems, and what they must find there afterwards.

Each act takes two numbers that choose among what is there, so that a list of acts means the same whenever it is played.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tests.model import clock
from tests.model.staff import Staff, pick
from tests.model.systems import Simulated
from tests.model.words import Versions, Word, again, bare, number_of

CATEGORIES = ("a", "b")


class People(Staff):
    """Acts by name in `ACTS`; what must not be forgotten of them is kept beside the systems."""

    def __init__(self, systems: dict[str, Simulated]) -> None:
        super().__init__(systems)
        self.words: dict[int, Word] = {}
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
            state=("published", "draft")[b % 4 == 3], category=CATEGORIES[b % 2], at=_at(),
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
        if native := pick(self._news_rooms(), a):
            self._hold_room(native["alias"])
            self.chat.put("rooms", id=native["id"], visibility=("public", "members")[b % 2])

    def invite_guests(self, a: int, b: int) -> None:
        if native := pick(self._news_rooms(), a):
            self._hold_room(native["alias"])
            self.chat.put("rooms", id=native["id"], guests=bool(b % 2))

    def _hold_room(self, alias: str) -> None:
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

    def _news_rooms(self) -> list[dict[str, Any]]:
        return [one for one in self.chat.all("rooms") if one["alias"].startswith("news-")]

    # --- words -------------------------------------------------------------------------------------------------

    def reply(self, a: int, b: int) -> None:
        root, author = pick(self._announcements(), a), pick(self._accounts("chat"), b)
        if root and author:
            post = self.titled[post_of(root)]
            self._say("chat", "messages", post, author["id"], room=root["room"], thread=root["id"])

    def comment(self, a: int, b: int) -> None:
        post = pick([one for one in self.cms.all("posts") if one["state"] == "published"], a)
        author = pick(self._accounts("cms"), b)
        if post and author:
            self._say("cms", "comments", post["id"], author["id"], post=post["id"])

    def _say(self, system: str, stream: str, about: str, author: str, **where: str) -> None:
        number, at = self._next(), _at()
        text = f"w{number}v0"
        key = self.systems[system].put(stream, author=author, text=text, at=at, **where)
        who = self.systems[system].state["people"][author]["number"]
        self.words[number] = Word(number, system, stream, key, about, at, who, Versions({text: None}), typed={text})
        # What is said in two rooms is shown as soon as one of them is open.
        self.words[number].held = self.room_changed and len(self.announced_in[about]) > 1

    def edit_word(self, a: int, b: int) -> None:
        """Where it was said, or its copy."""
        word = pick(list(self.words.values()), a)
        if word is not None and (shown := pick(self.shown(word), b)):
            system, stream, native = shown
            text = f"w{word.number}v{self._next()}"
            word.versions.write(text, bare(native["text"]))
            if system.name == word.home:
                word.typed.add(text)
            system.put(stream, id=native["id"], text=again(native["text"], text))

    def take_back(self, a: int, b: int) -> None:
        word = pick(list(self.words.values()), a)
        if word is not None and (shown := pick(self.shown(word), b)):
            system, stream, native = shown
            if system.name == word.home:
                word.taken_back = True
            else:
                word.copy_removed = True
            system.drop(stream, native["id"])

    def move_word(self, a: int, b: int) -> None:
        """To another thread, perhaps in another room; or under another post."""
        word = pick([one for one in self.words.values() if not one.taken_back and self._at_home(one)], a)
        if word is None:
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

    def _at_home(self, word: Word) -> bool:
        return word.key in self.systems[word.home].state[word.stream]

    # --- to look around ----------------------------------------------------------------------------------------

    def _accounts(self, system: str) -> list[dict[str, Any]]:
        return [one for one in self.systems[system].all("people") if one.get("active") is not False]

    def shown(self, word: Word) -> list[tuple[Simulated, str, dict[str, Any]]]:
        """Every record that shows it, its home first."""
        found = [
            (self.systems[name], stream, native)
            for name, stream in (("chat", "messages"), ("cms", "comments"))
            for native in self.systems[name].all(stream)
            if f"w{word.number}v" in native["text"]
        ]
        return sorted(found, key=lambda one: (one[0].name != word.home, one[2]["id"]))

    def act(self, name: str, a: int, b: int) -> None:
        ACTS[name](self, a, b)


ACTS: dict[str, Callable[[People, int, int], None]] = {
    act.__name__: act
    for act in (
        People.hire, People.rename, People.retitle, People.move, People.leave, People.come_back, People.strike_off,
        People.give_key_away,
        People.throw_out, People.post, People.edit_post, People.switch_post, People.file_post, People.delete_post,
        People.delete_announcement,
        People.confide, People.close_room, People.invite_guests, People.reply, People.comment, People.edit_word,
        People.move_word, People.take_back,
    )
}  # fmt: skip
# What there is much of in a company, and what decides who may see it.
TALK = ("comment", "reply", "post", "hire", "edit_word", "move_word")
STAFF = ("leave", "strike_off", "come_back", "hire", "give_key_away")
AUDIENCE = ("invite_guests", "close_room", "confide")


def post_of(message: dict[str, Any]) -> str:
    """The title of the post that a chat message announces, empty where it announces none."""
    text = bare(str(message["text"]))
    return text if text.startswith("n") else ""


def tidy(stream: str, native: dict[str, Any]) -> dict[str, Any]:
    """What a system makes of what it is given: names in capitals, and a full stop after each text."""
    shaped = dict(native)
    if "family" in native:
        shaped["family"] = native["family"].upper()
    if stream == "comments" and not native["text"].endswith("."):
        shaped["text"] = f"{native['text']}."
    return shaped


def _at() -> str:
    return clock.tick().isoformat().replace("+00:00", "Z")
