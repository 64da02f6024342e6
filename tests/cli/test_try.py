"""try and map: from a live system to a recording, and from there to a mapping; with the tutorial's connector and board."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from landbridge.cli.exits import Exit
from landbridge.connector import Connection, Connector
from landbridge.errors import RecordError
from landbridge.mapping import load_mapping
from landbridge.store import audit
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, Company
from landbridge.testing import recording as recordings
from tests.cli.conftest import Cli, Said, said
from tests.docs.pages import ROOT, blocks
from tests.sync.conftest import World

TUTORIAL = ROOT / "docs" / "tutorial" / "first-connector.md"
TOKEN = "landbridge-token"


@pytest.fixture
def tutorial(tmp_path: Path) -> dict[str, str]:
    return {block.name: block.text for block in blocks(TUTORIAL) if block.name}


@pytest.fixture
def board(tmp_path: Path, tutorial: dict[str, str]) -> Iterator[str]:
    """A board with two ideas and a comment."""
    (tmp_path / "board.py").write_text(tutorial["board.py"])
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(tmp_path / "board.py"), str(port)])
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    url = f"http://127.0.0.1:{port}"
    for number, path, row in (
        (1, "ideas", {"title": "Bicycle stands", "text": "Ask Jürgen Weber, +49 30 23125 003, about the roof."}),
        (2, "ideas", {"title": "Coffee", "text": "Write to anna.alt@acme.com."}),
        (3, "comments", {"idea": 1, "text": "Yes, please."}),
    ):
        headers = {"Authorization": "Bearer anna-token", "Idempotency-Key": str(number)}
        requests.post(f"{url}/{path}", json=row, headers=headers, timeout=5).raise_for_status()
    yield url
    server.terminate()
    server.wait()


@pytest.fixture
def connector(tmp_path: Path, tutorial: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> type[Connector]:
    (tmp_path / "ideas_board.py").write_text(tutorial["ideas_board.py"])
    spec = importlib.util.spec_from_file_location("ideas_board", tmp_path / "ideas_board.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ideas_board", module)
    spec.loader.exec_module(module)
    found: type[Connector] = module.IdeasBoard
    monkeypatch.setattr("landbridge.cli.map_.connector_class", lambda name: found)
    return found


@pytest.fixture
def board_cli(
    tmp_path: Path, board: str, connector: type[Connector], _sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Said]:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "mappings").mkdir()
    (home / "tests").mkdir()
    (home / "config" / "systems.yaml").write_text("systems:\n  berlin: {connector: ideas_board, audience: company}\n")
    monkeypatch.chdir(home)
    hub = tmp_path / "hub.sqlite"
    hub.write_bytes(_sqlite_template.read_bytes())
    config = connector.Config.of(Connection("berlin", "landbridge_ideas_board", board, extra={"token": TOKEN}))

    @contextmanager
    def opener(company: Company, connections: object) -> Iterator[Bridge]:
        bridge = Bridge(company, Hub(f"sqlite:///{hub}"))
        bridge._connectors["berlin"] = connector(config)
        try:
            yield bridge
        finally:
            bridge.close()
            bridge.hub.close()

    return lambda *args: said(*args, opener=opener)


def test_records_are_shown_as_they_are(board_cli: Callable[..., Said]) -> None:
    found = board_cli("try", "berlin", "ideas", "--limit", "1")
    assert found.code == Exit.OK
    assert "berlin/ideas  ideas_board · document · 1 record" in found.out
    assert "Ask Jürgen Weber" in found.out
    assert "No mapping yet" in found.out
    assert TOKEN not in found.out + found.err
    data = board_cli("try", "berlin", "ideas", "--json").data
    assert [one["native"]["title"] for one in data["records"]] == ["Bicycle stands", "Coffee"]
    assert data["recording"] is None


def test_without_a_stream_they_are_listed(board_cli: Callable[..., Said]) -> None:
    found = board_cli("try", "berlin")
    assert found.code == Exit.OK
    assert [line.split() for line in found.out.splitlines()] == [
        ["stream", "kind", "writes"],
        ["ideas", "document", "create,", "update", "no", "mapping", "yet"],
        ["comments", "message", "create,", "delete", "no", "mapping", "yet"],
    ]
    told = board_cli("try", "berlin", "--json").data["streams"]
    assert told[0] == {"stream": "ideas", "kind": "document", "mapped": False, "writes": ["create", "update"]}


def test_what_cannot_be_drafted_from_says_what_to_type(board_cli: Callable[..., Said]) -> None:
    misspelt = board_cli("map", "berlin", "idea", "document")
    assert misspelt.code == Exit.USAGE and "Did you mean ideas?" in misspelt.err
    early = board_cli("map", "berlin", "ideas", "document")
    assert early.code == Exit.USAGE and "`landbridge try berlin ideas --record` makes one." in early.err


def test_a_recording_holds_no_person_and_plays_back(
    board_cli: Callable[..., Said], tmp_path: Path, connector: type[Connector]
) -> None:
    found = board_cli("try", "berlin", "ideas", "--record")
    assert found.code == Exit.OK, found.out
    assert "kept in tests/recordings/ideas_board-ideas.json" in found.out
    assert "played back, it gives the same 2 records" in found.out
    assert found.out.endswith("To have one drafted:\n  landbridge map berlin ideas document\n")
    path = tmp_path / "home" / "tests" / "recordings" / "ideas_board-ideas.json"
    text = path.read_text()
    for word in ("Jürgen", "Weber", "23125", "anna.alt", "acme", TOKEN, "Anna", "127.0.0.1"):
        assert word not in text
    kept = recordings.load(path)
    assert [one.target.partition("?")[0] for one in kept.exchanges] == ["/ideas"] * 2
    assert kept.config == {"host": "https://system.example", "token": recordings.SECRET}
    board = recordings.player(connector, kept)
    with recordings.replayed(kept):
        assert recordings.natives(board, "ideas", 2) == kept.natives
        with pytest.raises(RecordError, match="no answer"):
            board.check()


def test_from_another_folder_the_recordings_path_is_whole(
    board_cli: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = board_cli("try", "berlin", "ideas", "--record", "--home", "home")
    assert "kept in home/tests/recordings/ideas_board-ideas.json" in found.out
    monkeypatch.chdir("/")
    found = board_cli("map", "berlin", "ideas", "document", "--print", "--home", str(tmp_path / "home"))
    assert "system: ideas_board" in found.out


@pytest.mark.parametrize("why", ["Not a directory", "File exists"])
def test_a_place_that_cannot_be_written_is_no_mistake_of_landbridge(
    board_cli: Callable[..., Said], tmp_path: Path, why: str
) -> None:
    tests = tmp_path / "home" / "tests"
    if why == "File exists":
        (tests / "recordings").write_text("in the way")
    else:
        tests.rmdir()
        tests.write_text("in the way")
    found = board_cli("try", "berlin", "ideas", "--record")
    assert found.code == Exit.USAGE
    assert f"tests/recordings: {why}.\n  See to it that there is room" in found.err
    assert "LANDBRIDGE_DEBUG" not in found.err


def test_a_full_disk_is_no_mistake_of_landbridge(board_cli: Callable[..., Said], tmp_path: Path) -> None:
    kept = tmp_path / "home" / "tests" / "recordings" / "ideas_board-ideas.json"
    kept.parent.mkdir()
    kept.symlink_to("/dev/full")
    found = board_cli("try", "berlin", "ideas", "--record")
    assert found.code == Exit.USAGE
    assert "No space left on device." in found.err


def test_a_mapping_is_of_the_kind_that_its_stream_holds(board_cli: Callable[..., Said]) -> None:
    found = board_cli("map", "berlin", "ideas", "message")
    assert found.code == Exit.USAGE
    assert "ideas_board's ideas holds documents.\n  `landbridge map berlin ideas document`" in found.err


def test_recorded_twice_is_recorded_alike(board_cli: Callable[..., Said], tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        board_cli("try", "berlin", "ideas", "--record")
        texts.append((tmp_path / "home" / "tests" / "recordings" / "ideas_board-ideas.json").read_text())
    assert texts[0] == texts[1]


def test_invented_people_may_be_kept(board_cli: Callable[..., Said], tmp_path: Path) -> None:
    assert board_cli("try", "berlin", "ideas", "--as-is").code == Exit.USAGE
    assert board_cli("try", "berlin", "ideas", "--record", "--as-is").code == Exit.OK
    text = (tmp_path / "home" / "tests" / "recordings" / "ideas_board-ideas.json").read_text()
    assert "Jürgen Weber" in text
    assert TOKEN not in text


def test_a_mapping_is_drafted_and_used_at_once(board_cli: Callable[..., Said], tmp_path: Path) -> None:
    missing = board_cli("map", "berlin", "comments", "message")
    assert missing.code == Exit.USAGE
    assert "landbridge try" in missing.err
    board_cli("try", "berlin", "comments", "--record")
    shown = board_cli("map", "berlin", "comments", "message", "--print")
    path = tmp_path / "home" / "mappings" / "ideas_board" / "comments.yaml"
    assert not path.exists()
    made = board_cli("map", "berlin", "comments", "message")
    assert made.code == Exit.OK
    assert "its examples hold both ways" in made.out
    assert path.read_text().split() == shown.out.split()
    mapping = load_mapping(path)
    assert mapping.run_examples() == []
    assert {path: field.native for path, field in mapping.fields.items()} == {
        "thread": 'idea | ref("ideas", number=true)',
        "guest": "author",
        "body": 'text | richtext("plain")',
        "sent_at": "changed | datetime",
    }
    assert board_cli("map", "berlin", "comments", "message").code == Exit.USAGE
    assert board_cli("map", "berlin", "comments", "message", "--force").code == Exit.OK
    mapped = board_cli("try", "berlin", "comments")
    assert "mapped to a message" in mapped.out
    assert "ideas/1" in mapped.out


def test_a_mapping_that_is_used_from_elsewhere_is_not_hidden_by_a_draft(
    board_cli: Callable[..., Said], tmp_path: Path, tutorial: dict[str, str]
) -> None:
    used = tmp_path / "home" / "mappings" / "berlin" / "ideas.yaml"
    used.parent.mkdir()
    used.write_text(tutorial["mappings/ideas_board/ideas.yaml"].replace("system: ideas_board", "system: berlin"))
    assert board_cli("try", "berlin", "ideas", "--record").code == Exit.OK
    found = board_cli("map", "berlin", "ideas", "document")
    assert found.code == Exit.USAGE
    assert f"{used}: This mapping is there already." in found.err
    assert "--force it into mappings/ideas_board/ideas.yaml" in found.err
    assert not (tmp_path / "home" / "mappings" / "ideas_board").exists()


def test_native_and_mapped_stand_together(cli: Cli) -> None:
    found = cli("try", "hr", "people", "--limit", "2")
    assert found.code == Exit.OK
    assert "mapped to a person" in found.out
    assert cli("try", "hr", "people", "--json").data["records"][0]["claim"]["name.family"] == "Müller"


def test_a_filtered_record_and_a_wrong_one(cli: Cli, world: World, home: Path) -> None:
    world.hr.put("people", id="9", number=[], mail="x")
    found = cli("try", "hr", "people", "--limit", "9", "--json")
    assert found.code == Exit.FINDINGS
    assert [bool(one["error"]) for one in found.data["records"]] == [False, False, False, True]
    file = home / "mappings" / "hr_app" / "people.yaml"
    file.write_text(file.read_text().replace("kind: person\n", 'kind: person\nonly: given == "Anna"\n'))
    found = cli("try", "hr", "people")
    assert found.out.count("filtered by the mapping's `only`") == 2


def test_that_somebody_looked_is_in_the_audit(cli: Cli, world: World) -> None:
    cli("try", "hr", "people")
    with world.bridge.hub.read() as conn:
        assert audit.recent(conn)[0].action == "try-stream"


def test_unknown_names(cli: Cli) -> None:
    assert cli("try", "hr", "zork").code == Exit.USAGE
    assert cli("try", "nowhere", "people").code == Exit.USAGE


def test_systems_without_http_are_recorded_by_their_records(cli: Cli, home: Path) -> None:
    found = cli("try", "hr", "people", "--record")
    assert found.code == Exit.OK
    assert "only its records are kept" in " ".join(found.out.split())
    kept: Any = json.loads((home / "tests" / "recordings" / "memory-people.json").read_text())
    assert kept["exchanges"] == []
    assert "Anna" not in json.dumps(kept, ensure_ascii=False)
