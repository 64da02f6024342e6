"""Expressions as Python source. A mapping runs on every record, so nothing is interpreted while it does.

Two ways to compute a node: as a *value* (absent stays MISSING, null stays null: what a field reads) and as a
*condition* (absent counts as null: what `only` and comparisons ask).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landbridge.mapping.pairs import Pair
from landbridge.mapping.runtime import SCOPE
from landbridge.mapping.tree import (
    And,
    Call,
    Compare,
    Concat,
    ListOf,
    Literal,
    Node,
    Not,
    Or,
    Path,
    Pipe,
    Step,
    paths,
    walk,
)

Pairs = dict[int, Pair]


class Code:
    """Lines of one function, and the objects they name. `pairs` holds the bound transform of each Pipe, by its id."""

    def __init__(self, pairs: Pairs, root: str) -> None:
        self.pairs, self.root = pairs, root
        self.lines: list[str] = []
        self.scope: dict[str, Any] = dict(SCOPE)
        self._parents: dict[tuple[Step, ...], str] = {}
        self._count = 0

    def add(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def new(self, hint: str = "v") -> str:
        self._count += 1
        return f"{hint}{self._count}"

    def bind(self, value: object, hint: str) -> str:
        name = self.new(hint)
        self.scope[name] = value
        return name

    def load_parents(self, node: Node, depth: int) -> None:
        """Objects on the way to the node's paths, each fetched once, before any branch, so always there."""
        for path in places(node, self.pairs):
            for length in range(1, len(path.steps)):
                steps = path.steps[:length]
                if steps not in self._parents:
                    source = self.path(steps, "MISSING")
                    name = self._parents[steps] = self.new("o")
                    self.add(depth, f"{name} = {source}")

    def path(self, steps: tuple[Step, ...], missing: str) -> str:
        """Source of a path's value, MISSING or None where it is absent."""
        last = steps[-1]
        default = "" if missing == "None" else ", MISSING"
        if len(steps) == 1:
            return f"{self.root}.get({last!r}{default})"
        parent = self._parents[steps[:-1]]
        if isinstance(last, int):
            found = f"element({parent}, {last})"
            return found if default else f"known({found})"
        slow = f"step({parent}, {last!r})"
        slow = slow if default else f"known({slow})"
        return f"({parent}.get({last!r}{default}) if {parent}.__class__ is dict else {slow})"

    def compiled(self, name: str, file: str) -> Callable[..., Any]:
        # Every name and constant in it was made here from a parsed tree; no text of a file becomes code.
        exec(compile("\n".join(self.lines), file, "exec"), self.scope)  # noqa: S102
        function: Callable[..., Any] = self.scope[name]
        return function


def value(code: Code, node: Node, target: str, depth: int) -> None:
    """Lines that leave the node's value in `target`."""
    match node:
        case Path(steps):
            code.add(depth, f"{target} = {code.path(steps, 'MISSING')}")
        case Literal(constant):
            code.add(depth, f"{target} = {constant!r}")
        case Or(items):
            _first_filled(code, items, target, depth)
        case Pipe(base):
            value(code, base, target, depth)
            _into(code, node, target, depth)
        case ListOf(items) | Concat(items):
            names = [code.new() for _ in items]
            for item, name in zip(items, names, strict=True):
                value(code, item, name, depth)
            helper = "concat" if isinstance(node, Concat) else "gather"
            code.add(depth, f"{target} = {helper}(({', '.join(names)},))")
        case _:
            _computed(code, node, target, depth)


def _first_filled(code: Code, items: tuple[Node, ...], target: str, depth: int) -> None:
    """The first that says something; where none does, the first that is there."""
    value(code, items[0], target, depth)
    for item in items[1:]:
        other = code.new()
        code.add(depth, f"if not {target}:")
        value(code, item, other, depth + 1)
        code.add(depth + 1, f"if {other} or {target} is MISSING: {target} = {other}")


def places(node: Node, pairs: Pairs) -> list[Path]:
    """All paths a node reads, also those that only a transform names."""
    beside = [pairs[id(found)].beside for found in walk(node) if isinstance(found, Pipe)]
    return [*paths(node), *(path for path in beside if path)]


def _into(code: Code, node: Pipe, target: str, depth: int) -> None:
    pair = code.pairs[id(node)]
    if pair.beside:
        other = code.path(pair.beside.steps, "MISSING")
        code.add(depth, f"{target} = {code.bind(pair.into, 't')}({target}, {other}, notes)")
        return
    call = f"{code.bind(pair.into, 't')}({target}{', notes' if pair.into_notes else ''})"
    guard = "" if pair.null_into else f"if {target} is not None and {target} is not MISSING: "
    code.add(depth, f"{guard}{target} = {call}")


