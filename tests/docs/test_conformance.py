"""The page on the conformance suite: its harness passes, and it names every check and every choice."""

from __future__ import annotations

import re
from pathlib import Path

from landbridge.cli.new import Auth, PagesBy
from landbridge.testing.conformance import Conformance, Harness
from tests.conformance.made import UNTOLD, suite
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "conformance.md"
TUTORIAL = ROOT / "docs" / "tutorial" / "first-connector.md"


def test_the_tutorials_connector_passes_with_the_pages_harness(tmp_path: Path) -> None:
    for page in (TUTORIAL, PAGE):
        for block in blocks(page):
            # Its recordings are made by the tutorial's own test.
            if block.name.endswith((".py", ".yaml")) and not block.name.startswith(
                ("config/", "tests/test_recordings")
            ):
                (tmp_path / block.name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / block.name).write_text(block.text)
    results, printed = suite(tmp_path)
    assert len(results) > 30
    told = {said for said in results.values() if said != "passed"}
    assert told == {
        "exempt: ideas_board/ideas has no method to delete records",
        "exempt: ideas_board/comments has no method to update records",
        f"exempt: ideas_board {UNTOLD}",
    }, printed


def test_the_page_names_every_check_and_choice() -> None:
    text = PAGE.read_text()
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    checks = {name.removeprefix("test_") for name in dir(Conformance) if name.startswith("test_")}
    assert sorted(listed) == sorted(checks)
    for choice in (*Auth, *PagesBy):
        assert f"`{choice.value}`" in text
    words = set(re.findall(r"`(\w+)`", text))
    hooks = {name for name, found in vars(Harness).items() if callable(found) and not name.startswith("_")}
    assert hooks - words <= {"wrong_secrets", "secret_fields", "secrets"}
