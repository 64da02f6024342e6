"""A database with a table of people, on SQLite and on PostgreSQL, as a company's own program fills it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text

from connectors.sql.connector import Sql
from landbridge.connector import Connection
from tests.conftest import create_database

_numbers = itertools.count(1)
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
TABLES = {
    "sqlite": """
        CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, mail TEXT, salary NUMERIC, starts DATE,
            updated_at TIMESTAMP, deleted BOOLEAN DEFAULT false, active BOOLEAN DEFAULT true, mark TEXT UNIQUE);
        CREATE TABLE badges (site TEXT, number INTEGER, owner TEXT, PRIMARY KEY (site, number))""",
    "postgresql": """
        CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT, mail TEXT, salary NUMERIC(10, 2), starts DATE,
            updated_at TIMESTAMPTZ, deleted BOOLEAN DEFAULT false, active BOOLEAN DEFAULT true, mark TEXT UNIQUE);
        CREATE TABLE badges (site TEXT, number BIGINT, owner TEXT, PRIMARY KEY (site, number))""",
}
PEOPLE: dict[str, Any] = {
    "table": "people", "kind": "person", "key": ["id"], "cursor": "updated_at", "deleted": "deleted", "marker": "mark",
    "page": 3, "writes": ["create", "update", "delete", "disable", "enable"],
    "disabled": {"active": False}, "enabled": {"active": True},
}  # fmt: skip
BADGES: dict[str, Any] = {
    "table": "badges", "kind": "document", "key": ["site", "number"], "page": 2, "writes": ["create", "update", "delete"],
}  # fmt: skip


@dataclass
class Company:
    """The database as its own programs use it, and the connector to it."""

    url: str
    engine: Engine

    def run(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as conn:
            found = conn.execute(text(statement), values)
            return found.all() if found.returns_rows else None

    def hire(self, *names: str, at: datetime = NOW) -> None:
        for name in names:
            self.run(
                "INSERT INTO people (name, mail, updated_at) VALUES (:n, :m, :at)", n=name, m=f"{name}@x", at=said(at)
            )

    def touch(self, name: str, at: datetime, **changes: Any) -> None:
        sets = "".join(f", {column} = :{column}" for column in changes)
        self.run(f"UPDATE people SET updated_at = :at{sets} WHERE name = :who", at=said(at), who=name, **changes)

    def connector(self, **streams: Any) -> Sql:
        url = make_url(self.url)
        host = URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()
        connection = Connection("hr", "landbridge_sql", host, url.username, url.password)
        return Sql(Sql.Config.of(connection, {"streams": streams or {"people": PEOPLE, "badges": BADGES}}))


def said(moment: datetime) -> str:
    """As CURRENT_TIMESTAMP says it, which SQLite keeps as it is."""
    return moment.strftime("%Y-%m-%d %H:%M:%S") + ("+00:00" if moment.microsecond else "")


@pytest.fixture(params=["sqlite", "postgresql"])
def company(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'hr.sqlite'}"
    else:
        url = create_database(request.getfixturevalue("postgresql"), f"company_{next(_numbers)}")
    found = Company(url, create_engine(url))
    if request.param == "postgresql":
        found.run(f"ALTER DATABASE {make_url(url).database} SET timezone TO 'UTC'")
        found.engine.dispose()
    for statement in TABLES[request.param].split(";"):
        found.run(statement)
    yield found
    found.engine.dispose()


@pytest.fixture
def sql(company: Company) -> Iterator[Callable[..., Sql]]:
    """Makes connectors, and closes them."""
    made: list[Sql] = []

    def make(**streams: Any) -> Sql:
        made.append(company.connector(**streams))
        return made[-1]

    yield make
    for connector in made:
        connector.close()
