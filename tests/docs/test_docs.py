"""What the documentation says is there: links, commands, options, files, configuration, tests."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from landbridge import errors
from landbridge.cli.app import app
from landbridge.cli.exits import Exit, code_of
from landbridge.cli.listing import load
from landbridge.mapping import load_yaml, validated
from landbridge.policy import PolicyConfig
from landbridge.sync import load_company
from landbridge.sync.config import FlowConfig, SystemsFile
from tests.docs.pages import ROOT, Block, blocks, pages, prose

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+\.(py|yaml|md|php|toml|example)")
# Of the tutorial's own folder, or made when something runs.
_ELSEWHERE = (
    "mappings/ideas_board/",
    "tests/test_conformance.py",
    ".landbridge/",
    "config/flows/canteen.yaml",
    "config/flows/ideas.yaml",
    "tests/test_recordings.py",
)


def heading_ids(page: Path) -> set[str]:
    """As GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page, broken = PAGES[name], []
    for found in _LINK.finditer(prose(page)):
        path, _, heading = found["target"].partition("#")
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (heading and heading not in heading_ids(target)):
            broken.append(found["target"])
    assert broken == []


def commands(page: Path) -> Iterator[str]:
    """Every `landbridge …` in a code span or a block."""
    yield from _CODE.findall(prose(page))
    for block in blocks(page):
        for line in block.text.splitlines():
            yield line.removeprefix("$ ").partition("  #")[0]


@pytest.mark.parametrize("name", PAGES)
def test_commands_exist_with_their_options(name: str) -> None:
    for said in commands(PAGES[name]):
        if re.match(r"landbridge( [a-z-]|$)", said):
            assert unknown(said) == "", said


def unknown(said: str) -> str:
    """The word that is no command or option; empty where all are."""
    load()
    found: Any = get_command(app)
    for word in shlex.split(said.partition(" |")[0])[1:]:
        if hasattr(found, "commands") and not word.startswith("-"):
            if word not in found.commands:
                return word
            found = found.commands[word]
        elif word.startswith("--"):
            options = {option for param in found.params for option in param.opts}
            if word.partition("=")[0] not in {*options, "--help", "--install-completion"}:
                return word
    return ""


@pytest.mark.parametrize("name", PAGES)
def test_files_that_are_named_exist(name: str) -> None:
    page = PAGES[name]
    said = (found for found in _CODE.findall(prose(page)) if _PATH.fullmatch(found))
    missing = [path for path in said if not path.startswith(_ELSEWHERE) and not any_exists(page, path)]
    assert missing == []


def any_exists(page: Path, path: str) -> bool:
    return any((folder / path).exists() for folder in (ROOT, page.parent, ROOT / "plugins"))


def snippets() -> Iterator[Any]:
    for name, page in PAGES.items():
        for block in blocks(page):
            if block.language == "yaml" and not block.name:
                yield pytest.param(block, id=f"{name}:{block.line}")


@pytest.mark.parametrize("block", [*snippets()])
def test_configuration_loads(block: Block, tmp_path: Path) -> None:
    """A whole flow beside the company's own; a part of a file by the shape of that file."""
    data = yaml.safe_load(block.text)
    if "flow" in data and "to" in data:
        assert load_with(tmp_path, data["flow"], block.text)
    elif "systems" in data:
        assert check(tmp_path, block.text, SystemsFile)
    elif data.keys() & {"exceptions", "private_spaces"}:
        assert check(tmp_path, block.text, PolicyConfig)
    elif data.keys() <= {"only"}:
        source = {"flow": "people", "kind": "person", "from": {"hr/employees": data}, "to": {"chat/users": {}}}
        assert load_with(tmp_path, "people", yaml.safe_dump(source))
    elif data.keys() <= {"brake", "messages"}:
        whole = yaml.safe_load((ROOT / "config" / "flows" / "cases.yaml").read_text()) | data
        assert load_with(tmp_path, "cases", yaml.safe_dump(whole, allow_unicode=True))
    else:
        assert data.keys() <= {"fields", "system"}, "a snippet that no test here can load"


