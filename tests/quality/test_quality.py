"""The quality of a connector: levels that follow from its rules, and claims that a machine holds against what is there."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from landbridge.connector import Connector, connector_class, connector_names
from landbridge.errors import ConfigError
from landbridge.quality import RULES, Judged, Level, judge, load_quality, proven
from landbridge.quality.named import files_of, starts_servers
from landbridge.testing.recording import SECRET, Exchange, Recording
from tests.docs.pages import ROOT, blocks

TUTORIAL = ROOT / "docs" / "tutorial" / "first-connector.md"
TESTS = '''
import pytest

def test_good():
    assert True

def test_bad():
    assert 1 == 2, "one is not two"

@pytest.mark.skip
def test_never():
    assert True

@pytest.mark.skipif(True, reason="always")
def test_never_either():
    assert True

@pytest.mark.xfail
def test_wrong():
    assert False

def test_hollow():
    """Says much."""

def test_exempt():
    pytest.skip("exempt: it has none")

class TestBoard:
    def test_inside(self):
        assert True
'''
README = """# Ideas board

## Permissions

What it takes:

| needed for | right |
|---|---|
| everything | an account |
"""
Make = Callable[..., Judged]


def said(**changes: dict[str, str] | None) -> str:
    """A file in which every rule is done by a good test, but for the changes."""
    rules: dict[str, dict[str, str] | None] = {rule.name: {"done": "test_good"} for rule in RULES}
    rules |= changes
    kept = {name: one for name, one in rules.items() if one is not None}
    return yaml.safe_dump({"tried_against": {"real server": "a board"}, "rules": kept}, sort_keys=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tutorial's connector, as a distribution with tests."""
    made = tmp_path / "ideas_board"
    (made / "tests").mkdir(parents=True)
    for block in blocks(TUTORIAL):
        if block.name.startswith("mappings/") or block.name == "ideas_board.py":
            (made / block.name).parent.mkdir(parents=True, exist_ok=True)
            (made / block.name).write_text(block.text)
    (made / "tests" / "test_board.py").write_text(TESTS)
    (made / "README.md").write_text(README)
    return made


@pytest.fixture
def connector(folder: Path, monkeypatch: pytest.MonkeyPatch) -> type[Connector]:
    spec = importlib.util.spec_from_file_location("ideas_board", folder / "ideas_board.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ideas_board", module)
    spec.loader.exec_module(module)
    found: type[Connector] = module.IdeasBoard
    return found


@pytest.fixture
def make(folder: Path, connector: type[Connector]) -> Make:
    def made(text: str = "", **changes: dict[str, str] | None) -> Judged:
        (folder / "quality.yaml").write_text(text or said(**changes))
        return judge("ideas_board", connector)

    return made


def texts(judged: Judged) -> list[str]:
    return [problem.text for problem in judged.problems]


def test_a_connector_that_keeps_its_word(make: Make) -> None:
    judged = make()
    assert texts(judged) == []
    assert judged.level is Level.GOLD


@pytest.mark.parametrize(
    ("rule", "level"),
    [
        ("recorded_exchanges", "silver"), ("real_server_tests", "silver"), ("deletion_tested", "bronze"),
        ("permissions_table", "none"),
    ],
)  # fmt: skip
def test_the_level_follows_from_the_rules(make: Make, rule: str, level: str) -> None:
    assert make(**{rule: {"todo": "later"}}).level == level
    assert make(**{rule: {"exempt": "it has none"}}).level == ("silver" if rule == "real_server_tests" else "gold")


def test_nothing_is_gold_by_an_emulator_alone(make: Make) -> None:
    judged = make(said().replace("real server", "emulator"))
    assert judged.level is Level.SILVER
    assert texts(judged) == [
        "real_server_tests: it is done, but `tried_against` names neither a real server nor a contract of the vendor."
    ]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("OpenLDAP 2.5.13", {"real server": "OpenLDAP 2.5.13"}),
        ("an emulator of our own", {"emulator": "an emulator of our own"}),
        ("the sandbox's emulator, Acme's published contract (v2, 2026), recordings",
         {"emulator": "the sandbox's emulator", "vendor contract": "Acme's published contract (v2, 2026)",
          "recording": "recordings"}),
    ],
)  # fmt: skip
def test_one_text_counts_by_its_words(make: Make, text: str, means: dict[str, str]) -> None:
    data = yaml.safe_load(said()) | {"tried_against": text}
    judged = make(yaml.safe_dump(data))
    assert judged.quality is not None
    assert judged.quality.tried == means


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("test_zork", "paging_tested: no test of this connector is called test_zork."),
        ("test_never", "test_never is skipped, so it does not prove paging_tested."),
        ("test_never_either", "test_never_either is skipped, so it does not prove paging_tested."),
        ("test_wrong", "test_wrong is expected to fail, so it does not prove paging_tested."),
        ("test_hollow", "test_hollow is empty, so it does not prove paging_tested."),
        ("a good deal", "paging_tested is done by no test: paging past one page is tested."),
        ("tests/test_zork.py", "paging_tested: there is no tests/test_zork.py."),
    ],
)
def test_a_claim_without_a_test(make: Make, name: str, problem: str) -> None:
    judged = make(paging_tested={"done": name})
    assert texts(judged) == [problem]
    (found,) = judged.problems
    assert found.remedy
    lines = Path(found.file).read_text().splitlines()
    assert found.line is not None
    assert ("paging_tested" if found.file.endswith(".yaml") else name) in lines[found.line - 1]


