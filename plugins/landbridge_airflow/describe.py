"""What a DAG's page says about it: in plain words, generated from the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from landbridge.sync.company import Company, Flow, System


def system(company: Company, system: System) -> str:
    """Why this is read, how often, and who waits for it."""
    through = f"connector `{system.connector}`, connection `{system.connection}`"
    lines = [
        f"Reads **{system.name}** ({through}) every {words(system.every)}.",
        "",
        "| stream | flows that wait for it |",
        "|---|---|",
    ]
    for stream in system.streams:
        name = f"{system.name}/{stream}"
        waiting = [flow.name for flow in company.flows.values() if name in flow.sources]
        lines.append(f"| `{name}` | {', '.join(waiting) or '–'} |")
    return "\n".join([*lines, "", "A skipped task has found nothing new. Start with `full` to read everything anew."])


def flow(company: Company, flow: Flow) -> str:
    """Purpose, sources, targets and rules."""
    # Streams stand in tables: in a list, Airflow's page cuts their grey boxes off.
    parts = [
        flow.purpose or f"Keeps {flow.kind}s in step.",
        _table("reads", ((stream, "", source_condition(flow, stream)) for stream in read_for(company, flow))),
        _table("shows in", ((route.target, route.shape, route.only) for route in flow.routes)),
        _list(rules(flow)),
        f"What is held back is asked in `decide__{flow.name}`; everything else goes on meanwhile.",
    ]
    return "\n\n".join(part for part in parts if part)


def read_for(company: Company, flow: Flow) -> list[str]:
    """The flow's sources that are read at all."""
    read = {f"{system.name}/{stream}" for system in company.systems.values() for stream in system.streams}
    return [stream for stream in flow.sources if stream in read]


def decide(flow: Flow) -> str:
    """What a person is asked here."""
    return (
        f"Asks a person about what the flow **{flow.name}** holds back, and does it if the answer is Approve.\n\n"
        "One run per question, started by the flow. Answer under Required Actions. "
        "A rejected change is not asked again unless it becomes another one."
    )


def rules(flow: Flow) -> Iterable[str]:
    if flow.match:
        yield f"Records are the same {flow.kind} if they agree in {' or '.join(flow.match)}."
    for source in flow.says:
        if source.authority:
            yield f"**{source.stream}** alone decides {', '.join(source.authority)}."
    for route in flow.routes:
        if leaver := route.config.leaver:
            deleted = f", deleted after {words(leaver.delete)}" if leaver.delete else ", never deleted"
            yield f"Who leaves is disabled in **{route.target}** {words(leaver.disable)}{deleted}."
    if when := flow.digest:
        yield (
            f"A digest covers {words(when.every)}, up to {when.at} ({when.zone}), and is sent soon after. Who has nothing new "
            "gets none, and nothing is told but what every colleague may see."
        )
    brake = flow.brake
    yield (
        f"More than {brake.share:.0%} of a target, at least {brake.least} and at most {brake.most}, "
        "disabled or deleted in one run waits for a person. A wider audience always does."
    )


def words(duration: timedelta) -> str:
    """timedelta(minutes=15) → "15 minutes"; zero → "at once"."""
    seconds = int(duration.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}{'s' if seconds != size else ''}"
    return "at once"


def source_condition(flow: Flow, stream: str) -> object | None:
    return next((source.only for source in flow.scope if source.stream == stream), None)


def _table(title: str, rows: Iterable[tuple[str, str, object | None]]) -> str:
    """Stream, shape and condition; a column that would be empty throughout is left out."""
    found = list(dict.fromkeys((f"`{stream}`", shape, _text(condition)) for stream, shape, condition in rows))
    if not found:
        return ""
    shown = [column for column in (0, 1, 2) if column == 0 or any(row[column] for row in found)]
    heads = (title, "as", "where")
    lines = [[heads[column] for column in shown], ["---"] * len(shown)]
    lines += [[row[column] or "–" for column in shown] for row in found]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _text(condition: object | None) -> str:
    """As it stands in the configuration; a | would end the cell."""
    text = getattr(condition, "text", None)
    return f"`{text}`".replace("|", "\\|") if text else ""
