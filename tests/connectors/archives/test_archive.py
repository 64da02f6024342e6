"""Archives as strangers may have made them: not whole, too large, leading out of themselves, changed meanwhile."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.archives.archive import opened
from connectors.archives.slack import SlackExport
from landbridge.connector import Checkpoint, Complete, Connection, Failure, HasFiles
from landbridge.errors import ConfigError, ExpiredCursor, NotFound, RecordError, TransientError
from tests.connectors.archives.conftest import SLACK, packed, reader
from tests.connectors.reading import cursor_of, natives_of

Made = Callable[..., Path]


def slack(path: Path, **extra: Any) -> SlackExport:
    return reader(SlackExport, path, **extra)


@pytest.mark.parametrize("folder", [False, True])
def test_a_zip_file_and_its_folder_say_the_same(tmp_path: Path, folder: bool) -> None:
    path = packed(tmp_path / "a.zip", SLACK)
    if folder:
        with zipfile.ZipFile(path) as file:
            file.extractall(tmp_path / "unpacked")
        path = tmp_path / "unpacked"
    assert list(natives_of(slack(path), "users")) == ["U1", "U2"]
    assert slack(path).check().detail == "2 users, 2 channels."


def test_an_archive_is_read_once_until_it_is_another(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", SLACK)
    cursor = cursor_of(slack(path), "messages")
    assert list(slack(path).read("messages", cursor)) == []
    packed(path, SLACK | {"general/2026-01-03.json": []})
    with pytest.raises(ExpiredCursor):
        list(slack(path).read("messages", cursor))


def test_what_may_be_read_belongs_to_the_cursor(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", SLACK)
    cursor = cursor_of(slack(path), "channels")
    with pytest.raises(ExpiredCursor):
        list(slack(path, private=True).read("channels", cursor))


@pytest.mark.parametrize("size", [0, 10, 200, -10])
def test_half_an_archive_is_worth_another_try(tmp_path: Path, size: int) -> None:
    """It is still being copied: nothing may be concluded from it."""
    whole = packed(tmp_path / "a.zip", SLACK).read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[:size])
    with pytest.raises(TransientError, match="not whole"):
        list(slack(tmp_path / "half.zip").read("messages"))


def test_a_damaged_member_is_worth_another_try(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", SLACK)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        place = file.getinfo("users.json").header_offset + 30 + len("users.json")
    data[place + 5] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(TransientError):
        list(slack(path).read("users"))


def test_one_bad_day_stops_no_other_and_calls_nothing_gone(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", SLACK | {"general/2026-01-04.json": b"[{"})
    items = list(slack(path).read("messages"))
    [failure] = [item for item in items if isinstance(item, Failure)]
    assert failure.key is None
    assert "2026-01-04.json is no JSON" in str(failure.error)
    assert isinstance(items[-1], Complete)


def test_an_archive_that_changes_while_it_is_read_concludes_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(packed(tmp_path / "a.zip", SLACK)) as file:
        file.extractall(tmp_path / "growing")
    items = slack(tmp_path / "growing").read("messages")
    next(items)
    (tmp_path / "growing" / "general" / "2026-01-09.json").write_text("[]")
    rest = list(items)
    assert any(isinstance(item, Failure) and item.key is None for item in rest)
    assert any(isinstance(item, Checkpoint) for item in rest)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "general/../../x", "..\\x"])
def test_no_name_leads_out_of_the_archive(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "a.zip", SLACK | {name: b"root"})
    with opened(str(path), 1000) as archive:
        assert name not in archive.names()
    with pytest.raises(NotFound):
        list(slack(path).open(name))


def test_no_link_leads_out_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cr3t")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "users.json").write_text("[]")
    os.symlink(tmp_path / "secret", tmp_path / "export" / "link")
    with pytest.raises(NotFound):
        list(slack(tmp_path / "export").open("link"))


def test_what_would_grow_beyond_measure_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("users.json", b" " * 20_000_000)
    with pytest.raises(RecordError, match="would grow"):
        list(slack(path).read("users"))


def test_a_file_larger_than_allowed_is_set_aside(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", SLACK)
    assert "general/2026-01-01.json" in packed_names(path)
    items = list(slack(path, max_size=700).read("messages"))
    assert any(isinstance(item, Failure) and "larger than 700" in str(item.error) for item in items)


def packed_names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as file:
        return file.namelist()


def test_names_in_utf_8_without_the_flag_are_understood(tmp_path: Path) -> None:
    """As most exports have them."""
    channel = {"id": "C9", "name": "チャネル"}
    day = [{"type": "message", "user": "U1", "text": "例", "ts": "1767225600.000100"}]
    path = packed(tmp_path / "a.zip", SLACK | {"channels.json": [channel], "XXXXXXXXXXXX/2026-01-01.json": day})
    path.write_bytes(path.read_bytes().replace(b"X" * 12, "チャネル".encode()))
    assert [native["channel"] for native in natives_of(slack(path), "messages").values()] == ["C9"]


@pytest.mark.parametrize("path", ["/nowhere/a.zip", "relative.zip"])
def test_a_wrong_path_is_the_connections_fault(path: str) -> None:
    with pytest.raises(ConfigError):
        list(SlackExport(SlackExport.Config.of(Connection("old", "x", path))).read("users"))


def test_the_connection_has_no_login() -> None:
    with pytest.raises(ConfigError, match="login"):
        SlackExport.Config.of(Connection("old", "x", "/a.zip", "me"))
    with pytest.raises(ConfigError, match="shape"):
        SlackExport.Config.of(Connection("old", "x", "/a.zip", extra={"shape": 1}))


def test_files_of_the_archive_are_streamed(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"__uploads/F1/a.bin": b"x" * 200_000})
    connector = slack(path)
    assert isinstance(connector, HasFiles)
    pieces = list(connector.open("__uploads/F1/a.bin"))
    assert len(pieces) > 1
    assert b"".join(pieces) == b"x" * 200_000


def test_an_export_is_json_and_not_a_persons_data_in_errors(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", SLACK | {"users.json": json.dumps({"Anna": 1}).encode()})
    with pytest.raises(RecordError) as caught:
        list(slack(path).read("users"))
    assert "Anna" not in str(caught.value)
