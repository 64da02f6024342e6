"""What each tool's export becomes: spaces, messages with their authors and times, threads, files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from connectors.archives.export import Export
from connectors.archives.mattermost import MattermostExport
from connectors.archives.slack import SlackExport
from connectors.archives.yammer import YammerExport
from landbridge.connector import Failure, Record, connector_class
from landbridge.errors import NotFound, RecordError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from tests.connectors.archives.conftest import SLACK, packed, reader
from tests.connectors.reading import natives_of
from tests.shared import SHARED

ROOT = Path(__file__).parents[3]
EXPORTS: dict[str, type[Export]] = {
    "slack_export": SlackExport, "mattermost_export": MattermostExport, "yammer_export": YammerExport,
}  # fmt: skip


def claims(connector: Export, stream: str) -> dict[str, dict[str, Any]]:
    mapping = load_mapping(ROOT / "mappings" / connector.system / f"{stream}.yaml")
    found = connector.read(stream)
    return {
        item.key: validate(mapping.kind, mapping.into(item.native).claim)
        for item in found
        if isinstance(item, Record) and mapping.accepts(item.native)
    }


@pytest.mark.parametrize("name", EXPORTS)
def test_every_stream_has_a_mapping_whose_examples_hold(name: str) -> None:
    assert connector_class(name) is EXPORTS[name]
    for stream in EXPORTS[name].streams():
        mapping = load_mapping(ROOT / "mappings" / name / f"{stream}.yaml")
        assert mapping.examples
        assert mapping.run_examples() == []


# --- Slack -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def slack(tmp_path: Path) -> Path:
    return packed(tmp_path / "slack.zip", SLACK)


def test_slack_messages_come_home_with_authors_times_and_threads(slack: Path) -> None:
    found = claims(reader(SlackExport, slack), "messages")
    assert list(found) == ["C1/1767225600.000100", "C1/1767225601.000000", "C1/1767312000.000100"]
    root, app, reply = found.values()
    assert root["author"] == {"stream": "users", "key": "U1"}
    assert (root["sent_at"], root["edited_at"]) == ("2026-01-01T00:00:00.000100Z", "2026-01-01T00:01:40Z")
    assert (root["body"], root["thread"]) == ("Hi @{person:~U2}", None)
    assert root["reactions"] == {
        "👍": [{"stream": "users", "key": "U2"}],
        ":party_llama:": [{"stream": "users", "key": "U1"}],
    }
    assert (app["author"], app["guest"], app["body"]) == (None, "Build", "**Broken**")
    assert reply["thread"] == {"stream": "messages", "key": "C1/1767225600.000100"}
    assert (root["guest"], reply["guest"]) == ("Ada Łoś", "Bo"), "For where the company does not know them."


def test_slack_channels_are_spaces(slack: Path) -> None:
    found = claims(reader(SlackExport, slack), "channels")
    assert {key: claim["visibility"] for key, claim in found.items()} == {"C1": "public", "C2": "public"}
    assert found["C2"]["archived"] is True


def test_private_conversations_are_read_only_where_that_is_said(slack: Path) -> None:
    said = {
        name: set(natives_of(reader(SlackExport, slack, **{name: True}), "messages")) for name in ("private", "direct")
    }
    usual = set(natives_of(reader(SlackExport, slack), "messages"))
    assert said["private"] - usual == {"G1/1767225600.000200"}
    assert said["direct"] - usual == {"D1/1767225600.000300"}


class Slack(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if "xoxe-s3cr3t" in self.path else 403)
        self.end_headers()
        self.wfile.write(b"%PDF-1." if "xoxe-s3cr3t" in self.path else b"")

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slack)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(SlackExport, "files_host", url)
    yield url
    server.shutdown()
    server.server_close()


def test_slack_files_are_fetched_by_their_link_which_nobody_else_sees(tmp_path: Path, files: str) -> None:
    text = json.dumps(SLACK["general/2026-01-01.json"]).replace("https://files.slack.com/", files)
    connector = reader(SlackExport, packed(tmp_path / "a.zip", SLACK | {"general/2026-01-01.json": json.loads(text)}))
    [attachment] = natives_of(connector, "messages")["C1/1767225600.000100"]["attachments"]
    assert attachment == {
        "name": "plan.pdf", "media_type": "application/pdf", "size": 7, "url": "general/2026-01-01.json#F1",
    }  # fmt: skip
    assert b"".join(connector.open(attachment["url"])) == b"%PDF-1."
    connector.close()


def test_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    text = json.dumps(SLACK["general/2026-01-01.json"]).replace("files.slack.com", "169.254.169.254")
    connector = reader(SlackExport, packed(tmp_path / "a.zip", SLACK | {"general/2026-01-01.json": json.loads(text)}))
    with pytest.raises(RecordError, match="does not lie at Slack"):
        list(connector.open("general/2026-01-01.json#F1"))
    with pytest.raises(NotFound):
        list(connector.open("general/2026-01-01.json#F9"))


def test_files_that_were_unpacked_into_the_archive_are_taken_from_there(tmp_path: Path) -> None:
    connector = reader(SlackExport, packed(tmp_path / "a.zip", SLACK | {"__uploads/F1/plan.pdf": b"%PDF"}), files=False)
    [attachment] = natives_of(connector, "messages")["C1/1767225600.000100"]["attachments"]
    assert b"".join(connector.open(attachment["url"])) == b"%PDF"


@pytest.mark.skipif(not SHARED.is_dir(), reason="LANDBRIDGE_SHARED does not name the folder with exports")
@pytest.mark.parametrize("path", sorted((SHARED / "samples" / "slack").glob("*/test*.zip")), ids=lambda path: path.stem)
def test_real_slack_exports_become_claims(path: Path) -> None:
    connector = reader(SlackExport, path)
    for stream in connector.streams():
        assert claims(connector, stream)
        assert not any(isinstance(item, Failure) for item in connector.read(stream))


# --- Mattermost ------------------------------------------------------------------------------------------------------

LINES = [
    {"type": "version", "version": 1},
    {"type": "channel", "channel": {"team": "it", "name": "help", "display_name": "Hilfe", "type": "O", "header": "Ask"}},
    {"type": "channel", "channel": {"team": "it", "name": "board", "display_name": "Board", "type": "P"}},
    {"type": "user", "user": {"username": "ada", "email": "ada@x.example", "first_name": "Ada", "delete_at": 0}},
    {"type": "post", "post": {
        "team": "it", "channel": "help", "user": "ada", "message": "Hi @bo **now**", "create_at": 1767225600000,
        "edit_at": 1767225660000, "reactions": [{"user": "bo", "emoji_name": "+1", "create_at": 1}],
        "attachments": [{"path": "20260101/plan.pdf"}, {"path": "lost.pdf"}],
        "replies": [{"user": "bo", "message": "two", "create_at": 1767225602000},
                    {"user": "bo", "message": "one", "create_at": 1767225601000}]}},
    {"type": "post", "post": {"team": "it", "channel": "help", "user": "bo", "message": "bo joined.", "type": "system_join_channel",
                              "create_at": 1767225500000}},
    {"type": "post", "post": {"team": "it", "channel": "board", "user": "ada", "message": "secret", "create_at": 1}},
    {"type": "direct_channel", "direct_channel": {"members": ["bo", "ada"]}},
    {"type": "direct_post", "direct_post": {"channel_members": ["ada", "bo"], "user": "ada", "message": "us", "create_at": 2}},
]  # fmt: skip


def mattermost(folder: Path, lines: list[Any], **extra: Any) -> MattermostExport:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    members = {"import.jsonl": text.encode(), "data/20260101/plan.pdf": b"%PDF"}
    return reader(MattermostExport, packed(folder / "mattermost.zip", members), **extra)


def test_mattermost_messages_come_home_with_authors_times_and_threads(tmp_path: Path) -> None:
    found = claims(mattermost(tmp_path, LINES), "messages")
    root, one, two = found.values()
    assert next(iter(found)) == "it/help/ada/1767225600000"
    assert (root["body"], root["sent_at"]) == ("Hi @{person:~bo} **now**", "2026-01-01T00:00:00Z")
    assert root["reactions"] == {"👍": [{"stream": "users", "key": "bo"}]}
    assert [attachment["url"] for attachment in root["attachments"]] == ["data/20260101/plan.pdf"]
    assert (one["body"], two["body"]) == ("one", "two")
    assert (root["guest"], one["guest"]) == ("Ada", "bo")
    assert one["thread"] == {"stream": "messages", "key": "it/help/ada/1767225600000"}


def test_mattermost_private_conversations_are_read_only_where_that_is_said(tmp_path: Path) -> None:
    assert list(natives_of(mattermost(tmp_path, LINES), "channels")) == ["it/help"]
    assert "it/board/ada/1" in natives_of(mattermost(tmp_path, LINES, private=True), "messages")
    direct = mattermost(tmp_path, LINES, direct=True)
    [channel] = [key for key in natives_of(direct, "channels") if key.startswith("direct/")]
    assert f"{channel}/ada/2" in natives_of(direct, "messages")


def test_a_bad_line_of_mattermost_stops_no_other_and_calls_nothing_gone(tmp_path: Path) -> None:
    items = list(mattermost(tmp_path, [*LINES[:4], "{half", *LINES[4:]]).read("messages"))
    assert any(isinstance(item, Failure) and item.key is None and "Line 5" in str(item.error) for item in items)
    assert sum(isinstance(item, Record) for item in items) == 4


@pytest.mark.skipif(not SHARED.is_dir(), reason="LANDBRIDGE_SHARED does not name the folder with exports")
def test_real_mattermost_exports_become_claims(tmp_path: Path) -> None:
    for path in sorted((SHARED / "samples" / "mattermost").rglob("*xport.json")):
        packed(tmp_path / "a.zip", {"import.jsonl": path.read_bytes()})
        connector = reader(MattermostExport, tmp_path / "a.zip", private=True, direct=True)
        for stream in connector.streams():
            assert claims(connector, stream)
            assert not any(isinstance(item, Failure) for item in connector.read(stream))


# --- Viva Engage -----------------------------------------------------------------------------------------------------

TABLES = {
    "export/Users.csv": "id,name,email,job_title,state\r\n7,Ada Łoś,ada@x.example,Engineer,active\r\n8,Bo,,,soft_delete\r\n",
    "export/Groups.csv": "id,name,description,private\r\n31,Onboarding,\"For all, new\",false\r\n32,Board,,true\r\n",
    "export/Files.csv": "file_id,name,path\r\n5,plan.pdf,files/5.pdf\r\n",
    "files/5.pdf": "%PDF",
    "export/Messages.csv": (
        "id,replied_to_id,thread_id,group_id,in_private_group,in_private_conversation,sender_id,sender_name,body,"
        "attachments,message_type,created_at,deleted_at\r\n"
        '10,,10,31,false,false,7,Ada,"Hello *all*\nHi [[user:8]]",uploadedfile:5,update,2026-01-01T00:00:00.000Z,\r\n'
        "11,10,10,31,false,false,8,Bo,Hi,,update,2026-01-01T00:01:00.000Z,\r\n"
        "12,,12,,false,false,7,Ada,To everybody,,update,2026-01-01T00:02:00.000Z,\r\n"
        "13,,13,32,true,false,7,Ada,secret,,update,2026-01-01T00:03:00.000Z,\r\n"
        "14,,14,,false,true,7,Ada,between us,,update,2026-01-01T00:03:00.000Z,\r\n"
        "15,,15,31,false,false,7,Ada,gone,,update,2026-01-01T00:03:00.000Z,2026-01-02T00:00:00.000Z\r\n"
        "16,,16,31,false,false,7,Ada,Ada joined,,system,2026-01-01T00:03:00.000Z,\r\n"
    ),
}  # fmt: skip


@pytest.fixture
def yammer(tmp_path: Path) -> Path:
    return packed(
        tmp_path / "engage.zip",
        {name: b"\xef\xbb\xbf" * name.endswith("csv") + text.encode() for name, text in TABLES.items()},
    )


def test_engage_messages_come_home_with_authors_times_and_threads(yammer: Path) -> None:
    connector = reader(YammerExport, yammer)
    found = claims(connector, "messages")
    assert list(found) == ["10", "11", "12"]
    assert found["10"]["body"] == "Hello \\*all\\*\\\nHi @{person:~8}"
    assert (found["10"]["sent_at"], found["10"]["thread"]) == ("2026-01-01T00:00:00Z", None)
    assert found["11"]["thread"] == found["11"]["reply_to"] == {"stream": "messages", "key": "10"}
    assert (found["10"]["author"], found["10"]["guest"]) == ({"stream": "users", "key": "7"}, "Ada")
    assert found["12"]["space"] == {"stream": "groups", "key": "none"}
    [attachment] = found["10"]["attachments"]
    assert b"".join(connector.open(attachment["url"])) == b"%PDF"


def test_engage_communities_and_people(yammer: Path) -> None:
    connector = reader(YammerExport, yammer)
    assert {key: claim["name"] for key, claim in claims(connector, "groups").items()} == {
        "none": "All Company",
        "31": "Onboarding",
    }
    assert {key: claim["active"] for key, claim in claims(connector, "users").items()} == {"7": True, "8": False}


def test_engage_private_conversations_are_read_only_where_that_is_said(yammer: Path) -> None:
    assert set(natives_of(reader(YammerExport, yammer, private=True), "messages")) == {"10", "11", "12", "13", "16"}
    assert set(natives_of(reader(YammerExport, yammer, direct=True), "messages")) == {"10", "11", "12", "14", "16"}
