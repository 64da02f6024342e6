"""What the demo prints."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from sandbox.commands import Progress
from sandbox.company import halbrueck
from sandbox.demo.branch_day import ASKER, desk
from sandbox.demo.day import Event
from sandbox.registry import load

console = Console()
_GOING = ("install", "start", "seed")
_DOING = {
    "install": "installing",
    "start": "starting",
    "seed": "filling",
    "up": "up",
    "down": "down",
    "failed": "failed",
}


def heading(title: str, text: str) -> None:
    console.print(f"\n[bold cyan]{title}[/]  [dim]{text}[/]")


@contextmanager
def coming_up() -> Iterator[Callable[[Progress], None]]:
    """A line per system that says what is being done to it; where that is no terminal, one for each step."""
    states: dict[str, Progress] = {}
    began: dict[str, float] = {}
    if not console.is_terminal:
        yield lambda progress: console.print(_table([progress]))
        return

    def draw() -> Table:
        now = time.monotonic()
        going = [replace(one, seconds=now - began[one.system]) for one in list(states.values()) if one.stage in _GOING]
        return _table(list((states | {one.system: one for one in going}).values()))

    with Live(console=console, refresh_per_second=4, get_renderable=draw):

        def report(progress: Progress) -> None:
            began.setdefault(progress.system, time.monotonic())
            states[progress.system] = progress

        yield report


def _table(steps: list[Progress]) -> Table:
    table = Table.grid(padding=(0, 2))
    for progress in steps:
        colour = {"up": "green", "failed": "red"}.get(progress.stage, "yellow")
        took = f"{progress.seconds:.0f} s" if progress.seconds >= 1 else ""
        stage, detail = f"[{colour}]{_DOING[progress.stage]}[/]", escape(progress.detail[:70])
        table.add_row(f"  {progress.system}", stage, took, f"[dim]{detail}[/]")
    return table


def table(events: list[Event], seconds: float) -> None:
    """What went where, and how long it took to be there."""
    shown = Table(title=f"What went where ({seconds:.0f} s in all)", title_justify="left", expand=False)
    for name, more in (("what happened", {}), ("where", {}), ("found there", {}), ("seconds", {"justify": "right"})):
        shown.add_column(name, **more)  # type: ignore[arg-type]
    for event in events:
        found = escape(event.found) or f"[red]{escape(event.error) or 'not found'}: {event.expected}[/]"
        after = f"{event.seconds:.1f}" if event.seconds is not None else "–"
        shown.add_row(event.title, event.where, found, after)
    console.print()
    console.print(shown)


def left_out(systems: Mapping[str, Iterable[str]], flows: Iterable[str]) -> None:
    """What is not there, and the one command that brings it."""
    if not systems:
        return
    and_so = ", ".join(flows)
    console.print(f"[yellow]Left out:[/] {', '.join(systems)}{and_so and f', and so the flows {and_so}'}.")
    needed = dict.fromkeys(package for packages in systems.values() for package in packages)
    if needed:
        command = f"apt-get install --no-install-recommends {' '.join(needed)}"
        console.print(f"To add it, as root: [bold]{command}[/]; then make demo again.", soft_wrap=True)
    else:
        console.print("Why python-ldap could not be built is said at the very top.")


def addresses(root: Path, absent: Iterable[str], environment: Mapping[str, str]) -> None:
    """Where to look for oneself. The passwords were made for this sandbox, on this machine."""
    heading("Look for yourself", "Address, login and password of each product.")
    for name, (path, login, secret) in _LOGINS.items():
        if name not in absent:
            facts = load(name, root).facts()
            address = facts.get("url") or f"{'ldap' if name == 'slapd' else 'http'}://127.0.0.1:{facts['port']}"
            password = load(name, root).passwords()["admin"] if name == "airflow" else _inside(facts, secret)  # type: ignore[attr-defined]
            # In lines of their own, so that a narrow window breaks none of what is to be copied.
            console.print(f"  {name:<10} {address}{path}", highlight=False, soft_wrap=True)
            console.print(f"{'':<13}{escape(login)}: [bold]{escape(password)}[/]", highlight=False, soft_wrap=True)
    console.print(f"  {'branch':<10} {desk(root).page(ASKER)}", highlight=False, soft_wrap=True)
    console.print(f"{'':<13}the branch's Slack, an emulator, as {halbrueck().by_user_name[ASKER].full_name} sees it")
    told = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    command = Path(sys.executable).with_name("landbridge")
    console.print("  On the command line, in another terminal:")
    console.print(f"{'':<13}export {told}", highlight=False, soft_wrap=True)
    console.print(f"{'':<13}{command} status", highlight=False, soft_wrap=True)


# System → path of its front door, a login, and where its facts keep the password.
_LOGINS = {
    "airflow": ("", "admin (under Landbridge: what is joined, and what was held back)", ""),
    "tryton": ("", "admin (database tryton, Tryton's own client)", "passwords.admin"),
    "synapse": ("", "any colleague, e.g. @anna.mueller (any Matrix client)", "people_password"),
    "wordpress": ("/wp-admin/", "admin", "admin_password"),
    "mediawiki": ("/", "any colleague, e.g. Günther Strauß", "people_password"),
    "slapd": ("", "cn=landbridge,ou=services,dc=halbrueck,dc=example", "service_password"),
}


def _inside(facts: dict[str, Any], path: str) -> str:
    for part in path.split("."):
        facts = facts[part]
    return str(facts)
