"""The tests of a connector, found by reading them: which there are, and which of them say nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from landbridge import testing

_FROM_SUITE = Path(testing.__file__).parent
# What brings up the product itself takes minutes, and a machine that has it.
_SERVERS = re.compile(r"^from (?:tests\.servers|sandbox(?!\.(?:emulators|company)\b)\.?\w*) import", re.MULTILINE)


@dataclass(frozen=True)
class Named:
    """One test; `idle` says why it proves nothing, empty where it does."""

    name: str
    file: Path
    line: int
    idle: str = ""


def files_of(connector: str, folder: Path) -> list[Path]:
    """The files with the connector's tests: those that bear its name, or all where it is alone in its distribution."""
    root = tests_of(folder)
    if root is None:
        return []
    shared = _shared(root)
    every = sorted((root / "connectors" if shared else root).rglob("test_*.py"))
    word = re.compile(rf"(?:^|[/_]){re.escape(connector)}(?:[/_.]|$)")
    return [file for file in every if word.search(str(file.relative_to(root)))] or ([] if shared else every)


def tests_of(folder: Path) -> Path | None:
    """The nearest tests/ beside or above the connector's folder; the folder itself where tests stand beside the module."""
    # Beside installed packages lie the tests of somebody else.
    above = [one for one in (folder, *folder.parents[:2]) if one.name not in ("site-packages", "dist-packages")]
    found = next((one / "tests" for one in above if (one / "tests").is_dir()), None)
    return found or (folder if any(folder.glob("test_*.py")) else None)


def _shared(root: Path) -> bool:
    """Several connectors live here, so a file without a name is none of this one's."""
    return len(list((root.parent / "connectors").glob("*/connector.py"))) > 1


def starts_servers(file: Path) -> bool:
    """Itself, or by the fixtures beside it."""
    beside = file.parent / "conftest.py"
    return any(_SERVERS.search(_text(one)) for one in (file, beside) if one.is_file())


def index(files: list[Path]) -> dict[str, Named]:
    """Every test by name, those of the conformance suite that a class inherits included."""
    found: dict[str, Named] = {}
    for file in files:
        for one in _in_file(file):
            known = found.get(one.name)
            if known is None or known.idle:
                found[one.name] = one
    return found


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@cache
def _in_file(file: Path) -> tuple[Named, ...]:
    try:
        tree = ast.parse(_text(file))
    except SyntaxError:
        return ()
    every = _idle_by(tree.body)
    found = [_named(node, file, every) for node in tree.body if _is_test(node)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            idle = every or _decorated(node)
            found += [_named(inner, file, idle) for inner in node.body if _is_test(inner)]
            if any(_name(base).endswith("Conformance") for base in node.bases):
                found += [Named(name, file, node.lineno, idle) for name in _suite()]
    return tuple(found)


@cache
def _suite() -> tuple[str, ...]:
    """The checks of the conformance suite."""
    files = sorted(_FROM_SUITE.glob("suite_*.py"))
    trees = (ast.parse(_text(file)) for file in files)
    return tuple(
        node.name for tree in trees for node in ast.walk(tree) if _is_test(node) and isinstance(node, ast.FunctionDef)
    )


def _is_test(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def _named(node: ast.stmt, file: Path, idle: str) -> Named:
    assert isinstance(node, ast.FunctionDef)
    return Named(node.name, file, node.lineno, idle or _decorated(node) or _empty(node))


def _idle_by(body: list[ast.stmt]) -> str:
    """`pytestmark = pytest.mark.skip…` for a whole file."""
    for node in body:
        if isinstance(node, ast.Assign) and any(_name(target) == "pytestmark" for target in node.targets):
            marks = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            if reason := next(filter(None, map(_skips, marks)), ""):
                return reason
    return ""


def _decorated(node: ast.FunctionDef | ast.ClassDef) -> str:
    return next(filter(None, map(_skips, node.decorator_list)), "")


def _skips(mark: ast.expr) -> str:
    """A mark that always skips, or that expects failure; what a condition skips, runs somewhere."""
    name = _name(mark.func if isinstance(mark, ast.Call) else mark)
    if name.endswith("mark.skip"):
        return "is skipped"
    if name.endswith("mark.xfail"):
        return "is expected to fail"
    always = isinstance(mark, ast.Call) and mark.args and isinstance(mark.args[0], ast.Constant) and mark.args[0].value
    return "is skipped" if name.endswith("mark.skipif") and always else ""


def _empty(node: ast.FunctionDef) -> str:
    said = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return "is empty" if all(isinstance(one, ast.Pass) for one in said) else ""


def _name(node: ast.expr) -> str:
    return ast.unparse(node)


def places(files: list[Path]) -> Iterator[Path]:
    """Files and their folders, as `done` may name either."""
    for file in files:
        yield file
        yield from file.parents
