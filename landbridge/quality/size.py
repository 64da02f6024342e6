"""How much code a connector is: lines that do something, neither blank nor said to people."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

QUIET = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(folder: Path) -> int:
    """Of the Python files in a folder; blank lines, comments and docstrings do not count."""
    return sum(_counted(path.read_text(encoding="utf-8")) for path in folder.glob("*.py"))


def _counted(source: str) -> int:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in QUIET:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)
