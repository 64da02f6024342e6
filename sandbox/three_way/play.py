"""What people say and do at the help desk in a day, and what each tool has to show of it afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.three_way.world import ANNA, GUEST, IN_SLACK, LUKASZ, RENEE, Shown, World, full_name

PICTURES = {name: b"\x89PNG\r\n\x1a\n" + name.encode() * 2000 for name in ("fire.png", "key.png", "ladder.png")}
# Where Landbridge is given time to pass on what was said: all streams read, in full where `full`.
Pass = Callable[[bool], None]


@dataclass
class Expected:
    """One message: who said it where, and what each tool has to show of it now; a tool that is not named shows none."""

    text: str
    who: str
    tool: str
    root: str = ""
    file: str = ""
    gone: tuple[str, ...] = ()
    # The text where another is shown, since it cannot be changed there.
    texts: dict[str, str] = field(default_factory=dict)
    edited: tuple[str, ...] = ()
    reactions: dict[str, dict[str, int]] = field(default_factory=dict)

    def text_in(self, tool: str) -> str:
        return self.texts.get(tool, self.text)

    def author_in(self, tool: str) -> tuple[str, str]:
        """Whom the tool names as its author, and the name before the text where it cannot name the true one."""
        name = full_name(self.who)
        if tool == self.tool:
            return name, ""
        if self.who == GUEST:
            return "Landbridge", f"{name} ({GUEST}), not verified: "
        if tool == "matrix" or (tool == "slack" and self.who in IN_SLACK):
            return name, ""
        return "Landbridge", f"{name}: "

    def mismatch(self, tool: str, shown: list[Shown]) -> str:
        """What is not as it should be in this tool; empty where all is."""
        author, prefix = self.author_in(tool)
        found = [one for one in shown if self.text_in(tool) in one.text]
        if tool in self.gone:
            return "still there" if found else ""
        if len(found) != 1:
            return f"there {len(found)} times"
        one = found[0]
        said = one.text.partition("\n\nOn ")[0].removeprefix("Ladder\n\n")
        roots = [other.id for other in shown if self.root and self.root in other.text]
        checks = {
            f"text {said!r}": said == f"{prefix}{self.text_in(tool)}" or tool == self.tool,
            f"author {one.author!r}": one.author == author,
            "thread": one.thread == (roots[0] if roots else ""),
            f"edited {one.edited}": one.edited is (tool in self.edited),
            f"reactions {one.reactions}": one.reactions == self.reactions.get(tool, {}),
            f"files {sorted(one.files)}": one.files == ({self.file: checksum(self.file)} if self.file else {}),
        }
        return ", ".join(what for what, right in checks.items() if not right)


def checksum(picture: str) -> str:
    return hashlib.sha256(PICTURES[picture]).hexdigest()


FIRE, KEY, LADDER = "The printer in hall 2 is on fire.", "Who has the key of hall 3?", "The ladder is broken."
SMOKE = "The printer in hall 2 only smokes."
SECRET = "Nobody else may read this."


class Play:
    """A day in four parts; after each, `expected` is what has to be seen in each tool."""

    def __init__(self, world: World, passing: Pass) -> None:
        self.world, self.passing = world, passing
        self.expected: dict[str, Expected] = {}

    def day(self) -> None:
        for part in (self.questions, self.answers, self.second_thoughts):
            part()

    def questions(self) -> None:
        """One in each tool, each with a picture; and something in rooms that are not the flow's."""
        world = self.world
        world.slack.say(ANNA, FIRE, file=("fire.png", PICTURES["fire.png"]))
        world.matrix.say(LUKASZ, KEY, file=("key.png", PICTURES["key.png"]))
        world.mail.say(RENEE, LADDER, subject="Ladder", file=("ladder.png", PICTURES["ladder.png"]))
        world.slack.say(ANNA, SECRET, room="works-council")
        world.matrix.say(LUKASZ, SECRET, room="works-council")
        self._expect(FIRE, ANNA, "slack", file="fire.png")
        self._expect(KEY, LUKASZ, "matrix", file="key.png")
        self._expect(LADDER, RENEE, "mail", file="ladder.png")
        self.passing(False)

    def answers(self) -> None:
        """To each question from the two other tools, one of them by somebody from outside; and reactions."""
        for text, who, tool, root in (
            ("Use the extinguisher.", LUKASZ, "matrix", FIRE), ("Get out of there!", RENEE, "mail", FIRE),
            ("I have it.", ANNA, "slack", KEY), ("Ask the gate.", RENEE, "mail", KEY),
            ("A new one is ordered.", ANNA, "slack", LADDER), ("Use the lift.", LUKASZ, "matrix", LADDER),
            ("I could lend you one.", GUEST, "mail", LADDER),
        ):  # fmt: skip
            getattr(self.world, tool).say(who, text, self._id(tool, root))
            self._expect(text, who, tool, root=root)
        self.seen = self.world.matrix.react(LUKASZ, self._id("matrix", FIRE), "👀")
        self.world.slack.react(ANNA, self._id("slack", KEY), "+1")
        self.world.slack.react(RENEE, self._id("slack", LADDER), "tada")
        self._reactions(FIRE, slack={"eyes": 1}, matrix={"👀": 1})
        self._reactions(KEY, slack={"+1": 1}, matrix={"👍": 1})
        self._reactions(LADDER, slack={"tada": 1}, matrix={"🎉": 1})
        self.passing(False)

    def second_thoughts(self) -> None:
        """What was said is changed, and taken back. A mail cannot be."""
        slack, matrix = self.world.slack, self.world.matrix
        slack.edit(self._id("slack", FIRE), SMOKE)
        self._reworded(FIRE, SMOKE, "slack", "matrix")
        matrix.edit(LUKASZ, self._id("matrix", "Use the lift."), "Use the stairs.")
        self._reworded("Use the lift.", "Use the stairs.", "matrix")
        slack.remove(self._id("slack", "A new one is ordered."))
        matrix.remove(LUKASZ, self._id("matrix", "Use the extinguisher."))
        for text in ("A new one is ordered.", "Use the extinguisher."):
            self.expected[text].gone = ("slack", "matrix")
        for text in ("Use the extinguisher.", "Get out of there!"):
            self.expected[text].root = "The printer in hall 2"
        matrix.remove(LUKASZ, self.seen)
        self._reactions(SMOKE, slack={}, matrix={})
        self.passing(True)

    def mismatches(self) -> list[str]:
        """Whatever is not as it should be, in words; also what is there and should not be."""
        found = []
        for tool, shown in self.world.shown().items():
            told = {text: one.mismatch(tool, shown) for text, one in self.expected.items()}
            found += [f"{tool}: {text}: {what}" for text, what in told.items() if what]
            wanted = sum(tool not in one.gone for one in self.expected.values())
            if len(shown) != wanted:
                found.append(f"{tool}: {len(shown)} messages instead of {wanted}")
        rooms = {"slack": self.world.slack.shown("works-council"), "matrix": self.world.matrix.shown("works-council")}
        found += [f"{tool}: the closed room was touched" for tool, said in rooms.items() if len(said) != 1]
        return found

    def _expect(self, text: str, who: str, tool: str, *, root: str = "", file: str = "") -> Expected:
        self.expected[text] = Expected(text, who, tool, root, file)
        return self.expected[text]

    def _reworded(self, before: str, now: str, *edited: str) -> None:
        """In its place; a mail keeps its words. `edited`: the tools that say so."""
        found = {now if text == before else text: one for text, one in self.expected.items()}
        found[now].text, found[now].texts, found[now].edited = now, {"mail": before}, edited
        self.expected = found

    def _reactions(self, text: str, **found: dict[str, int]) -> None:
        self.expected[text].reactions = found

    def _id(self, tool: str, text: str) -> str:
        """Of the message in this tool that holds the text."""
        shown: list[Shown] = getattr(self.world, tool).shown()
        return next(one.id for one in shown if text in one.text)
