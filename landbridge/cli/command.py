"""How a command is registered: common options, examples in its help, errors as exit codes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.markup import escape

from landbridge.cli.exits import INTERRUPTED, Exit
from landbridge.cli.session import Session

Body = Callable[..., Exit | None]

HOME = Annotated[
    Path | None,
    typer.Option("--home", envvar="LANDBRIDGE_HOME", help="Folder that holds config/; else the nearest one upwards."),
]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


class Example(NamedTuple):
    """A line to type, and what it does."""

    line: str
    says: str


# Of every command by its function's name in full; the help, the reference and a test read it.
EXAMPLES: dict[str, tuple[Example, ...]] = {}


def command(
    app: typer.Typer, name: str, *examples: tuple[str, str], panel: str | None = None
) -> Callable[[Body], Body]:
    """Register a function of a Session and the command's own parameters; it returns its exit code (None: 0)."""
    found = tuple(Example(*one) for one in examples)

    def register(body: Body) -> Body:
        run = _run(body)
        EXAMPLES[f"{body.__module__}.{body.__qualname__}"] = found
        app.command(name, help=_paragraphs(body), epilog=_epilog(found), rich_help_panel=panel)(run)
        return body

    return register


def _run(body: Body) -> Callable[..., None]:
    own = list(inspect.signature(body, eval_str=True).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("ctx", keyword, annotation=typer.Context)
    common = [
        inspect.Parameter("home", keyword, default=None, annotation=HOME),
        inspect.Parameter("as_json", keyword, default=False, annotation=JSON),
    ]
    parameters = [context, *(one.replace(kind=keyword) for one in own), *common]

    @wraps(body)
    def run(*, ctx: typer.Context, home: Path | None, as_json: bool, **given: Any) -> None:
        session = Session(home, as_json=as_json, opener=ctx.find_root().obj)
        try:
            code = body(session, **given)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            session.note("Stopped. What is done is kept; the next run goes on from there.")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:  # whatever it is: one clear line, and the code that says what to do next
            code = session.fail(error)
        raise typer.Exit(code or Exit.OK)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _paragraphs(body: Body) -> str:
    """The docstring with each paragraph in one line, so that the terminal may break it where it likes."""
    text = inspect.getdoc(body) or ""
    return "\n\n".join(escape(" ".join(part.split())) for part in text.split("\n\n"))


def _epilog(examples: Sequence[Example]) -> str:
    """One line each where both fit side by side, else the explanation below."""
    lines = [f"  [cyan]{escape(one.line)}[/]\n    [dim]{escape(one.says)}[/]" for one in examples]
    return "\n".join(["[bold]Examples[/]", *lines]) if lines else ""
