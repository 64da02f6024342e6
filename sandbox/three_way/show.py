"""The day as a table: each message as each tool shows it."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from sandbox.three_way.play import Play
from sandbox.three_way.world import TOOLS, Shown

NAMES = {"slack": "Slack (emulator)", "matrix": "Matrix (Synapse)", "mail": "E-mail (Dovecot)"}


def table(play: Play) -> Table:
    """A row for each message of the day; an id is what the tool itself calls it."""
    found = Table(title="The help desk, as each tool shows it", title_justify="left", show_lines=True)
    found.add_column("said")
    for tool in TOOLS:
        found.add_column(NAMES[tool])
    shown = play.world.shown()
    for text, expected in play.expected.items():
        told = f"[bold]{escape(text)}[/]\n{expected.who} in {expected.tool}"
        cells = [[one for one in shown[tool] if expected.text_in(tool) in one.text] for tool in TOOLS]
        found.add_row(told, *(_cell(said, shown[tool]) for said, tool in zip(cells, TOOLS, strict=True)))
    return found


def _cell(said: list[Shown], others: list[Shown]) -> str:
    if not said:
        return "[dim]removed[/]"
    return "\n\n".join(_one(one, others) for one in said)


def _one(one: Shown, others: list[Shown]) -> str:
    root = next((other for other in others if other.id == one.thread), None)
    lines = [f"{escape(one.author)}: {escape(one.text.splitlines()[0])}", f"[dim]{escape(one.id[:40])}[/]"]
    lines += [f"under “{escape(root.text.splitlines()[0][:30])}…”"] if root else []
    lines += ["edited"] if one.edited else []
    lines += [f"{name} × {count}" for name, count in one.reactions.items()]
    lines += [f"{escape(name)} sha256 {digest[:12]}…" for name, digest in one.files.items()]
    return "\n".join(lines)
