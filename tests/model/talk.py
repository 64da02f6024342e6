"""What people say: under posts, and to each other in a room of two chats that are joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.model import clock
from tests.model.staff import Staff, pick
from tests.model.systems import Simulated
from tests.model.words import Versions, Word, again, bare

# Systems of which the room HELP is one conversation.
JOINED = ("chat", "desk")
HELP = "help"
# Where words are shown.
SPOKEN = {"chat": "messages", "cms": "comments", "desk": "messages"}


class Talk(Staff):
    """The acts that concern words, wherever they are said, and those of the joined room."""

    def __init__(self, systems: dict[str, Simulated]) -> None:
        super().__init__(systems)
        self.desk = systems["desk"]
        self.words: dict[int, Word] = {}
        for name in JOINED:
            systems[name].put("rooms", name="Help", alias=HELP, visibility="public")

    # --- in the joined room ------------------------------------------------------------------------------------

    def ask(self, a: int, b: int) -> None:
        """In one chat or the other."""
        system = JOINED[b % 2]
        if author := pick(self._accounts(system), a):
            self._say(system, "", author["id"], room=self.help_room(system)["id"])

    def answer(self, a: int, b: int) -> None:
        """Where the question was asked, or where it is shown."""
        root = pick(self._questions(), a)
        shown = pick(self.shown(root), b) if root else None
        if root and shown and (author := pick(self._accounts(shown[0].name), a + b)):
            system, _, native = shown
            word = self._say(system.name, "", author["id"], room=native["room"], thread=native["id"])
            word.root = root.number

    def _move_answer(self, word: Word, b: int) -> None:
        """To another question."""
        others = [one for one in self._questions() if one.number != word.root]
        places = [(one, native) for one in others if (native := self.shown_in(one, word.home))]
        if found := pick(places, b):
            root, native = found
            word.root, word.moved = root.number, True
            self.systems[word.home].put("messages", id=word.key, room=native["room"], thread=native["id"])

    def _questions(self) -> list[Word]:
        return [word for word in self.words.values() if not (word.post or word.root or word.taken_back)]

    def help_room(self, system: str) -> dict[str, Any]:
        return next(one for one in self.systems[system].all("rooms") if one["alias"] == HELP)

    # --- any word ----------------------------------------------------------------------------------------------

    def _say(self, system: str, about: str, author: str, **where: str) -> Word:
        number, at = self._next(), now_said()
        text, stream = f"w{number}v0", SPOKEN[system]
        key = self.systems[system].put(stream, author=author, text=text, at=at, **where)
        who = self.systems[system].state["people"][author]["number"]
        self.words[number] = Word(number, system, stream, key, about, at, who, Versions({text: None}), typed={text})
        return self.words[number]

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

    def at_home(self, word: Word) -> bool:
        return word.key in self.systems[word.home].state[word.stream]

    def shown(self, word: Word) -> list[tuple[Simulated, str, dict[str, Any]]]:
        """Every record that shows it, its home first."""
        found = [
            (self.systems[name], stream, native)
            for name, stream in SPOKEN.items()
            for native in self.systems[name].all(stream)
            if f"w{word.number}v" in native["text"]
        ]
        return sorted(found, key=lambda one: (one[0].name != word.home, one[2]["id"]))

    def shown_in(self, word: Word, system: str) -> dict[str, Any] | None:
        return next((native for one, _, native in self.shown(word) if one.name == system), None)

    def _accounts(self, system: str) -> list[dict[str, Any]]:
        return [one for one in self.systems[system].all("people") if one.get("active") is not False]


ACTS: tuple[Callable[[Talk, int, int], None], ...] = (Talk.ask, Talk.answer, Talk.edit_word, Talk.take_back)


def elsewhere(system: str) -> str:
    """The other of the joined chats."""
    return JOINED[1 - JOINED.index(system)]


def now_said() -> str:
    return clock.tick().isoformat().replace("+00:00", "Z")
