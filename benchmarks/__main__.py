"""The command `python -m benchmarks`."""

from __future__ import annotations

from itertools import product
from typing import Annotated

import typer

from benchmarks import show
from benchmarks.database import postgresql
from benchmarks.load import logs_of, ours
from benchmarks.loading import COUNTS, QUICK, Wish, known, load
from benchmarks.publish import collect, publish
from benchmarks.report import Report, save
from benchmarks.scale import QUICK as QUICK_SIZES
from benchmarks.scale import SIZES, scale
from benchmarks.writing import write

SECTIONS = ("load", "write", "scale")
app = typer.Typer(add_completion=False, rich_markup_mode="rich", no_args_is_help=False)


Quick = Annotated[bool, typer.Option("--quick", help="small numbers: shows that it works, proves nothing")]


_EPILOG = (
    "[bold]Start here[/]\n\n"
    "[cyan]make bench[/]  everything: an hour and more\n\n"
    "[cyan]make bench ARGS=--quick[/]  the same with small numbers: ten minutes\n\n"
    "[cyan]python -m benchmarks ours --profile[/]  Landbridge alone, and where its time goes\n\n"
    "[cyan]python -m benchmarks load --only landbridge,arrow[/]  two contenders\n\n"
    "[cyan]python -m benchmarks publish[/]  the newest results into the documentation\n\n"
    "All contenders read the same pages from the same local server and write to the same PostgreSQL with fsync on. "
    "Compare ratios within one run, and CPU seconds; never absolute times across machines."
)


@app.callback(invoke_without_command=True, epilog=_EPILOG)
def benchmarks(
    context: typer.Context,
    only: Annotated[str, typer.Option(help=f"sections, with commas: {', '.join(SECTIONS)}")] = ",".join(SECTIONS),
    quick: Quick = False,
) -> None:
    """Landbridge measured beside what people would pick instead, and against its own limits."""
    if context.invoked_subcommand is None:
        sections = {
            "load": lambda: load(Wish(QUICK if quick else COUNTS, quick=quick)),
            "write": lambda: write(quick=quick),
            "scale": lambda: scale(people=QUICK_SIZES if quick else SIZES, quick=quick),
        }
        for section in _parts(only):
            if section not in sections:
                raise typer.BadParameter(f"{section!r} is none of: {', '.join(sections)}.", param_hint="--only")
            _end(sections[section]())


@app.command("publish")
def publish_command() -> None:
    """The newest whole run of each section, losses included, into docs/explanation/benchmarks.md and the README."""
    for path in collect():
        show.console.print(f"From {path}", soft_wrap=True)
    for path in publish():
        show.console.print(f"Wrote {path}", soft_wrap=True)


@app.command("load")
def load_command(
    only: Annotated[str, typer.Option(help=f"parts of names, with commas, of: {known()}")] = "",
    kind: Annotated[str, typer.Option(help="users, documents, messages; several with commas")] = ",".join(COUNTS),
    count: Annotated[int, typer.Option(help="how many of each, in place of the usual numbers")] = 0,
    rounds: Annotated[int, typer.Option(help="measure so often, keep the best of each")] = 1,
    quick: Quick = False,
) -> None:
    """First load, nothing changed, nothing new: Landbridge, dlt, Singer and PyAirbyte.

    [cyan]python -m benchmarks load --kind users --only landbridge,arrow[/]
    """
    usual = QUICK if quick else COUNTS
    wish = Wish({one: count or usual[one] for one in kind.split(",")}, _parts(only), rounds, quick)
    _end(load(wish))


@app.command("write")
def write_command(
    only: Annotated[str, typer.Option(help="parts of scenarios' and writers' names, with commas")] = "",
    quick: Quick = False,
) -> None:
    """How much of a rate limit is used, how often it is overrun, what 16 workers are worth at 200 ms."""
    _end(write(only=_parts(only), quick=quick))


@app.command("scale")
def scale_command(
    people: Annotated[str, typer.Option(help="how many people, with commas")] = "10000,100000,1000000",
    messages: Annotated[str, typer.Option(help='how many messages, e.g. "1000000,5000000"; none by default')] = "",
    quick: Quick = False,
) -> None:
    """Memory, and the cost of a run with 100 changes, while what exists grows to millions."""
    sizes = [int(size) for size in _parts(people)]
    report = scale(
        people=QUICK_SIZES if quick else sizes, messages=[int(size) for size in _parts(messages)], quick=quick
    )
    _end(report)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _end(report: Report) -> None:
    show.console.print(show.table(report))
    show.console.print(show.targets(report))
    show.console.print(f"Written to {save(report)}", soft_wrap=True)


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
