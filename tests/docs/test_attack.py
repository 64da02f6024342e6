"""The page on attacking a connector: its files run, and it names every fault that there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from landbridge.testing import faults, page_faults
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "attack-a-connector.md"
TUTORIAL = ROOT / "docs" / "tutorial" / "first-connector.md"


def test_the_pages_tests_pass_against_the_tutorials_board(tmp_path: Path) -> None:
    for page, wanted in ((TUTORIAL, ("board.py", "ideas_board.py")), (PAGE, ("",))):
        for block in blocks(page):
            if block.language == "python" and block.name.endswith(wanted):
                (tmp_path / block.name).write_text(block.text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_every_fault() -> None:
    text = PAGE.read_text()
    for module in (faults, page_faults):
        short = module.__name__.rpartition(".")[2]
        for name, found in vars(module).items():
            if callable(found) and getattr(found, "__module__", "") == module.__name__ and not name.startswith("_"):
                assert f"`{short}.{name}(" in text, name