def _computed(code: Code, node: Node, target: str, depth: int) -> None:
    """Absent where everything it asks about is absent."""
    asked = [f"{code.path(path.steps, 'MISSING')} is not MISSING" for path in paths(node)]
    source = f"bool({condition(code, node)})"
    code.add(
        depth,
        f"{target} = {source}" + (f" if {' or '.join(asked)} else MISSING" if asked else ""),
    )


def condition(code: Code, node: Node) -> str:
    """Source of the node as part of a condition."""
    match node:
        case Path(steps):
            return code.path(steps, "None")
        case Literal(constant):
            return repr(constant)
        case ListOf(items):
            return f"[{', '.join(condition(code, item) for item in items)}]"
        case Not(operand):
            return f"(not {condition(code, operand)})"
        case And(items) | Or(items):
            word = " and " if isinstance(node, And) else " or "
            return f"({word.join(condition(code, item) for item in items)})"
        case Compare(op, left, right):
            return _compare(op, condition(code, left), condition(code, right))
        case Call(name, args):
            return f"f_{name}({', '.join([code.root, *(condition(code, arg) for arg in args)])})"
        case Pipe(base):
            pair = code.pairs[id(node)]
            function, inner = code.bind(pair.into, "t"), condition(code, base)
            return f"{function}({inner})" if pair.null_into else f"through({function}, {inner})"
        case Concat():
            raise AssertionError("a list of expressions stands only at the top of a field")


def _compare(op: str, left: str, right: str) -> str:
    if op == "in":
        return f"contains({left}, {right})"
    return f"({left} {op} {right})" if op in ("==", "!=") else f"ordered({op!r}, {left}, {right})"


def write(code: Code, node: Node, source: str, depth: int) -> None:
    """Lines that put the canonical value in `source` where the node reads it."""
    match node:
        case Path(steps) if len(steps) == 1:
            code.add(depth, f"native[{steps[0]!r}] = {source}")
        case Path(steps):
            code.add(depth, f"put(native, {steps!r}, {source})")
        case Or(items):
            write(code, items[0], source, depth)
        case Pipe(base):
            pair = code.pairs[id(node)]
            result = _out(code, pair, source, depth)
            if pair.keys and isinstance(base, Path):
                code.add(depth, f"merge(native, {base.steps!r}, {result}, {pair.keys!r})")
            else:
                write(code, base, result, depth)
        case Concat(items):
            for item in items:
                write(code, item, source, depth)
        case ListOf(items):
            parts = code.new("parts")
            nothing = f"({'None, ' * len(items)})"
            code.add(
                depth,
                f"{parts} = {nothing} if {source} is None else key_parts({source}, {len(items)})",
            )
            for index, item in enumerate(items):
                write(code, item, f"{parts}[{index}]", depth)
        case _:
            raise AssertionError("checked before: this cannot be written")


def _out(code: Code, pair: Pair, source: str, depth: int) -> str:
    """Lines that take a transform back; the name of its result."""
    result, call = code.new(), f"{code.bind(pair.out, 't')}({source}{', notes' if pair.out_notes else ''})"
    if pair.beside:
        other = code.new()
        code.add(depth, f"{result}, {other} = {call} if {source} is not None else (None, None)")
        write(code, pair.beside, other, depth)
    else:
        code.add(depth, f"{result} = {call}" + ("" if pair.null_out else f" if {source} is not None else None"))
    return result


def writable(node: Node, pairs: Pairs) -> bool:
    """Can a value be put back where this node reads it?"""
    match node:
        case Path(steps):
            # Any other element would need the ones before it.
            return all(step == 0 for step in steps if isinstance(step, int)) and isinstance(steps[0], str)
        case Or(items):
            return writable(items[0], pairs)
        case Pipe(ListOf(items), "ref"):
            return all(writable(item, pairs) for item in items)
        case Pipe(base):
            pair = pairs[id(node)]
            beside = pair.beside is None or writable(pair.beside, pairs)
            merges = not pair.keys or isinstance(base, Path)
            return pair.out is not None and beside and merges and writable(base, pairs)
        case Concat(items):
            return all(writable(item, pairs) for item in items)
        case _:
            return False


def targets(node: Node, pairs: Pairs) -> list[Path]:
    """The paths that writing this node sets and nothing else may: parts of a key are shared with other fields."""
    match node:
        case Path():
            return [node]
        case Or(items):
            return targets(items[0], pairs)
        case Pipe(Path(steps)) if keys := pairs[id(node)].keys:
            return [Path((*steps, key)) for key in keys]
        case Pipe(base):
            beside = pairs[id(node)].beside
            return [*targets(base, pairs), *([beside] if beside else [])]
        case Concat(items):
            return [path for item in items for path in targets(item, pairs)]
        case _:
            return []
