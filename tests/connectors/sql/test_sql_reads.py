"""Reading tables and queries: all of them, what changed, ties, deletions, rows that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.sql.connector import Sql
from connectors.sql.source import Source
from landbridge.connector import Checkpoint, Complete, Connection, Failure, Gone, Record
from landbridge.errors import AuthError, ConfigError, ExpiredCursor, IncompleteRead, LandbridgeError, RecordError
from tests.connectors.reading import cursor_of, gone_of, natives_of, read
from tests.connectors.sql.conftest import BADGES, NOW, PEOPLE, Company

Make = Callable[..., Sql]
# SQLite has no passwords, and neither types nor writing queries that could go wrong.
ON_SQLITE = pytest.mark.parametrize("company", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("company", ["postgresql"], indirect=True)
NAMES = ["ada", "bo", "cy", "di", "eva", "finn", "gus"]


def names(natives: dict[str, dict[str, Any]]) -> list[str]:
    return sorted(native["name"] for native in natives.values())


def test_all_rows_are_read_past_one_page_and_then_complete(company: Company, sql: Make) -> None:
    company.hire(*NAMES)
    items = list(sql().read("people"))
    assert [item.native["name"] for item in items if isinstance(item, Record)] == NAMES
    assert isinstance(items[-1], Complete)
    assert isinstance(items[-2], Checkpoint)


def test_keys_of_several_parts_are_paged_through(company: Company, sql: Make) -> None:
    expected = {(site, number) for site in ("a", "b", "ü") for number in range(1, 6)}
    for site, number in sorted(expected):
        company.run("INSERT INTO badges VALUES (:s, :n, 'x')", s=site, n=number)
    found = natives_of(sql(), "badges")
    assert {(native["site"], native["number"]) for native in found.values()} == expected
    assert '["b","3"]' in found


def test_only_what_changed_is_read_again(company: Company, sql: Make) -> None:
    company.hire(*NAMES, at=NOW - timedelta(days=2))
    company.hire("zoe", at=NOW - timedelta(days=1))
    connector = sql()
    cursor = cursor_of(connector, "people")
    company.touch("cy", NOW, mail="cy@new")
    company.hire("hal", at=NOW)
    found, gone, cursor = read(connector, "people", cursor)
    assert names({key: record.native for key, record in found.items()}) == ["cy", "hal", "zoe"]
    assert found["3"].native["mail"] == "cy@new"
    company.touch("bo", NOW + timedelta(minutes=30))
    assert names(natives_of(connector, "people", cursor)) == ["bo", "cy", "hal"]
    assert gone == []


def test_ties_longer_than_a_page_lose_nothing(company: Company, sql: Make) -> None:
    """A bulk update gives thousands of rows the same moment."""
    company.hire(*NAMES, at=NOW - timedelta(days=1))
    connector = sql()
    cursor = cursor_of(connector, "people")
    for name in NAMES:
        company.touch(name, NOW)
    assert names(natives_of(connector, "people", cursor)) == NAMES


def test_what_was_committed_late_is_met_within_the_overlap(company: Company, sql: Make) -> None:
    company.hire("ada", at=NOW)
    connector = sql()
    cursor = cursor_of(connector, "people")
    company.hire("late", at=NOW - timedelta(seconds=100))
    company.hire("too late", at=NOW - timedelta(seconds=500))
    assert names(natives_of(connector, "people", cursor)) == ["ada", "late"]
    assert names(natives_of(connector, "people")) == ["ada", "late", "too late"]


def test_what_changes_while_all_is_read_is_read_once_more(company: Company, sql: Make) -> None:
    company.hire(*NAMES, at=NOW - timedelta(days=1))
    connector = sql()
    items = connector.read("people")
    first = next(items)
    assert isinstance(first, Record)
    assert first.native["name"] == "ada"
    company.touch("ada", NOW - timedelta(minutes=30), mail="ada@new")
    company.touch("gus", NOW, mail="gus@new")
    cursor = next(item.cursor for item in items if isinstance(item, Checkpoint))
    assert "ada" in names(natives_of(connector, "people", cursor))


def test_a_row_from_the_future_does_not_move_the_cursor_there(company: Company, sql: Make) -> None:
    company.hire("ada", at=datetime.now(UTC) + timedelta(days=400))
    connector = sql()
    cursor = cursor_of(connector, "people")
    company.hire("bo", at=datetime.now(UTC))
    assert "bo" in names(natives_of(connector, "people", cursor))


def test_a_number_can_be_the_cursor(company: Company, sql: Make) -> None:
    company.hire(*NAMES)
    connector = sql(people=PEOPLE | {"cursor": "id", "overlap": 1})
    cursor = cursor_of(connector, "people")
    company.hire("hal")
    assert names(natives_of(connector, "people", cursor)) == ["finn", "gus", "hal"]


def test_a_row_marked_deleted_is_gone(company: Company, sql: Make) -> None:
    company.hire(*NAMES, at=NOW - timedelta(days=1))
    connector = sql()
    cursor = cursor_of(connector, "people")
    company.touch("di", NOW, deleted=True)
    assert gone_of(connector, "people", cursor) == ["4"]
    records, gone, _ = read(connector, "people")
    assert (len(records), gone) == (6, [])


def test_a_row_deleted_for_good_is_missing_in_a_full_read(company: Company, sql: Make) -> None:
    company.hire(*NAMES)
    company.run("DELETE FROM people WHERE name = 'cy'")
    assert "3" not in natives_of(sql(), "people")


@pytest.mark.parametrize("page", [0, 2])
def test_a_query_is_a_stream(company: Company, sql: Make, page: int) -> None:
    """Also one with a colon and a percent sign, which a driver would take for its own."""
    company.hire(*NAMES)
    company.run("UPDATE people SET mail = '12:30%' WHERE name = 'eva'")
    query = "SELECT id AS number, upper(name) AS name FROM people WHERE mail <> '12:30%' AND name NOT LIKE 'g%';"
    asked = {"query": query, "kind": "person", "key": ["number"], "page": page}
    found = natives_of(sql(asked=asked), "asked")
    assert names(found) == ["ADA", "BO", "CY", "DI", "FINN"]


def test_a_query_with_a_cursor_reads_what_changed(company: Company, sql: Make) -> None:
    company.hire(*NAMES, at=NOW - timedelta(days=1))
    asked = {"query": "SELECT * FROM people", "kind": "person", "key": ["id"], "cursor": "updated_at", "page": 100}
    connector = sql(asked=asked)
    cursor = cursor_of(connector, "asked")
    company.touch("eva", NOW)
    assert "eva" in names(natives_of(connector, "asked", cursor))
    company.hire("zoe", at=NOW)
    company.hire("yan", at=NOW + timedelta(minutes=10))
    cursor = cursor_of(connector, "asked", cursor)
    assert names(natives_of(connector, "asked", cursor)) == ["yan"]


def test_rows_without_a_key_are_set_aside_and_the_others_read(company: Company, sql: Make) -> None:
    company.hire(*NAMES)
    company.run("UPDATE people SET mail = NULL WHERE name IN ('bo', 'cy')")
    items = list(sql(people=PEOPLE | {"key": ["mail"]}).read("people"))
    assert sum(isinstance(item, Record) for item in items) == 5
    [failure] = [item for item in items if isinstance(item, Failure)]
    assert "2 rows have no value" in str(failure.error)


@ON_POSTGRESQL
def test_one_row_that_the_driver_cannot_read_stops_no_other(company: Company, sql: Make) -> None:
    company.hire(*NAMES)
    company.run("UPDATE people SET starts = '22026-01-01' WHERE name = 'cy'")
    items = list(sql().read("people"))
    assert [item.key for item in items if isinstance(item, Failure)] == ["3"]
    assert sum(isinstance(item, Record) for item in items) == 6
    assert isinstance(items[-1], Complete)


def test_natives_are_json(company: Company, sql: Make) -> None:
    company.hire("Łucja 🙂")
    company.run("UPDATE people SET salary = 1234.5, starts = '2026-03-01', mail = NULL")
    [native] = natives_of(sql(), "people").values()
    assert (native["name"], native["mail"], native["starts"]) == ("Łucja 🙂", None, "2026-03-01")
    assert float(native["salary"]) == 1234.5
    assert isinstance(native["updated_at"], str)
    assert "mark" not in native


def test_only_the_columns_that_are_wanted(company: Company, sql: Make) -> None:
    company.hire("ada")
    [native] = natives_of(sql(people=PEOPLE | {"columns": ["name"]}), "people").values()
    assert set(native) == {"id", "name", "updated_at", "deleted"}


@pytest.mark.parametrize("cursor", [{"since": {"str": "x"}, "of": "other"}, {"page": 2}, "x", {}])
def test_a_strange_cursor_is_expired(company: Company, sql: Make, cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        list(sql().read("people", cursor))


def test_another_query_expires_the_cursor(company: Company, sql: Make) -> None:
    company.hire("ada")
    cursor = cursor_of(sql(), "people")
    with pytest.raises(ExpiredCursor):
        list(sql(people=PEOPLE | {"key": ["mail"]}).read("people", cursor))


def test_check_names_the_account_and_what_it_may_not(company: Company, sql: Make) -> None:
    account = sql().check()
    assert (account.missing, account.detail) == ((), "2 streams configured.")
    if company.url.startswith("sqlite"):
        return
    company.run("CREATE ROLE reader LOGIN PASSWORD 'r'")
    company.run("GRANT SELECT ON people TO reader")
    connector = sql()
    config = connector.config.model_copy(update={"login": "reader", "password": SecretStr("r")})
    narrow = Sql(config)
    account = narrow.check()
    narrow.close()
    company.run("DROP OWNED BY reader")
    company.run("DROP ROLE reader")
    assert account.name == "reader"
    assert account.missing == (*(f"people: {op}" for op in PEOPLE["writes"]), "badges: read")


@ON_SQLITE
@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2026-03-02T09:00:00", "2026-03-02 10:00:00"),
        ("2026-03-02 09:00:00Z", "2026-03-02 09:00:00-02:00"),
        ("2026-03-02 09:00", "2026-03-02"),
        ("9", "10"),
    ],
)
def test_check_refuses_a_cursor_that_sqlite_does_not_sort(company: Company, sql: Make, older: str, newer: str) -> None:
    """What is newer stands before what is older there, so no incremental read would meet it."""
    company.run("INSERT INTO badges VALUES ('a', 1, :at)", at=older)
    connector = sql(badges=BADGES | {"cursor": "owner"})
    connector.check()
    cursor = cursor_of(connector, "badges")
    company.run("INSERT INTO badges VALUES ('b', 2, :at)", at=newer)
    with pytest.raises(ConfigError, match="owner holds values of several forms"):
        connector.check()
    if not newer.endswith("-02:00"):
        assert list(natives_of(connector, "badges", cursor)) == ['["a","1"]']


@ON_SQLITE
def test_check_takes_a_cursor_of_one_form(company: Company, sql: Make) -> None:
    for number, at in enumerate(("2026-03-02 09:00:00Z", "2026-03-02 09:00:00.25Z", None), 1):
        company.run("INSERT INTO badges VALUES ('a', :n, :at)", n=number, at=at)
    sql(badges=BADGES | {"cursor": "owner"}).check()
    sql(badges=BADGES | {"cursor": "number"}).check()


def test_a_database_whose_pages_do_not_go_on_is_not_read_for_ever(
    company: Company, sql: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.hire(*NAMES)
    page = Source.page
    monkeypatch.setattr(Source, "page", lambda self, order, after, *where: page(self, order, None, *where))
    with pytest.raises(IncompleteRead, match="a page ended twice at the same row"):
        list(sql().read("people"))


@ON_POSTGRESQL
def test_the_error_of_a_wrong_password_has_no_secret_in_it(company: Company, sql: Make) -> None:
    config = sql().config.model_copy(update={"password": SecretStr("s3cr3t-and-wrong")})
    connector = Sql(config)
    with pytest.raises(AuthError) as caught:
        list(connector.read("people"))
    connector.close()
    assert "s3cr3t" not in repr(caught.value) + str(caught.value) + str(caught.value.__context__)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"key": ["no"]}, "no column 'no'"), ({"table": "nobody"}, "no such table"), ({"cursor": "when"}, "no column")],
)
def test_what_is_not_there_is_named(company: Company, sql: Make, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        list(sql(people=PEOPLE | changes).read("people"))


def test_a_query_that_is_wrong_is_the_configurations_fault(company: Company, sql: Make) -> None:
    asked = {"query": "SELECT nothing FROM nowhere", "kind": "person", "key": ["id"]}
    with pytest.raises(ConfigError):
        list(sql(asked=asked).read("asked"))


@ON_POSTGRESQL
def test_a_query_cannot_write(company: Company, sql: Make) -> None:
    company.hire("ada")
    query = "WITH gone AS (DELETE FROM people RETURNING id) SELECT id FROM gone"
    with pytest.raises(LandbridgeError):
        list(sql(asked={"query": query, "kind": "person", "key": ["id"]}).read("asked"))
    assert names(natives_of(sql(), "people")) == ["ada"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"query": "SELECT 1"}, "either table or query"),
        ({"table": None, "query": "DELETE FROM people"}, "begins with SELECT"),
        ({"table": None, "query": "SELECT 1 AS id"}, "cannot be written"),
        ({"key": []}, "key"),
        ({"tabel": "x"}, "tabel"),
        ({"disabled": {}}, "disable needs disabled"),
    ],
)
def test_a_wrong_configuration_names_the_field(tmp_path: Any, changes: dict[str, Any], said: str) -> None:
    (tmp_path / "hr.sqlite").touch()
    connection = Connection("hr", "landbridge_sql", f"sqlite:///{tmp_path / 'hr.sqlite'}")
    with pytest.raises(ConfigError, match=said):
        Sql.Config.of(connection, {"streams": {"people": PEOPLE | changes}})


@pytest.mark.parametrize("host", ["hr.example.org", "postgresql://me:s3cr3t@db/hr", "sqlite:////nowhere/hr.sqlite"])
def test_a_wrong_address_is_refused_without_being_shown(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Sql.Config.of(Connection("hr", "landbridge_sql", host))
    assert "s3cr3t" not in str(caught.value)


def test_an_unreachable_database_is_worth_another_try() -> None:
    connection = Connection("hr", "landbridge_sql", "postgresql+psycopg://127.0.0.1:1/hr", "me", "s3cr3t")
    connector = Sql(Sql.Config.of(connection, {"streams": {"people": PEOPLE}}))
    with pytest.raises(LandbridgeError, match="database answers") as caught:
        list(connector.read("people"))
    assert not isinstance(caught.value, ConfigError | AuthError | RecordError)
    assert "s3cr3t" not in str(caught.value)
    assert not isinstance(caught.value, Gone)