def check(folder: Path, text: str, model: Any) -> Any:
    (folder / "snippet.yaml").write_text(text)
    return validated(load_yaml(folder / "snippet.yaml"), model)


def load_with(folder: Path, flow: str, text: str) -> bool:
    """The repository's company, with e-mail, and with this flow in place of its own or beside them."""
    if flow == "ideas-in-chat":  # the tutorial's, beside the tutorial's systems: tests/docs/test_tutorial.py
        return bool(check(folder, text, FlowConfig))
    (folder / "config" / "flows").mkdir(parents=True)
    (folder / "mappings").symlink_to(ROOT / "mappings")
    systems = (ROOT / "config" / "systems.yaml").read_text() + "\n  mail:\n    connector: email\n"
    (folder / "config" / "systems.yaml").write_text(systems)
    for path in (ROOT / "config" / "flows").glob("*.yaml"):
        (folder / "config" / "flows" / path.name).write_text(path.read_text())
    (folder / "config" / "flows" / f"{flow}.yaml").write_text(text)
    return flow in load_company(folder).flows


def test_the_readmes_flow_is_the_companys() -> None:
    shown = next(block for block in blocks(ROOT / "README.md") if block.language == "yaml")
    real = yaml.safe_load((ROOT / "config" / "flows" / "news.yaml").read_text())
    assert yaml.safe_load(shown.text) == real


# Promises ---------------------------------------------------------------------------------------------------------

PROMISES = ROOT / "docs" / "explanation" / "promises.md"
_TEST = re.compile(r"`(?P<file>tests/\S+\.py)::(?P<name>test_\w+)`")
_NUMBERED = re.compile(r"^def (test((?:_\d+)+)_\w+)\(", re.MULTILINE)


def promises() -> dict[int, str]:
    parts = re.split(r"^## (\d+)\. ", PROMISES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(parts[::2], parts[1::2], strict=True)}


def test_every_promise_has_tests_and_every_test_is_there() -> None:
    assert list(promises()) == list(range(1, 16))
    for number, text in promises().items():
        found = list(_TEST.finditer(text))
        assert found, f"promise {number} names no test"
        for one in found:
            source = (ROOT / one["file"]).read_text(encoding="utf-8")
            assert f"\ndef {one['name']}(" in source, one[0]


def test_every_test_that_the_soak_led_to_is_there() -> None:
    found = list(_TEST.finditer(prose(ROOT / "docs" / "how-to" / "soak.md")))
    assert found
    for one in found:
        assert f"\ndef {one['name']}(" in (ROOT / one["file"]).read_text(encoding="utf-8"), one[0]


def test_every_test_of_a_promise_is_named_there() -> None:
    """By the numbers in its name; those of test_company.py are the order of its day."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        found = [] if file.name == "test_company.py" else _NUMBERED.findall(file.read_text(encoding="utf-8"))
        for name, numbers in found:
            for number in numbers.strip("_").split("_"):
                assert f"`{file.relative_to(ROOT)}::{name}`" in promises()[int(number)], name


# Pages that say something about code --------------------------------------------------------------------------------


def test_every_error_is_explained_with_its_exit_code() -> None:
    table = prose(ROOT / "docs" / "how-to" / "troubleshoot.md")
    rows = {name: row for row in table.splitlines() for name in _CODE.findall(row.split("|")[1] if "|" in row else "")}
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and kind is not errors.LandbridgeError and issubclass(kind, errors.LandbridgeError):
            assert rows[name].rstrip(" |").endswith(f" {int(code_of(kind('')))}"), name
    assert f"| {int(Exit.MISTAKE)} |" in table


def test_the_tables_of_connectors_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    for page, text in tables.texts().items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name}: run `python docs/tables.py`"


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / found["target"]).resolve() for found in _LINK.finditer(prose(index))}
    every = {page for page in (ROOT / "docs").rglob("*.md") if "reference" not in page.parts and page != index}
    assert every <= linked
