"""Every fenced block of the documentation runs, or is read by what would run it; exemptions have a reason, and a block."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from landbridge.cli.app import app
from landbridge.cli.listing import load
from landbridge.mapping import parse_mapping
from tests.docs.pages import ROOT, Block, blocks, pages

# Pages whose blocks are run one after the other by a test of their own: files are saved, commands run.
RUN_BY = {
    "docs/tutorial/first-connector.md": "tests/docs/test_tutorial.py",
    "docs/how-to/attack-a-connector.md": "tests/docs/test_attack.py",
}
# Pages whose Python files are saved and run by a test of their own.
SAVED_BY = RUN_BY | {"docs/how-to/conformance.md": "tests/docs/test_conformance.py"}
# (page, how the block begins): why nothing can run it.
EXEMPT = {
    ("docs/decisions/0001-the-house.md", "landbridge/"): "a list of folders; what it names is looked for",
    ("docs/how-to/soak.md", "seed "): "what a soak prints when it has found something",
}
_ASSIGNED = re.compile(r"[A-Z_]+=")


def every() -> Iterator[Any]:
    for page in pages():
        name = str(page.relative_to(ROOT))
        for block in blocks(page):
            yield pytest.param(name, block, id=f"{name}:{block.line}")


def exemption(page: str, block: Block) -> tuple[str, str] | None:
    return next((key for key in EXEMPT if key[0] == page and block.text.startswith(key[1])), None)


@pytest.mark.parametrize(("page", "block"), [*every()])
def test_it_runs_or_is_read_by_what_runs_it(page: str, block: Block) -> None:
    if exemption(page, block):
        return
    readers = {
        "python": _python, "yaml": _yaml, "json": json.loads, "toml": tomllib.loads, "console": _console, "sh": _console,
        "": _reference, "markdown": str.strip,
    }  # fmt: skip
    assert block.language in readers, (
        f"{page}:{block.line}: nothing here reads {block.language!r}; run it, or exempt it"
    )
    if block.language == "python" and block.name:
        assert page in SAVED_BY, f"{page}:{block.line}: nothing runs {block.name}; name its test, or leave the name out"
    elif not (page in RUN_BY and block.language == "console"):
        readers[block.language](block.text)


def test_exemptions_are_of_blocks_that_are_there() -> None:
    found = {exemption(page, block) for page, block in (param.values for param in every())}
    assert set(EXEMPT) <= found
    assert all(EXEMPT.values())


def test_pages_that_are_run_elsewhere_are() -> None:
    for page, test in SAVED_BY.items():
        assert (ROOT / page).exists()
        source = (ROOT / test).read_text()
        assert page.rpartition("/")[2] in source
        assert "blocks(" in source


def test_the_list_of_folders_names_what_is_there() -> None:
    page = ROOT / "docs" / "decisions" / "0001-the-house.md"
    text = next(block.text for block in blocks(page) if block.text.startswith("landbridge/"))
    for line in text.splitlines():
        for name in line[:20].split():
            assert (ROOT / name.rstrip("/")).exists(), name


def _python(text: str) -> None:
    exec(compile(text, "snippet", "exec"), {})


def _yaml(text: str) -> None:
    """Mappings are run; all else is loaded by the shape of its file in test_docs.py, which refuses what it does not know."""
    if text.startswith("system:") and "\nexamples:" in text:
        assert parse_mapping(text).run_examples() == []


def _console(text: str) -> None:
    """Commands, each by what would run it; lines after a `$` command are what it prints."""
    lines = text.splitlines()
    prompts = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in prompts or lines:
        if line.strip() and not line.startswith("#"):
            _command(re.sub(r"\s+#.*$", "", line))


def _command(line: str) -> None:
    words = [word for word in shlex.split(line.partition(" |")[0]) if word != "&"]
    while words and _ASSIGNED.match(words[0]):
        words = words[1:]
    match words:
        case ["landbridge", *arguments]:
            _landbridge(arguments)
        case ["make", *targets]:
            done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        case ["python", "-m", module, *_] | [".venv/bin/python", "-m", module, *_]:
            assert importlib.util.find_spec(module), line
        case ["python", file, *_]:
            assert (ROOT / file).exists(), line
        case _:
            pytest.fail(f"Nothing here knows how to run: {line}")


def _landbridge(arguments: list[str]) -> None:
    """Read as the program reads it, up to the point at which it would do something."""
    load()
    found: Any = get_command(app)
    context: Any = typer.Context(found)
    while hasattr(found, "commands") and arguments and arguments[0] in found.commands:
        found, arguments = found.commands[arguments[0]], arguments[1:]
    if hasattr(found, "commands"):
        assert not arguments or arguments[0].startswith("-"), arguments
        return
    with found.make_context(found.name, [one for one in arguments if one != "…"], parent=context):
        pass


def _reference(text: str) -> None:
    """A usage line with its parts in brackets, or examples with what they do above them."""
    for line in text.splitlines():
        if line.startswith("landbridge") and not re.search(r"[\[…]|\b[A-Z]{2,}\b", line):
            _landbridge(shlex.split(line.partition(" || ")[0])[1:])
        else:
            assert line.startswith(("landbridge", "#")), line
