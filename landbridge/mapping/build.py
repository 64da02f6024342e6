"""A checked mapping file as compiled functions."""

from __future__ import annotations

from typing import Any

from landbridge.errors import RecordError
from landbridge.mapping.fields import Parsed
from landbridge.mapping.generate import Code, Pairs, condition, value, write
from landbridge.mapping.mapping import Into
from landbridge.mapping.runtime import record_error
from landbridge.mapping.tree import Literal, Node
from landbridge.model.flat import NESTED


class Failed:
    """Tells which field the generated code was at when it failed."""

    def __init__(self, name: str, file: str, parsed: list[Parsed]) -> None:
        self.where = [f"{name} {one.field.path} ({file}:{one.field.line})" for one in parsed] or [name]

    def __call__(self, at: int, error: Exception) -> RecordError:
        return record_error(self.where[at], error)


def accepts_code(node: Node, pairs: Pairs) -> Code:
    code = Code(pairs, "native")
    code.add(0, "def accepts(native):")
    code.load_parents(node, 1)
    code.add(1, f"return {condition(code, node)}")
    return code


def into_code(name: str, file: str, parsed: list[Parsed]) -> Code:
    """Absent stays absent: a field is set only where its path was there."""
    read = [one for one in parsed if one.reads]
    code = _function("into(native)", name, file, read)
    notes = any(pair.into_notes for one in read for pair in one.pairs.values())
    code.scope["Into"] = Into
    code.lines[1:1] = ["    claim = {}", *(["    notes = Notes()"] if notes else [])]
    for index, one in enumerate(read):
        code.add(2, f"at = {index}  # {one.field.path} (line {one.field.line})")
        code.load_parents(one.node, 2)
        value(code, one.node, "v", 2)
        if one.for_null != "None":
            code.add(2, f"if v is None: v = {one.for_null}")
        guard = "" if isinstance(one.node, Literal) else "if v is not MISSING: "
        code.add(2, f"{guard}claim[{one.field.path!r}] = v")
    _end(code, f"return Into(claim, {'tuple(notes.lossy)' if notes else '()'})")
    return code


def out_code(name: str, file: str, parsed: list[Parsed]) -> Code:
    written = [one for one in parsed if one.writes]
    code = _function("out(claim, native, labels)", name, file, written)
    roots = {root: _below(root, written) for root in NESTED}
    code.lines[1:1] = [
        "    notes = Notes(labels)",
        *(f"    claim = spread(claim, {root!r}, {below!r})" for root, below in roots.items() if below),
    ]
    for index, one in enumerate(written):
        code.add(2, f"at = {index}  # {one.field.path} (line {one.field.line})")
        code.add(2, f"v = claim.get({one.field.path!r}, MISSING)")
        code.add(2, "if v is not MISSING:")
        write(code, one.node, "v", 3)
    _end(code, "return native, tuple(notes.lossy)")
    return code


def _below(root: str, written: list[Parsed]) -> tuple[str, ...]:
    return tuple(one.field.path for one in written if one.field.path.startswith(f"{root}."))


def spread(claim: Any, root: str, below: tuple[str, ...]) -> Any:
    """A null object (`name: null`) as null in each of its parts."""
    return dict.fromkeys(below) | dict(claim) if root in claim and claim[root] is None else claim


def _function(signature: str, name: str, file: str, parsed: list[Parsed]) -> Code:
    pairs = {key: pair for one in parsed for key, pair in one.pairs.items()}
    code = Code(pairs, "native")
    code.scope.update(failed=Failed(name, file, parsed), spread=spread)
    code.add(0, f"def {signature}:")
    code.add(1, "at = 0")
    code.add(1, "try:")
    return code


def _end(code: Code, result: str) -> None:
    if code.lines[-1].endswith("try:"):
        code.add(2, "pass")
    code.add(1, "except Exception as error:")
    code.add(2, "raise failed(at, error) from None")
    code.add(1, result)
