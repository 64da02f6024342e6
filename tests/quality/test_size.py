"""Lines of code are counted as everybody counts them."""

from __future__ import annotations

from pathlib import Path

from landbridge.quality.size import code_lines

SOURCE = '''"""A module."""

from typing import Any

# A comment.
SOME = {
    "a": 1,  # with a comment

}
TEXT = """no docstring,
but two lines"""


class One:
    """Of several
    lines."""

    def two(self) -> Any:
        "A docstring, too."
        return SOME
'''


def test_only_what_does_something_counts(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(SOURCE)
    (tmp_path / "two.py").write_text("x = 1\n")
    (tmp_path / "README.md").write_text("x = 1\n")
    assert code_lines(tmp_path) == 1 + 3 + 2 + 3 + 1
