"""When digests are made, and for whom: once for each period, also where a run dies in the midst of it.

Where a flow stands is kept in the hub: the period under way is noted before the first digest of it is made, and counts as
done after the last. Each digest is named by flow, target, room or person and period, so going on makes none twice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from landbridge.model.audience import COMPANY
from landbridge.store import news, runs
from landbridge.store.clock import text_of
from landbridge.store.entities import EntityRow
from landbridge.store.hub import Hub
from landbridge.store.unit import Unit
from landbridge.sync.company import Company
from landbridge.sync.config import DigestConfig
from landbridge.sync.digest import prefix, told
from landbridge.sync.known import Stored
from landbridge.sync.routes import DIGEST, Flow, Route
from landbridge.sync.view import View

FLOWS, PARTITION = "flow", "digest"
# What came just before the end of a period may not be committed yet.
LAG = timedelta(minutes=10)
PAGE = 200
MONDAY = date(1970, 1, 5)


class Period(NamedTuple):
    """From one moment up to another, as the hub stores times."""

    since: str
    until: str


def make_due(hub: Hub, company: Company, flow: Flow, run: str, fence: int) -> None:
    """Make the digests of the period that has ended, if one has, and put them on the flow's agenda. Raises Fenced."""
    if flow.digest is None:
        return
    with hub.begin() as conn:
        runs.hold_fence(conn, FLOWS, flow.name, fence)
        period = _due(conn, flow.name, flow.digest)
    if period is None:
        return
    for route in (one for one in flow.routes if one.shape == DIGEST):
        after: str | None = ""
        while after is not None:
            with hub.begin() as conn:
                runs.hold_fence(conn, FLOWS, flow.name, fence)
                after = _Making(View(Stored(conn), company), Unit(conn, run), route, period).page(after)
    with hub.begin() as conn:
        runs.hold_fence(conn, FLOWS, flow.name, fence)
        runs.set_cursor(conn, FLOWS, flow.name, {"since": period.until}, partition=PARTITION)


def foresee_due(view: View, unit: Unit, flow: Flow) -> None:
    """The same in a unit that is never written, where nothing is noted of it."""
    known = runs.cursor(view.conn, FLOWS, flow.name, PARTITION) if flow.digest else None
    period = _period(known, flow.digest) if known and flow.digest else None
    for route in (one for one in flow.routes if period and one.shape == DIGEST):
        after: str | None = ""
        while after is not None and period is not None:
            after = _Making(view, unit, route, period).page(after)


def last_end(moment: datetime, config: DigestConfig) -> datetime:
    """The end of the last whole period before this moment; weeks end on Mondays."""
    zone, days = ZoneInfo(config.zone), config.every.days
    today = moment.astimezone(zone).date()
    day = today - timedelta(days=(today - MONDAY).days % days)
    hour, minute = (int(part) for part in config.at.split(":"))
    end = datetime.combine(day, time(hour, minute), zone)
    return end if end <= moment else datetime.combine(day - timedelta(days=days), time(hour, minute), zone)


def _moment() -> datetime:
    return datetime.now(UTC)


def _due(conn: Connection, flow: str, config: DigestConfig) -> Period | None:
    """The one that was begun, or that has ended since the last; what was there before the flow was is no news."""
    known = runs.cursor(conn, FLOWS, flow, PARTITION)
    if known is None:
        runs.set_cursor(conn, FLOWS, flow, {"since": _end(config)}, partition=PARTITION)
        return None
    period = _period(known, config)
    if period is not None:
        runs.set_cursor(conn, FLOWS, flow, period._asdict(), partition=PARTITION)
    return period


def _period(known: dict[str, str], config: DigestConfig) -> Period | None:
    until = known.get("until") or _end(config)
    return Period(known["since"], until) if until > known["since"] else None


def _end(config: DigestConfig) -> str:
    return text_of(last_end(_moment() - LAG, config))


class _Making:
    """One page of rooms or people, in one transaction."""

    def __init__(self, view: View, unit: Unit, route: Route, period: Period) -> None:
        self.view, self.unit, self.route, self.period = view, unit, route, period
        self.conn, self.mapping = view.conn, view.company.mapping(route.target)

    def page(self, after: str) -> str | None:
        """The last that was looked at; None where none is left."""
        if "to" in self.mapping.writable:
            ids, field = news.people(self.conn, PAGE, after), "person"
        else:
            ids, field = news.spaces(self.conn, *self.period, PAGE, after), "space"
        self.view.load(ids)
        self.unit.entities.load_rules(self._rule(one) for one in ids)
        for found in filter(None, map(self.view.entity, ids if field == "person" else filter(self._has_a_place, ids))):
            if self.unit.entities.by_rule(self._rule(found.id)) is None:
                self._make(found, field)
        self.unit.flush()
        return ids[-1] if len(ids) == PAGE else None

    def _rule(self, id: str) -> str:
        return f"{prefix(self.route)}{id}:{self.period.since}"

    def _has_a_place(self, space: str) -> bool:
        """Is there one in the target by this name, or one that the flow names?"""
        found, field = self.view.entity(space), self.mapping.fields.get("space")
        if found is None or (self.route.only is not None and not self.route.only(found.data)):
            return False
        if "space" in self.route.templates:
            return True
        shown = self.view.record(space, f"{self.route.system}/{field.ref}") if field and field.ref else None
        return shown is not None

    def _make(self, of: EntityRow, field: str) -> None:
        """Where there is nothing to say none is made."""
        name = str(of.data.get("name") or of.data.get("alias") or "") if field == "space" else ""
        data = {
            "title": f"Digest of {name}" if name else "Digest", field: of.id, "since": self.period.since,
            "until": self.period.until, "audience": COMPANY.model_dump(mode="json"),
        }  # fmt: skip
        rule = self._rule(of.id)
        draft = EntityRow(of.id, "document", data, {}, rule, 1, None, self.period.until, self.period.until)
        if not told(self.view, self.route, draft):
            return
        id = self.unit.create("document", rule)
        self.unit.entities.update(id, data, dict.fromkeys(data, "rule"), data)
        self.unit.plan_again(self.route.flow, id)
