"""SQL against the conformance suite: on a SQLite file, and on a real PostgreSQL through a line that breaks."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from connectors.sql.connector import Sql
from landbridge.connector.items import Native
from landbridge.testing.conformance import Conformance, Harness
from sandbox.postgresql import PostgreSQL
from tests.conftest import create_database
from tests.connectors.sql.conftest import BADGES, PEOPLE, TABLES
from tests.servers import brought_up

STREAMS = {"people": PEOPLE, "badges": BADGES}
NAMES = {"people": ("id", "name"), "badges": ("number", "owner")}
_numbers = itertools.count(1000)


class SqliteHarness(Harness):
    connector = Sql
    many = 7  # pages hold two and three
    exempt: ClassVar[dict[str, str]] = {
        "mapping": "its streams and their mappings are the company's own",
        "auth_failure": "SQLite asks for no credentials",
        "badges.cursor": "a table without a column that grows with each change is read in full each time",
        "badges.expired_cursor": "a table without a column that grows with each change has no cursor",
    }

    @classmethod
    def able(cls) -> Sql:
        with tempfile.NamedTemporaryFile() as file:
            return Sql(Sql.Config(host=f"sqlite:///{file.name}", streams=STREAMS))

    @contextmanager
    def serve(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder, self.filled(f"sqlite:///{folder}/hr.sqlite"):
            yield (Path(folder) / "hr.sqlite").as_uri()

    @contextmanager
    def filled(self, url: str) -> Iterator[Engine]:
        """With the company's tables in it, and the company's own way to them."""
        self.url, self.engine = url, create_engine(url)
        for statement in TABLES[self.engine.dialect.name].split(";"):
            self.run(statement)
        yield self.engine
        self.engine.dispose()

    def config(self, url: str) -> dict[str, Any]:
        return {"host": self.url, "streams": STREAMS}

    def run(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as conn:
            found = conn.execute(text(statement), values)
            return found.all() if found.returns_rows else None

    def add(self, stream: str, text: str) -> str:
        key, (number, name) = next(_numbers), NAMES[stream]
        moment = ", updated_at" if stream == "people" else ", site"
        self.run(
            f"INSERT INTO {stream} ({number}, {name}{moment}) VALUES (:key, :text, :moment)",
            key=key, text=text, moment=_now() if stream == "people" else "north",
        )  # fmt: skip
        return str(key) if stream == "people" else f'["north","{key}"]'

    def change(self, stream: str, key: str, text: str) -> None:
        self.run(f"UPDATE people SET name = :text, updated_at = :now WHERE id = {key}", text=text, now=_now())

    def remove(self, stream: str, key: str) -> None:
        """People are marked, badges taken out."""
        if stream == "people":
            self.run(f"UPDATE people SET deleted = true, updated_at = :now WHERE id = {key}", now=_now())
        else:
            self.run("DELETE FROM badges WHERE number = :number", number=int(key.split('"')[3]))

    def keys(self, stream: str) -> set[str]:
        if stream == "people":
            return {str(key) for (key,) in self.run("SELECT id FROM people WHERE NOT deleted")}
        return {f'["{site}","{number}"]' for site, number in self.run("SELECT site, number FROM badges")}

    def backdate(self, stream: str, key: str, moment: datetime) -> bool:
        if stream == "people":
            self.run(f"UPDATE people SET updated_at = :moment WHERE id = {key}", moment=_said(moment))
        return stream == "people"

    def native(self, stream: str, text: str) -> Native:
        if stream == "people":
            return {"name": text, "updated_at": _now()}
        return {"site": "south", "number": next(_numbers), "owner": text}

    def changes(self, stream: str, text: str) -> Native:
        return {NAMES[stream][1]: text}

    def worn_out(self, stream: str, cursor: Any) -> Any:
        return {**cursor, "of": "another way of reading"}


class PostgresqlHarness(SqliteHarness):
    exempt: ClassVar[dict[str, str]] = {
        name: reason for name, reason in SqliteHarness.exempt.items() if name != "auth_failure"
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(PostgreSQL) as server, self.filled(create_database(server, "company")):
            self.run("CREATE ROLE account LOGIN PASSWORD 'knows-the-word'")
            self.run("GRANT SELECT, INSERT, UPDATE, DELETE ON people, badges TO account")
            self.run("GRANT USAGE ON people_id_seq TO account")
            url = make_url(self.url)
            yield f"postgresql://{url.host}:{url.port}"

    def config(self, url: str) -> dict[str, Any]:
        place = urlsplit(url)
        return {
            "host": f"postgresql+psycopg://{place.hostname}:{place.port}/company",
            "login": "account", "password": "knows-the-word", "streams": STREAMS,
        }  # fmt: skip


def _now() -> str:
    return _said(datetime.now(UTC))


def _said(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S+00:00")


class TestSqlite(Conformance):
    harness = SqliteHarness


@pytest.mark.server
class TestPostgresql(Conformance):
    harness = PostgresqlHarness
