"""The command `python -m benchmarks`."""

from __future__ import annotations

from itertools import product
from typing import Annotated

import typer

from benchmarks import show
from benchmarks.database import postgresql
from benchmarks.load import logs_of, ours

app = typer.Typer(add_completion=False, rich_markup_mode="rich", no_args_is_help=False, help=__doc__)


@app.callback()
def benchmarks() -> None:
    """Landbridge measured beside what people would pick instead."""


@app.command("ours")
def ours_command(
    kind: Annotated[str, typer.Option(help="users, documents, messages; several with commas")] = "users",
    count: Annotated[int, typer.Option(help="how many records")] = 20_000,
    backend: Annotated[str, typer.Option(help="postgresql, sqlite")] = "postgresql,sqlite",
    phase: Annotated[str, typer.Option(help="first, unchanged, incremental")] = "first,unchanged,incremental",
    profile: Annotated[bool, typer.Option("--profile", help="print where the CPU time goes (slows it down)")] = False,
) -> None:
    """Landbridge alone: the loop for whoever makes the engine faster.

    [cyan]python -m benchmarks ours --kind users --count 20000 --backend postgresql --phase first --profile[/]
    """
    with postgresql() as database:
        for one, base in product(kind.split(","), backend.split(",")):
            results = []
            for result in ours(database, base, one, count, profile=profile, phases=tuple(phase.split(","))):
                results.append(result)
                show.console.print(f"  {result.contender} {result.phase}: {show.steps(result)}")
                if profile:
                    log = logs_of(base, one) / f"{result.phase}.log"
                    show.console.print(log.read_text(), markup=False, highlight=False)
            show.console.print(show.loads(results))


if __name__ == "__main__":
    app()
