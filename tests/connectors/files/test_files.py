"""Files as people and programs leave them: whole or half, in any encoding, changed or only written again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.files.connector import Files
from landbridge.connector import Checkpoint, Complete, Connection, Failure, Finds, Record
from landbridge.errors import ConfigError, ExpiredCursor, NotFound, RecordError, ScopeError, TransientError
from sandbox.processes import NOBODY
from tests.connectors.reading import cursor_of, natives_of
from tests.servers import open_folder

PEOPLE = 'id,name,phone\r\n1,Ada Łoś,+49 5321 77\r\n2,"Bo, the second",\r\n'
Make = Callable[..., Files]
WRITES = ["create", "update", "delete"]


@pytest.fixture
def files(tmp_path: Path) -> Make:
    def make(name: str = "people.csv", *, settle: float = 0, **config: Any) -> Files:
        streams = {"people": {"files": name, "kind": "person", "key": ["id"]} | config}
        return Files(Files.Config.of(Connection("hr", "x", str(tmp_path)), {"streams": streams, "settle": settle}))

    return make


def put(folder: Path, text: str | bytes, name: str = "people.csv", age: float = 60) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_a_csv_file_is_everything_there_is(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE)
    items = list(files().read("people"))
    assert [item.native for item in items if isinstance(item, Record)] == [
        {"id": "1", "name": "Ada Łoś", "phone": "+49 5321 77"},
        {"id": "2", "name": "Bo, the second", "phone": None},
    ]
    assert [type(item) for item in items[-2:]] == [Checkpoint, Complete]


def test_many_rows_are_read(tmp_path: Path, files: Make) -> None:
    put(tmp_path, "id,name\n" + "".join(f"{number},x\n" for number in range(5000)))
    assert len(natives_of(files(), "people")) == 5000


@pytest.mark.parametrize(
    "data",
    [PEOPLE.encode(), b"\xef\xbb\xbf" + PEOPLE.encode(), PEOPLE.encode("utf-16"), PEOPLE.replace("Łoś", "Lös").encode("cp1252")],
    ids=["utf-8", "bom", "utf-16", "cp1252"],
)  # fmt: skip
def test_encodings_are_recognised(tmp_path: Path, files: Make, data: bytes) -> None:
    put(tmp_path, data)
    assert natives_of(files(), "people")["1"]["name"] in ("Ada Łoś", "Ada Lös")


def test_an_encoding_can_be_said(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE.encode("cp1250"))
    assert natives_of(files(encoding="cp1250"), "people")["1"]["name"] == "Ada Łoś"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_what_stands_between_columns_is_found(tmp_path: Path, files: Make, sign: str) -> None:
    put(tmp_path, f'id{sign}"na,;|me"{sign}c\n1{sign}x{sign}y\n')
    assert natives_of(files(), "people") == {"1": {"id": "1", "na,;|me": "x", "c": "y"}}


def test_a_pattern_joins_files_and_newest_takes_the_last(tmp_path: Path, files: Make) -> None:
    for day in (1, 2):
        put(tmp_path, f"id,name\n{day},x\n", f"people-2026-01-0{day}.csv")
    put(tmp_path, "id,name\n9,x\n", ".people-hidden.csv")
    assert list(natives_of(files("people-*.csv"), "people")) == ["1", "2"]
    assert list(natives_of(files("people-*.csv", newest=True), "people")) == ["2"]


def test_json_lines(tmp_path: Path, files: Make) -> None:
    put(tmp_path, '{"id": 1, "tags": ["a"]}\n\n{"id": 2, "name": null}', "people.jsonl")
    assert natives_of(files("people.jsonl"), "people") == {"1": {"id": 1, "tags": ["a"]}, "2": {"id": 2, "name": None}}


def test_an_unchanged_file_is_not_read_again_nor_one_that_was_only_written_again(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE)
    cursor = cursor_of(files(), "people")
    assert list(files().read("people", cursor)) == []
    put(tmp_path, PEOPLE, age=30)
    [again] = files().read("people", cursor)
    assert isinstance(again, Checkpoint)
    assert list(files().read("people", again.cursor)) == []


def test_a_changed_file_is_read_in_full_so_that_what_is_missing_is_gone(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE)
    cursor = cursor_of(files(), "people")
    put(tmp_path, PEOPLE[: PEOPLE.index("2")], age=30)
    with pytest.raises(ExpiredCursor):
        list(files().read("people", cursor))
    assert list(natives_of(files(), "people")) == ["1"]


@pytest.mark.parametrize("cursor", ["x", {"page": 1}, {"of": "other", "state": "s"}])
def test_a_strange_cursor_is_expired(tmp_path: Path, files: Make, cursor: Any) -> None:
    put(tmp_path, PEOPLE)
    with pytest.raises(ExpiredCursor):
        list(files().read("people", cursor))


# --- half a file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [("people.csv", ""), ("people.csv", "id,name,phone\n1,Ada,1\n2,B"), ("people.jsonl", '{"id": 1}\n{"id": 2, "na')],
)
def test_half_a_file_is_worth_another_try_and_calls_nothing_gone(
    tmp_path: Path, files: Make, name: str, text: str
) -> None:
    put(tmp_path, text, name)
    items: list[Any] = []
    with pytest.raises(TransientError):
        items.extend(files(name).read("people"))
    assert not any(isinstance(item, Complete) for item in items)


def test_a_last_line_without_end_is_whole_unless_it_must_have_one(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE.rstrip())
    assert len(natives_of(files(), "people")) == 2
    with pytest.raises(TransientError):
        list(files(final_newline=True).read("people"))


def test_a_file_that_was_changed_a_moment_ago_is_left_alone(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE)
    cursor = cursor_of(files(settle=5), "people")
    put(tmp_path, PEOPLE[:30], age=0)
    with pytest.raises(TransientError, match="moment ago"):
        list(files(settle=5).read("people"))
    assert list(files(settle=5).read("people", cursor)) == []


def test_a_file_that_changes_while_it_is_read_concludes_nothing(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE)
    items = files().read("people")
    next(items)
    put(tmp_path, PEOPLE + "3,Cy,\r\n", age=1)
    assert any(isinstance(item, Failure) and item.key is None for item in items)


def test_a_missing_file_is_not_an_empty_one(tmp_path: Path, files: Make) -> None:
    with pytest.raises(TransientError, match="No file matches"):
        list(files().read("people"))


def test_one_bad_row_stops_no_other(tmp_path: Path, files: Make) -> None:
    put(tmp_path, "id,name\n1,a\n2,b,c\n,d\n3,e\n")
    items = list(files().read("people"))
    assert [item.key for item in items if isinstance(item, Record)] == ["1", "3"]
    assert [item.key for item in items if isinstance(item, Failure)] == ["people.csv:3", "people.csv:4"]
    assert "Ada" not in "".join(str(item.error) for item in items if isinstance(item, Failure))


# --- Excel -----------------------------------------------------------------------------------------------------------


def test_excel(tmp_path: Path, files: Make) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    from datetime import datetime

    book = openpyxl.Workbook()
    book.active.append(["id", "name", "since", "share"])
    book.active.append([1, "Ada Łoś", datetime(2026, 3, 1), 0.5])
    book.create_sheet("Leavers").append(["id", "name"])
    book["Leavers"].append([9, "Zoe"])
    book.save(tmp_path / "people.xlsx")
    expected = {"id": 1, "name": "Ada Łoś", "since": "2026-03-01", "share": 0.5}
    assert natives_of(files("people.xlsx"), "people") == {"1": expected}
    assert list(natives_of(files("people.xlsx", sheet="Leavers"), "people")) == ["9"]
    with pytest.raises(ConfigError, match="no sheet"):
        list(files("people.xlsx", sheet="No").read("people"))
    data = (tmp_path / "people.xlsx").read_bytes()
    put(tmp_path, data[: len(data) // 2], "people.xlsx")
    with pytest.raises(TransientError, match="ends in the middle"):
        list(files("people.xlsx").read("people"))


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), [("people.csv", PEOPLE), ("people.jsonl", '{"id": "1", "name": "Ada"}\n')])
def test_rows_are_written_once_and_read_back(tmp_path: Path, files: Make, name: str, text: str) -> None:
    put(tmp_path, text, name)
    connector = files(name, writes=WRITES)
    assert isinstance(connector, Finds)
    new = {"id": "7", "name": 'Zoë\n"x", y'}
    assert connector.find("people", new, "m") is None
    made = connector.writer("people", "create")(new, "m")
    assert made["name"] == new["name"]
    assert connector.find("people", new, "m") == made == natives_of(connector, "people")["7"]
    with pytest.raises(RecordError, match="already"):
        connector.writer("people", "create")(new, "m")
    assert connector.writer("people", "update")("1", {"name": "Eva"}, "m")["name"] == "Eva"
    for _ in range(2):
        connector.writer("people", "delete")("7", "m")
    assert "7" not in natives_of(connector, "people")
    with pytest.raises(NotFound):
        connector.writer("people", "update")("7", {"name": "x"}, "m")


@pytest.mark.parametrize("value", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\t=1"])
def test_no_cell_of_ours_is_a_formula(tmp_path: Path, files: Make, value: str) -> None:
    path = put(tmp_path, PEOPLE)
    connector = files(writes=WRITES)
    assert connector.writer("people", "create")({"id": "7", "name": value}, "m")["name"] == value
    assert f"'{value}" in path.read_bytes().decode()


@pytest.mark.parametrize("value", ["-12.5", "+49 5321 77-12", "+1 (555) 0100"])
def test_numbers_stay_as_they_are(tmp_path: Path, files: Make, value: str) -> None:
    path = put(tmp_path, PEOPLE)
    files(writes=WRITES).writer("people", "update")("2", {"phone": value}, "m")
    assert f",{value}" in path.read_text()


def test_a_writer_that_fails_leaves_the_file_as_it_was(tmp_path: Path, files: Make) -> None:
    path = put(tmp_path, PEOPLE + "3,too,many,columns\r\n4,x,\r\n")
    before = path.read_bytes()
    for native in ({"id": "7", "shoe": 1}, {"id": "8", "name": "x"}):
        with pytest.raises(RecordError):
            files(writes=WRITES).writer("people", "create")(native, "m")
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == [".people.csv.lock", "people.csv"]


def test_a_folder_that_may_not_be_written_to_is_said() -> None:
    with open_folder("files") as folder:
        put(folder, PEOPLE)
        folder.chmod(0o555)
        streams = {"people": {"files": "people.csv", "kind": "person", "key": ["id"], "writes": WRITES}}
        one = Files(Files.Config.of(Connection("hr", "x", str(folder)), {"streams": streams, "settle": 0}))
        was = os.geteuid()
        os.seteuid(was or NOBODY)
        try:
            with pytest.raises(ScopeError, match="may not be written"):
                one.writer("people", "create")({"id": "7", "name": "x"}, "m")
        finally:
            os.seteuid(was)
        folder.chmod(0o755)


def test_writers_side_by_side_lose_nothing(tmp_path: Path, files: Make) -> None:
    put(tmp_path, PEOPLE)

    def write(number: int) -> None:
        files(writes=WRITES).writer("people", "create")({"id": str(number), "name": "x"}, "m")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(10, 40)))
    assert len(natives_of(files(), "people")) == 32


def test_a_file_keeps_its_encoding_and_refuses_what_it_lacks(tmp_path: Path, files: Make) -> None:
    path = put(tmp_path, "id;name\r\n1;Lös\r\n".encode("cp1252"))
    connector = files(writes=WRITES)
    connector.writer("people", "create")({"id": "2", "name": "Ärger"}, "m")
    assert path.read_bytes().decode("cp1252").splitlines() == ["id;name", "1;Lös", "2;Ärger"]
    with pytest.raises(RecordError, match="lacks a letter"):
        connector.writer("people", "create")({"id": "3", "name": "Łoś"}, "m")


# --- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": "../people.csv"}, "below the connection"),
        ({"files": "/etc/passwd"}, "below the connection"),
        ({"files": "people"}, "tells no format"),
        ({"encoding": "utf-9"}, "no such encoding"),
        ({"files": "*.csv", "writes": ["create"]}, "only one CSV"),
        ({"skip": 1, "writes": ["create"]}, "would be lost"),
        ({"colums": []}, "colums"),
    ],
)
def test_a_wrong_configuration_names_the_field(files: Make, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        files(**({"name": changes.pop("files")} if "files" in changes else {}), **changes)


def test_a_missing_key_column_is_named(tmp_path: Path, files: Make) -> None:
    put(tmp_path, "number,name\n1,x\n")
    with pytest.raises(ConfigError, match="no column 'id'"):
        list(files().read("people"))


def test_check_says_what_it_cannot_read(tmp_path: Path, files: Make) -> None:
    assert "No file matches" in files().check().missing[0]
    put(tmp_path, PEOPLE)
    assert files().check().missing == ()


def test_no_link_leads_out_of_the_folder(tmp_path: Path, files: Make) -> None:
    (tmp_path.parent / "secret.csv").write_text("id\n1\n")
    os.symlink(tmp_path.parent / "secret.csv", tmp_path / "people.csv")
    with pytest.raises(TransientError, match="No file matches"):
        list(files().read("people"))