def test_tests_in_classes_and_files_count(make: Make) -> None:
    assert texts(make(paging_tested={"done": "test_inside"}, deletion_tested={"done": "tests/test_board.py"})) == []


def test_the_checks_of_the_conformance_suite_count_where_it_is_inherited(make: Make, folder: Path) -> None:
    suites = list((ROOT / "landbridge" / "testing").glob("suite_*.py"))
    if not suites:
        pytest.skip("no conformance suite yet: only root can install")
    assert texts(make(paging_tested={"done": "test_paging"})) != []
    (folder / "tests" / "test_conformance.py").write_text("class TestBoard(Conformance):\n    harness = Board\n")
    assert texts(make(paging_tested={"done": "test_paging"})) == []


def test_the_file_itself(make: Make) -> None:
    judged = make(zork_tested={"done": "test_good"}, paging_tested=None, deletion_tested={"done": " "})
    assert set(texts(judged)) >= {
        "There is no rule 'zork_tested'.",
        "deletion_tested: expected one of done (by which test), todo or exempt (why).",
        "The rule paging_tested is missing: paging past one page is tested.",
    }
    (problem,) = make("rules: {}\n").problems
    assert "tried_against" in problem.text
    assert problem.file.endswith("quality.yaml")
    (problem,) = make(said(paging_tested={"perhaps": "x"})).problems
    assert problem.line


def test_without_a_file(folder: Path, connector: type[Connector]) -> None:
    judged = judge("ideas_board", connector)
    assert judged.level is Level.NONE
    assert texts(judged) == ["The connector ideas_board says nothing of its quality."]


def test_what_the_class_tells(make: Make, connector: type[Connector], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "check", Connector.check)
    monkeypatch.setattr(connector.Config, "model_config", {"extra": "ignore"})
    assert texts(make(idempotent_write_tested={"exempt": "it writes nothing"})) == [
        "check_names_account_and_scopes: the connector has no check().",
        "config_refuses_unknown_keys: the Config takes unknown keys.",
        "idempotent_write_tested: it is exempt, but ideas, comments can be created.",
    ]


def test_mappings_that_are_missing_wrong_or_do_not_hold(make: Make, folder: Path) -> None:
    mappings = folder / "mappings" / "ideas_board"
    text = (mappings / "ideas.yaml").read_text()
    (mappings / "ideas.yaml").write_text(text.replace("canonical: {title: Bicycle stands", "canonical: {title: Cars"))
    (mappings / "comments.yaml").unlink()
    wrong, missing = make().problems
    assert wrong.text.startswith('example "an idea": into: title: expected')
    assert (wrong.file, wrong.line) == (str(mappings / "ideas.yaml"), text[: text.index("- name")].count("\n") + 1)
    assert missing.text == "mapping_examples_both_ways: comments has no mapping."
    assert "landbridge map ideas_board comments message" in missing.remedy
    (mappings / "ideas.yaml").write_text(text.replace("title: title", "zork: title"))
    assert any("zork" in one for one in texts(make()))


def test_a_mapping_of_another_kind_or_of_no_stream(make: Make, folder: Path) -> None:
    mappings = folder / "mappings" / "ideas_board"
    text = (mappings / "ideas.yaml").read_text()
    (mappings / "idea.yaml").write_text(text.replace("stream: ideas", "stream: idea"))
    (mappings / "ideas.yaml").write_text("system: ideas_board\nstream: ideas\nkind: space\nfields:\n  name: title\n")
    left, other = make().problems[:2]
    assert (left.text, left.remedy) == ("The connector ideas_board has no stream 'idea'.", "Did you mean ideas?")
    assert (left.file, left.line) == (str(mappings / "idea.yaml"), 1)
    assert other.text == "The connector's ideas holds documents, the mapping says space."
    assert (other.file, other.remedy) == (str(mappings / "ideas.yaml"), "Write `kind: document`.")


