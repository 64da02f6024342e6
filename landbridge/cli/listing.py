"""Every command as the first help shows it, so that showing it imports none of them; a test compares it with them."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

DAILY, LOOK, DECIDE, SETUP = "Every day", "Look", "Decide", "Set up"


class Listed(NamedTuple):
    """`module` is where it registers itself, below landbridge.cli."""

    module: str
    panel: str
    says: str


# In the order of a first day, not of the alphabet.
COMMANDS = {
    "check": Listed(
        "check",
        DAILY,
        "Check the configuration, run the mappings' examples both ways, and ask each system whose account this is.",
    ),
    "doctor": Listed(
        "doctor",
        DAILY,
        "Examine the hub, the configuration, the connections, the clocks and all that waits; say what to do about each.",
    ),
    "read": Listed("run", DAILY, "Read a system into the hub; nothing is written to any system."),
    "plan": Listed(
        "plan", DAILY, "Show what a run would write, per target and field, without writing anything or moving a cursor."
    ),
    "run": Listed("run", DAILY, "Read, merge, plan, guard and write: what the flows' DAGs do, done now."),
    "watch": Listed("watch", DAILY, "Listen to systems that tell what happens, and let the flows follow at once."),
    "status": Listed(
        "status", LOOK, "Show how fresh each system is, what each flow has written, and what is open. Asks no system."
    ),
    "history": Listed(
        "history",
        LOOK,
        "Show one entity: what is known, from which system, where it is shown, and what happened to it, newest first.",
    ),
    "entities": Listed(
        "history", LOOK, "List what the company knows of one kind, oldest first. That you looked is noted in the audit."
    ),
    "decide": Listed(
        "decide",
        DECIDE,
        "List open questions, or answer one: ambiguous matches, disputed fields, edited pages, tripped brakes.",
    ),
    "set-aside": Listed("setaside", DECIDE, "What could not be read or written: list it, try it again, drop it."),
    "unlink": Listed(
        "unlink",
        DECIDE,
        "Undo a wrong link between a record and what the company knows, with all that followed from it.",
    ),
    "policy": Listed("policy", DECIDE, "Which private spaces are read; who does not want that opts out."),
    "sign-in": Listed(
        "sign_in",
        SETUP,
        "Let a person sign in to a system with a code, and keep the sign-in in the file that its connection names.",
    ),
    "try": Listed(
        "try_",
        SETUP,
        "Read a few records live and show them, as the system says them and as the mapping makes of them.",
    ),
    "map": Listed(
        "map_", SETUP, "Draft a mapping from a recording: what is recognised, what is not, and examples that hold."
    ),
    "sandbox": Listed("sandbox", SETUP, "A whole company of real systems on this machine, for the demo and the tests."),
    "new": Listed(
        "new", SETUP, "Make a connector that already passes the conformance suite, on a small emulator of its system."
    ),
    "hub": Listed("hub", SETUP, "The hub's database: bring its tables up to date, check it."),
    "schema": Listed("schema", SETUP, "JSON Schemas of the configuration files, for editors."),
    "docs": Listed("reference", SETUP, "The reference pages of the documentation."),
}


def load(name: str | None = None) -> None:
    """Have this command register itself, or all of them."""
    for one in COMMANDS if name is None else (name,):
        import_module(f"landbridge.cli.{COMMANDS[one].module}")
