"""What the pages show: counts, streams and reasons; the content of records only where it has to be decided on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from landbridge.store import audit, deliveries, health, history, quota, records, runs, setaside
from landbridge.store import decisions as asked
from landbridge.store.clock import parse
from landbridge.store.decisions import Decision
from landbridge.sync import foresee
from landbridge.sync.company import Company, Flow, System
from landbridge_airflow.describe import words
from landbridge_airflow.questions import asked_by
from landbridge_airflow.web.hub import bridge, reading, writing
from landbridge_airflow.web.map import Map, draw
from landbridge_airflow.web.meant import meant, names

SHOWN = 200
# Of each state of a flow's deliveries; beyond, "how many" is a question for the database.
COUNTED = 10_000
# A stream is late when it was due twice over.
LATE = 2

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _render(page: str, up: str = "", **data: Any) -> str:
    return _templates.get_template(f"{page}.html").render(page=page, up=up, **data)


def overview() -> str:
    with reading() as (company, conn):
        aside = setaside.counts(conn)
        fresh = {
            f"{found.system}/{found.stream}": found.read_at for found in runs.checkpoints(conn) if not found.partition
        }
        usage = {found.system: found for found in quota.usage(conn)}
        systems = [_system(system, fresh, aside, usage.get(system.name)) for system in company.systems.values()]
        flows = [_flow(conn, flow) for flow in company.flows.values()]
        waiting = len(asked.open_decisions(conn, SHOWN))
        late = {stream["name"] for system in systems for stream in system["streams"] if stream["state"] != "fresh"}
        drawn: Map = draw(company, late)
    unwritten = sum(target["counts"].get("set_aside", 0) for flow in flows for target in flow["targets"])
    total = sum(aside.values()) + unwritten
    return _render("overview", systems=systems, flows=flows, map=drawn, waiting=waiting, aside=total)


def set_aside(may_write: bool) -> str:
    with reading() as (company, conn):
        read = setaside.list(conn, limit=SHOWN)
        found = [one for target in _targets(company) for one in _set_aside_in(conn, target)][:SHOWN]
        called = names(conn, (one["entity"] for one in found)) if may_write else {}
    written = [{**one, "name": called.get(one["entity"], "history")} for one in found]
    rows = [{**one._asdict(), "next": when(one.next_at)} for one in read]
    return _render("set-aside", read=rows, written=written, may_write=may_write, shown=SHOWN)


def decisions(may_write: bool) -> str:
    with reading() as (_, conn):
        found = [
            {
                **one._asdict(),
                "age": ago(one.at),
                "facts": _facts(one) if may_write else {},
                "meant": meant(conn, one) if may_write else None,
                "asked_by": asked_by(one),
            }
            for one in asked.open_decisions(conn, SHOWN)
        ]
    return _render("decisions", decisions=found, may_write=may_write, shown=SHOWN)


def entity(id: str, by: str) -> str:
    """Who looks at one entity's history stands in the audit."""
    with writing() as conn:
        audit.append(conn, by, "view-history", f"entity:{id}")
    with reading() as (_, conn):
        events, name = history.history(conn, id), names(conn, [id]).get(id)
        linked = [one for one in records.of_entity(conn, id) if one.gone_at is None]
    return _render("entity", up="../", entity=id, name=name, events=events, linked=linked)


def unlink(entity: str, record: int, by: str) -> str:
    """All that follows from a link, before it is undone; who looked stands in the audit."""
    with writing() as conn:
        audit.append(conn, by, "view-unlink", f"record:{record}")
    found = foresee(bridge(), record)
    parted = found.parted
    with reading() as (_, conn):
        called = names(conn, filter(None, (entity, parted.to)))
    return _render("unlink", up="../../../", entity=entity, record=parted.record, parted=parted, called=called, found=found,
                   short=_short)  # fmt: skip


def problem(text: str, up: str) -> str:
    return _render("problem", up=up, text=text)


def _system(
    system: System, fresh: dict[str, str | None], aside: dict[tuple[str, str], int], usage: Any
) -> dict[str, Any]:
    streams = []
    for stream in system.streams:
        read_at = fresh.get(f"{system.name}/{stream}")
        streams.append({
            "name": f"{system.name}/{stream}",
            "state": freshness(read_at, system.every),
            "read": ago(read_at) if read_at else "never read",
            "aside": aside.get((system.name, stream), 0),
        })  # fmt: skip
    return {
        "name": system.name,
        "connector": system.connector,
        "every": words(system.every),
        "streams": streams,
        "usage": usage,
    }


def _flow(conn: Connection, flow: Flow) -> dict[str, Any]:
    last = next(iter(runs.recent(conn, flow.name, limit=1)), None)
    counted = health.deliveries_of(conn, flow.name, COUNTED)
    targets = [{"name": target, "counts": counted.targets.get(target, {})} for target in flow.targets]
    return {
        "name": flow.name,
        "purpose": flow.purpose,
        "kind": flow.kind,
        "targets": targets,
        "more": counted.more,
        "last": last,
        "ago": ago,
    }


def _targets(company: Company) -> list[str]:
    return list(dict.fromkeys(target for flow in company.flows.values() for target in flow.targets))


def _set_aside_in(conn: Connection, target: str) -> list[dict[str, Any]]:
    found = deliveries.due(conn, target, ["set_aside"], setaside.NEVER, SHOWN)
    return [{**one._asdict(), "next": when(one.next_at)} for one in found]


def _facts(decision: Decision) -> dict[str, str]:
    """What has to be known to decide, short; a brake's question says its numbers itself."""
    hidden = ("fingerprint", "run", "count", "causes", "limit") if decision.kind == "brake" else ("fingerprint", "run")
    return {name: _short(value) for name, value in decision.details.items() if name not in hidden}


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_short(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_short(part) for part in value[:20]) + (f" … ({len(value)})" if len(value) > 20 else "")
    return str(value)


def freshness(read_at: str | None, every: timedelta) -> str:
    if read_at is None:
        return "never"
    return "late" if datetime.now(UTC) - parse(read_at) > LATE * every else "fresh"


def ago(moment: str) -> str:
    passed = datetime.now(UTC) - parse(moment)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed.total_seconds() >= size:
            return f"{int(passed.total_seconds() // size)} {unit} ago"
    return "just now"


def when(moment: str | None) -> str:
    if moment is None:
        return "with the next run"
    return "never again" if moment == setaside.NEVER else parse(moment).strftime("%d %b %H:%M UTC")