@pytest.mark.parametrize(
    ("token", "told", "what"),
    [
        (SECRET, "2026-03-02", None),
        ("landbridge-token", "2026-03-02", "the connection's token"),
        (SECRET, "xoxb-1234567890-abcdef", "what looks like a secret (xoxb…)"),
        (SECRET, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2ln", "what looks like a secret (eyJh…)"),
        (SECRET, "-----BEGIN RSA PRIVATE KEY-----", "what looks like a secret (----…)"),
    ],
)  # fmt: skip
def test_a_secret_in_a_recording_is_found_with_its_line_and_not_repeated(
    make: Make, folder: Path, token: str, told: str, what: str | None
) -> None:
    config, exchange = {"host": "https://system.example", "token": token}, Exchange("GET", "/ideas", 200, answer=[told])
    file = folder / "tests" / "recordings" / "ideas_board-ideas.json"
    Recording("ideas_board", "ideas", "document", ("id",), config, (exchange,), ()).write(file)
    secret = told if token == SECRET else token
    expected = [(f"The recording holds {what}.", str(file))] if what else []
    problems = make().problems
    assert [(one.text, one.file) for one in problems] == expected
    for one in problems:
        assert secret in file.read_text().splitlines()[(one.line or 0) - 1]
        assert secret not in f"{one}"


@pytest.mark.parametrize(("name", "needs"), [("NEEDS", {"ideas": ("idea: read",)}), ("SCOPES", ("idea: read", "read"))])
def test_the_readmes_table_names_every_permission_that_check_asks_for(
    make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, needs: Any
) -> None:
    monkeypatch.setattr(sys.modules["ideas_board"], name, needs, raising=False)
    (folder / "README.md").write_text(README.replace("an account", "`read`"))
    (problem,) = make().problems
    assert problem.text == "The table of permissions does not name idea: read, which check() asks for."
    assert (problem.file, problem.line) == (
        str(folder / "README.md"),
        README[: README.index("| needed")].count("\n") + 1,
    )
    (folder / "README.md").write_text(README.replace("an account", "`read` of idea"))
    assert make().problems == []


def test_the_readmes_table(make: Make, folder: Path) -> None:
    for text in (
        "# Board\n",
        "# Board\n\n## Permissions\n\nNone.\n",
        README.replace("| everything | an account |\n", ""),
    ):
        (folder / "README.md").write_text(text)
        assert texts(make()) == ["The README has no table of permissions under a heading of that name."]
    (folder / "README.md").unlink()
    assert texts(make()) == ["The connector has no README."]


# Tests that are run


def test_tests_are_run_and_failures_have_their_line(make: Make, folder: Path) -> None:
    judged = make()
    result = proven.run(judged.tests, folder)
    assert (result.passed, result.exempt, result.skipped.total()) == (3, 1, 3)
    (problem,) = result.problems
    assert problem.text == "test_bad fails: AssertionError: one is not two"
    assert problem.remedy == "python -m pytest tests/test_board.py::test_bad"
    assert problem.line is not None
    assert "def test_bad" in Path(problem.file).read_text().splitlines()[problem.line - 1]


def test_a_file_that_cannot_be_read_is_a_finding(folder: Path) -> None:
    file = folder / "tests" / "test_broken.py"
    file.write_text("import zork_that_is_not_there\n")
    (problem,) = proven.run([file], folder).problems
    assert "fails" in problem.text
    assert problem.file.endswith("test_broken.py")


def test_files_that_start_servers_are_left_out(folder: Path) -> None:
    file = folder / "tests" / "test_server.py"
    file.write_text("from tests.servers import brought_up\n")
    assert starts_servers(file)
    assert proven.run([file], folder).left_out == [file]
    for harmless in ("sandbox.emulators.base import serving", "sandbox.company import halbrueck"):
        file.write_text(f"from {harmless}\n")
        assert not starts_servers(file)


# The connectors of this repository


@pytest.mark.parametrize("name", connector_names("landbridge"))
def test_our_own_connectors_keep_their_word(name: str) -> None:
    try:
        cls = connector_class(name)
    except ConfigError as error:
        pytest.skip(f"{error}: only root can install")
    judged = judge(name, cls)
    assert [(one.file, one.line, one.text) for one in judged.problems] == []
    assert judged.level is not Level.NONE
    assert judged.tests


def test_a_file_belongs_to_the_connector_whose_name_it_bears() -> None:
    found = files_of("wordpress", ROOT / "connectors" / "wordpress")
    assert {one.name for one in found} >= {"test_wordpress_server.py", "test_reads.py"}
    assert not any("matrix" in str(one.relative_to(ROOT)) for one in found)
    assert files_of("zork", ROOT / "connectors" / "wordpress") == []


def test_an_installed_connector_has_no_tests_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages" / "connectors" / "zulip"
    folder.mkdir(parents=True)
    (tmp_path / "site-packages" / "tests").mkdir()
    (tmp_path / "site-packages" / "tests" / "test_zulip.py").write_text(TESTS)
    assert files_of("zulip", folder) == []


def test_every_quality_file_loads() -> None:
    for file in (ROOT / "connectors").glob("*/quality.yaml"):
        assert load_quality(file).tried


def test_pytest_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not proven.can_run()
