"""`landbridge new`: a connector whose generated state already passes the conformance suite."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.listing import SETUP
from landbridge.cli.output import OK, indented, line, plural, row, table
from landbridge.cli.scaffold import Scaffold, scaffold
from landbridge.cli.session import Session
from landbridge.errors import ConfigError

ENTRY_POINTS = '[project.entry-points."landbridge.connectors"]\n'
# What to type next, and what it is for.
INSTALL = "makes it known to Landbridge"
CHECK = ("landbridge check $system", "passes; now make it, piece by piece, like $title")
NEXT_INSIDE = (
    ("pip install -e . --no-deps", INSTALL),
    CHECK,
    ("python -m landbridge_airflow.forms", "the connection's form in Airflow, where its fields changed"),
    ("python docs/tables.py", "the pages of all connectors"),
)
NEXT_APART = (
    ("cd landbridge-$dashed", ""),
    ("pip install -e .", INSTALL),
    CHECK,
    ("landbridge try $system posts", "real records, once config/systems.yaml names it"),
)


class Auth(StrEnum):
    """How requests are signed; the help says what each is."""

    basic = "basic"
    bearer = "bearer"
    oauth2 = "oauth2"
    msal = "msal"


class PagesBy(StrEnum):
    """How lists are paged."""

    cursor = "cursor"
    link = "link"
    number = "number"
    offset = "offset"
    odata = "odata"


SIGNED = (
    "How requests are signed: basic by name and password, bearer by a token that is given once, oauth2 by tokens for a "
    "client id and its secret, msal by those of Microsoft Entra for an application or a person."
)
PAGED = (
    "How a list goes on: cursor by a value in the answer, link by a Link header, number by page=1, 2, 3, offset by how many "
    "to leave out, odata by @odata.nextLink."
)


@command(
    app, "new",
    ("landbridge new zulip", "A connector in a distribution of its own, landbridge-zulip/."),
    ("landbridge new zulip --auth oauth2 --pages link", "Signed by OAuth 2, lists paged by the Link header."),
    panel=SETUP,
)  # fmt: skip
def new(
    session: Session,
    system: Annotated[str, typer.Argument(help="Its name in small letters: zulip, service_desk.")],
    auth: Annotated[Auth, typer.Option("--auth", metavar="<how>", help=SIGNED)] = Auth.bearer,
    pages: Annotated[PagesBy, typer.Option("--pages", metavar="<how>", help=PAGED)] = PagesBy.number,
    into: Annotated[Path, typer.Option("--into", help="Folder to make it in.")] = Path(),
) -> None:
    """Make a connector that already passes the conformance suite, on a small emulator of its system.

    In a checkout of Landbridge it becomes a folder in connectors/, anywhere else a distribution of its own. Then change
    it, piece by piece, into what the system is really like.
    """
    made = scaffold(system, auth.value, pages.value, into.resolve())
    write(made)
    steps = NEXT_INSIDE if made.inside else NEXT_APART
    after = {Template(one).substitute(made.names): Template(says).substitute(made.names) for one, says in steps}
    data = {"system": system, "folder": str(made.root), "files": list(made.texts), "next": list(after)}
    title = line(OK, f" {plural(len(made.texts), 'file')} made", (f"  {made.root}", "dim"))
    session.show(data, title, _explained(made.says), "", line(("Next", "bold")), _explained(after, "cyan"))


def _explained(said: Mapping[str, str], style: str = "") -> Any:
    """What there is, and beside it what it is for."""
    found = table("", "")
    found.columns[0].no_wrap = True  # what is typed or opened stays in one piece
    for one, says in said.items():
        row(found, (one, style), (says, "dim"))
    return indented(found)


def write(made: Scaffold) -> None:
    """Never over what is there. In a checkout the connector is registered beside the others."""
    if there := [name for name in made.texts if (made.root / name).exists()]:
        raise ConfigError(
            f"{there[0]} is there already.", file=str(made.root), remedy="Move it away, or use another name."
        )
    project = made.root / "pyproject.toml"
    registered = _registered(project.read_text(encoding="utf-8"), made.names) if made.inside else None
    for name, text in made.texts.items():
        path = made.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if registered is not None:
        project.write_text(registered, encoding="utf-8")


def _registered(project: str, names: Mapping[str, str]) -> str:
    """The project with one more entry point, in the order of the alphabet."""
    entry = f'{names["system"]} = "{names["package"]}.connector:{names["class_name"]}"'
    head, found, rest = project.partition(ENTRY_POINTS)
    if not found:
        raise ConfigError(f"pyproject.toml has no section {ENTRY_POINTS.strip()}.", remedy=f"Add it, with {entry}.")
    known, gap, tail = rest.partition("\n\n")
    return head + found + "\n".join(sorted([*known.splitlines(), entry])) + gap + tail
