"""`landbridge sign-in`: a person signs in to a system, in whose name Landbridge then acts there."""

from __future__ import annotations

from typing import Annotated

import typer

from landbridge.cli.app import app
from landbridge.cli.command import command
from landbridge.cli.complete import systems_of
from landbridge.cli.listing import SETUP
from landbridge.cli.output import OK, line
from landbridge.cli.session import Session
from landbridge.connector import SignsIn, connector_class
from landbridge.errors import ConfigError


@command(
    app, "sign-in",
    ("landbridge sign-in teams", "Shows a code to enter in any browser, and waits until somebody has."),
    panel=SETUP,
)  # fmt: skip
def sign_in(
    session: Session,
    system: Annotated[str, typer.Argument(help="A system of config/systems.yaml.", autocompletion=systems_of)],
) -> None:
    """Let a person sign in to a system with a code, and keep the sign-in in the file that its connection names.

    For systems that let only people do something. Sign in as the account that Landbridge has there, not as yourself:
    whatever is written bears its name. What is kept renews itself; sign in anew where it has ended or was revoked.
    """
    found = session.company.system(system)
    cls = connector_class(found.connector)
    if not issubclass(cls.Config, SignsIn):
        raise ConfigError(
            f"{system}: nobody signs in to a system of {found.connector} with a code.",
            remedy=f"Its sign-in stands in its connection; `landbridge check {system}` says whether it is good.",
        )
    config = cls.Config.of(session.connections()(found.connection), found.config.options)
    file = config.sign_in(session.note)
    session.show({"system": system, "file": file}, line(OK, f" {system}: the sign-in is kept in {file}."))
