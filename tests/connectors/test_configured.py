"""Streams that a company's configuration defines: of the instance, with mappings under the system's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text

from landbridge.cli.findings import of_streams
from landbridge.connector import Connection, Connector, Stream, StreamConfig, connector_class
from landbridge.errors import ConfigError, ExpiredCursor
from landbridge.sync import load_company
from landbridge.sync.bridge import open_bridge
from landbridge.sync.read import read

MAPPING = {
    "system": "erp", "stream": "staff", "kind": "person", "match": ["employee_number"],
    "fields": {"employee_number": "id | text", "display_name": "name", "emails": "mail | as_email"},
    "examples": [],
}  # fmt: skip
TABLE = {"table": "staff", "kind": "person", "key": ["id"], "cursor": "changed"}


class Chat(Connector):
    system = "chat"
    users = Stream("users", ("id",), "person")


def company(home: Path, **system: Any) -> Any:
    for folder in ("config/flows", "mappings/erp"):
        (home / folder).mkdir(parents=True)
    systems = {"systems": {"erp": {"connector": "sql"} | system}}
    (home / "config" / "systems.yaml").write_text(yaml.safe_dump(systems))
    (home / "mappings" / "erp" / "staff.yaml").write_text(yaml.safe_dump(MAPPING, sort_keys=False))
    return load_company(home)


def database(home: Path) -> Connection:
    url = f"sqlite:///{home / 'erp.sqlite'}"
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, mail TEXT, changed TIMESTAMP)"))
        conn.execute(
            text("INSERT INTO staff VALUES (1, 'Ada', 'ada@x.example', CURRENT_TIMESTAMP), (2, 'Bo', NULL, NULL)")
        )
    engine.dispose()
    return Connection("erp", "landbridge_sql", url)


def test_a_class_and_its_instances_have_the_same_streams_unless_they_are_configured(tmp_path: Path) -> None:
    assert Chat.streams() == Chat(None).streams() == {"users": Chat.users}
    sql = connector_class("sql")
    one = sql(sql.Config.of(database(tmp_path), {"streams": {"staff": TABLE | {"writes": ["update"]}}}))
    two = sql(sql.Config.of(Connection("erp", "landbridge_sql", f"sqlite:///{tmp_path / 'erp.sqlite'}")))
    assert (list(sql.streams()), list(one.streams()), list(two.streams())) == ([], ["staff"], [])
    assert (sql.can_write("staff", "update"), one.can_write("staff", "update")) == (False, True)


def test_a_configured_stream_is_read_into_the_hub(tmp_path: Path, hub_url: str) -> None:
    connection = database(tmp_path)
    found = company(tmp_path, options={"streams": {"staff": TABLE}})
    assert found.system("erp").streams == ("staff",)
    with open_bridge(found, lambda name: connection, hub_url) as bridge:
        assert list(of_streams(found, found.system("erp"), bridge.connector("erp"))) == []
        report = read(bridge, "erp", "staff")
        assert (report.counts["read"], report.counts["new"]) == (2, 2)
        again = read(bridge, "erp", "staff")
        assert (again.counts["new"], again.counts["changed"], again.counts["gone"]) == (0, 0, 0)


def test_a_stream_that_nobody_configured_is_a_finding(tmp_path: Path, hub_url: str) -> None:
    connection = database(tmp_path)
    found = company(tmp_path)
    with open_bridge(found, lambda name: connection, hub_url) as bridge:
        [finding] = of_streams(found, found.system("erp"), bridge.connector("erp"))
    assert "no stream 'staff'" in finding.text


@pytest.mark.parametrize("options", [{"password": "s3cr3t"}, {"host": "sqlite://"}, {"login": "me"}])
def test_secrets_and_addresses_are_no_options(tmp_path: Path, options: dict[str, Any]) -> None:
    sql = connector_class("sql")
    with pytest.raises(ConfigError, match="no field for options") as caught:
        sql.Config.of(database(tmp_path), options)
    assert "s3cr3t" not in str(caught.value)


def test_a_field_is_said_in_one_place_only(tmp_path: Path) -> None:
    sql = connector_class("sql")
    connection = replace(database(tmp_path), extra={"timeout": 5})
    with pytest.raises(ConfigError, match="timeout is no field for options"):
        sql.Config.of(connection, {"timeout": 6})


def test_a_field_that_a_form_left_as_it_is_says_nothing(tmp_path: Path) -> None:
    sql = connector_class("sql")
    connection = replace(database(tmp_path), extra={"timeout": 30, "streams": {}})
    assert sql.Config.of(connection, {"timeout": 6, "streams": {"staff": TABLE}}).timeout == 6


def test_a_cursor_expires_with_the_way_of_reading_and_not_with_what_may_be_written(tmp_path: Path) -> None:
    class Table(StreamConfig):
        columns: tuple[str, ...] = ()

    table = Table(kind="person", key=("id",))
    cursor = {"since": 1, "of": table.mark}
    table.expect(cursor)
    table.model_copy(update={"writes": ("update",)}).expect(cursor)
    for other, given in ((Table(kind="person", key=("id",), columns=("id",)), cursor), (table, "x"), (table, {})):
        with pytest.raises(ExpiredCursor):
            other.expect(given)


@pytest.mark.parametrize(("connector", "where"), [("sql", {"table": "staff"}), ("files", {"files": "staff.csv"})])
def test_a_name_that_no_stream_can_have_is_refused(tmp_path: Path, connector: str, where: dict[str, str]) -> None:
    """A mapping's folder and a DAG's task are called after it."""
    database(tmp_path)
    host = f"sqlite:///{tmp_path / 'erp.sqlite'}" if connector == "sql" else str(tmp_path)
    stream = where | {"kind": "person", "key": ["id"]}
    with pytest.raises(ConfigError, match="'New Staff' is no name of a stream: small letters") as caught:
        connector_class(connector).Config.of(
            Connection("erp", f"landbridge_{connector}", host), {"streams": {"New Staff": stream}}
        )
    assert "Value error" not in str(caught.value)
