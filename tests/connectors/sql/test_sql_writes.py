"""Writing rows: once, by key, in a transaction, and read back as the database has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from connectors.sql.connector import Sql
from landbridge.connector import Finds
from landbridge.errors import ConfigError, NotFound, RecordError, ScopeError, TransientError
from tests.connectors.reading import gone_of, natives_of, read
from tests.connectors.sql.conftest import BADGES, NOW, PEOPLE, Company, said

Make = Callable[..., Sql]
ADA = {"name": "Ada Łoś", "mail": "ada@x", "salary": "10.50", "starts": "2026-03-01"}


def test_a_row_is_created_once_and_found_after_an_uncertain_outcome(company: Company, sql: Make) -> None:
    connector = sql()
    assert isinstance(connector, Finds)
    assert connector.find("people", ADA, "m1") is None
    made = connector.writer("people", "create")(ADA, "m1")
    assert made == natives_of(connector, "people")["1"]
    assert connector.find("people", ADA, "m1") == made
    assert connector.writer("people", "create")(ADA, "m1") == made
    assert len(company.run("SELECT * FROM people")) == 1


def test_our_marker_is_recognised(company: Company, sql: Make) -> None:
    connector = sql()
    connector.writer("people", "create")(ADA, "m1")
    assert read(connector, "people")[0]["1"].marker == "m1"


def test_a_key_of_ours_needs_no_marker(company: Company, sql: Make) -> None:
    connector = sql()
    badge = {"site": "a", "number": 7, "owner": "ada"}
    assert connector.find("badges", badge, "m") is None
    assert connector.writer("badges", "create")(badge, "m") == badge
    assert connector.find("badges", badge, "m") == badge
    with pytest.raises(RecordError, match="taken"):
        connector.writer("badges", "create")(badge, "other")


def test_a_key_of_the_databases_needs_a_marker(company: Company, sql: Make) -> None:
    with pytest.raises(RecordError, match="made twice"):
        sql(people=PEOPLE | {"marker": None}).writer("people", "create")(ADA, "m")


def test_an_update_changes_its_row_only(company: Company, sql: Make) -> None:
    connector = sql()
    for number in (1, 2):
        connector.writer("badges", "create")({"site": "a", "number": number, "owner": "x"}, "m")
    assert connector.writer("badges", "update")('["a","2"]', {"owner": None}, "m")["owner"] is None
    assert [native["owner"] for native in natives_of(connector, "badges").values()] == ["x", None]


def test_an_update_says_what_the_database_made_of_it(company: Company, sql: Make) -> None:
    connector = sql()
    connector.writer("people", "create")(ADA, "m1")
    changed = connector.writer("people", "update")("1", {"salary": "12.5", "updated_at": said(NOW)}, "m2")
    assert changed == natives_of(connector, "people")["1"]
    assert float(changed["salary"]) == 12.5


def test_leavers_are_disabled_and_can_be_enabled(company: Company, sql: Make) -> None:
    connector = sql()
    connector.writer("people", "create")(ADA, "m1")
    assert connector.writer("people", "disable")("1", "m2")["active"] in (False, 0)
    assert connector.writer("people", "enable")("1", "m3")["active"] in (True, 1)


def test_a_delete_marks_the_row_where_there_is_a_column_for_it(company: Company, sql: Make) -> None:
    connector = sql()
    connector.writer("people", "create")(ADA | {"updated_at": said(NOW)}, "m1")
    connector.writer("people", "delete")("1", "m2")
    connector.writer("people", "delete")("1", "m2")
    assert len(company.run("SELECT * FROM people")) == 1
    assert natives_of(connector, "people") == {}
    with pytest.raises(NotFound, match="deleted meanwhile"):
        connector.writer("people", "update")("1", {"name": "x"}, "m3")


def test_a_delete_of_what_is_gone_is_a_success(company: Company, sql: Make) -> None:
    connector = sql()
    connector.writer("badges", "create")({"site": "a", "number": 1}, "m")
    for _ in range(2):
        connector.writer("badges", "delete")('["a","1"]', "m")
    assert company.run("SELECT * FROM badges") == []


def test_what_is_not_there_cannot_be_updated(company: Company, sql: Make) -> None:
    with pytest.raises(NotFound):
        sql().writer("people", "update")("99", {"name": "x"}, "m")


@pytest.mark.parametrize("native", [{"name": "a", "shoe_size": 7}, {"name": "a", "id": "secret-value"}])
def test_a_row_that_does_not_fit_is_set_aside_without_its_values(
    company: Company, sql: Make, native: dict[str, object]
) -> None:
    with pytest.raises(RecordError) as caught:
        sql().writer("people", "create")(native, "m")
    assert "secret-value" not in str(caught.value)
    assert company.run("SELECT * FROM people") == []


def test_only_what_the_configuration_allows_is_written(company: Company, sql: Make) -> None:
    connector = sql(people=PEOPLE | {"writes": ["update"]}, badges=BADGES | {"writes": []})
    assert [op for op in ("create", "update", "delete") if connector.can_write("people", op)] == ["update"]
    with pytest.raises(ConfigError, match="cannot create"):
        connector.writer("people", "create")
    with pytest.raises(ConfigError, match="cannot delete"):
        connector.writer("badges", "delete")


def test_a_connection_that_breaks_in_a_write_is_uncertain(company: Company, sql: Make) -> None:
    """The commit may have arrived: the engine looks for the marker before it sends anything again."""
    connector = sql()
    broken: list[bool] = []

    @event.listens_for(connector.engine, "before_cursor_execute")
    def before(conn: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT") and not broken:
            broken.append(True)
            raise OperationalError(statement, {}, ConnectionError("the connection was closed"))

    with pytest.raises(TransientError) as caught:
        connector.writer("people", "create")(ADA, "m1")
    assert caught.value.uncertain
    assert connector.find("people", ADA, "m1") is None
    assert connector.writer("people", "create")(ADA, "m1")["id"] == 1


@pytest.mark.parametrize("company", ["postgresql"], indirect=True)
def test_what_the_account_may_not_is_a_matter_of_scope(company: Company, sql: Make) -> None:
    company.run("CREATE ROLE looker LOGIN PASSWORD 'l'")
    company.run("GRANT SELECT ON people TO looker")
    connector = Sql(sql().config.model_copy(update={"login": "looker", "password": SecretStr("l")}))
    with pytest.raises(ScopeError):
        connector.writer("people", "create")(ADA, "m1")
    connector.close()
    company.run("DROP OWNED BY looker")
    company.run("DROP ROLE looker")


def test_a_deleted_row_reaches_an_incremental_read(company: Company, sql: Make) -> None:
    company.hire("ada", "bo", at=NOW)
    connector = sql()
    cursor = read(connector, "people")[2]
    company.touch("bo", NOW, deleted=True)
    assert gone_of(connector, "people", cursor) == ["2"]
