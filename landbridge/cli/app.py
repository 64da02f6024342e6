"""The command `landbridge`: its groups, its help, and what happens to a wrong command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from landbridge import __version__
from landbridge.cli.exits import INTERRUPTED, MEANING, Exit
from landbridge.cli.listing import COMMANDS
from landbridge.cli.output import BAD, console, line

_CODES = "\n".join(f"  [bold]{code.value:>2}[/]  {MEANING[code]}" for code in Exit)
_EPILOG = (
    "[bold]Start here[/]\n"
    "  [cyan]landbridge sandbox up[/]      a whole company of real systems on this machine\n"
    "  [cyan]landbridge check[/]           is everything configured, reachable and allowed?\n"
    "  [cyan]landbridge plan people[/]     what would be written, without writing it\n"
    "  [cyan]landbridge run[/]             read, merge, plan and write: all flows\n\n"
    f"[bold]Exit codes[/]\n{_CODES}\n\n"
    "Every command has [cyan]--json[/]: one document on stdout, everything else on stderr."
)


class Landbridge(TyperGroup):
    """Says what is wrong with a command line in the same words as any other error, also as JSON."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            code = INTERRUPTED
        except typer.TyperException as error:
            code = _misused(error, "--json" in given)
        if standalone_mode:
            sys.exit(code or 0)
        return code

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of a first day, not of the alphabet."""
        return [name for name in COMMANDS if name in self.commands]


def _misused(error: typer.TyperException, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message().replace(": Value error, ", ": ")  # the library's words, not the reader's
    remedy = f"Try `{context.command_path} --help`." if context is not None else ""
    if as_json:
        said = {"type": "UsageError", "message": message, "remedy": remedy, "exit_code": int(Exit.USAGE)}
        sys.stdout.write(json.dumps({"error": said}, indent=2, ensure_ascii=False) + "\n")
    errors = console(stderr=True)
    errors.print(line(BAD, (f" {message}", "red")), soft_wrap=True)
    if remedy:
        errors.print(line(f"  {remedy}"), soft_wrap=True)
    return Exit.USAGE


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"landbridge {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="landbridge",
    cls=Landbridge,
    rich_markup_mode="rich",
    epilog=_EPILOG,
    invoke_without_command=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Joins a company's social tools to its core systems: users, documents, cases and conversations, both ways."""
    help_without_command(context)


def help_without_command(context: typer.Context) -> None:
    """No command is a question, not a mistake."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)


def list_all() -> None:
    """Register every command by its name and line alone: enough for the help and for a mistyped name."""
    for name, one in COMMANDS.items():
        app.command(name, help=one.says, rich_help_panel=one.panel)(_listed)


def _listed() -> None:
    """Never called: a command that is asked for is loaded."""


def group(name: str) -> typer.Typer:
    """A command with commands of its own."""
    _, panel, help = COMMANDS[name]
    made = typer.Typer(invoke_without_command=True, rich_markup_mode="rich")
    made.callback(help=help)(help_without_command)
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made
