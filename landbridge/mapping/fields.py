"""One line of a mapping: its expression checked against the kind, the transforms and its direction."""

from __future__ import annotations

from dataclasses import dataclass, field

from landbridge.errors import did_you_mean
from landbridge.mapping.canonical import canonical_paths
from landbridge.mapping.files import Direction, FieldForm, Strength
from landbridge.mapping.generate import Pairs, writable
from landbridge.mapping.pairs import MisuseError, bind
from landbridge.mapping.syntax import ExpressionError, parse
from landbridge.mapping.transforms import TRANSFORMS
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
    walk,
)
from landbridge.model import ref_fields
from landbridge.model.flat import NESTED


@dataclass(frozen=True)
class Field:
    """One canonical path and where the system has it."""

    path: str
    direction: Direction
    strength: Strength
    native: str
    ref: str | None  # the stream of the same system that a reference points to
    line: int
    # For bodies: the streams whose keys stand in mentions, by kind ("person", "space").
    mentions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parsed:
    """A field with its tree and the bound transforms of the tree's pipes."""

    field: Field
    node: Node
    pairs: Pairs
    reads: bool
    writes: bool
    for_null: str  # source of what stands for null in the claim


class FieldError(Exception):
    """What is wrong with a field, and the remedy."""

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.text, self.remedy = text, remedy


def parse_field(kind: str, path: str, form: FieldForm, line: int) -> Parsed:
    """Raises FieldError."""
    _check_path(kind, path)
    node = _tree(form.native)
    pairs = bind_all(node)
    _check_reference(kind, path, node)
    _check_words(kind, path, node)
    _check_parts(node)
    constant = isinstance(node, Literal)
    can_write = writable(node, pairs)
    if form.direction != "in" and not can_write and not (constant and form.direction == "both"):
        raise FieldError(
            f"{_why_not(node, pairs)} can be read but not written back",
            "Add `direction: in`.",
        )
    found = Field(
        path=path,
        direction="in" if constant else form.direction,
        strength=form.strength,
        native=", ".join(form.native),
        ref=_argument(node, ("ref", "refs"), "stream"),
        line=line,
        mentions=_mentions(node),
    )
    for_null = canonical_paths(kind)[path].for_null
    return Parsed(found, node, pairs, found.direction != "out", found.direction != "in", for_null)


def parse_condition(text: str) -> tuple[Node, Pairs]:
    """`only:` as a tree. Raises FieldError."""
    node = parse_text(text)
    pairs = bind_all(node)
    if any(pair.into_notes for pair in pairs.values()):
        raise FieldError("richtext cannot stand in a condition")
    return node, pairs


def parse_text(text: str) -> Node:
    try:
        return parse(text)
    except ExpressionError as problem:
        raise FieldError(f"{problem} of `{text.strip()}`") from None


def bind_all(node: Node, functions: frozenset[str] = frozenset()) -> Pairs:
    """The transforms of all pipes below the node. Raises FieldError for an unknown one, or wrong arguments."""
    pairs: Pairs = {}
    for found in walk(node):
        if isinstance(found, Pipe):
            transform = TRANSFORMS.get(found.name)
            if transform is None:
                remedy = did_you_mean(found.name, TRANSFORMS, "Transforms")
                raise FieldError(f'unknown transform "{found.name}"', remedy)
            try:
                pairs[id(found)] = bind(found.name, transform, found.args)
            except MisuseError as problem:
                raise FieldError(str(problem), problem.remedy) from None
        elif isinstance(found, Call) and found.name not in functions:
            remedy = did_you_mean(found.name, functions, "Functions") if functions else "There are no functions here."
            raise FieldError(f'unknown function "{found.name}"', remedy)
    return pairs


def _tree(texts: tuple[str, ...]) -> Node:
    nodes = tuple(_top(parse_text(text)) for text in texts)
    return nodes[0] if len(nodes) == 1 else Concat(nodes)


def _top(node: Node) -> Node:
    """At the top of a field `not x` is the transform, so that it can be written, and const() is its value."""
    match node:
        case Not(operand):
            return Pipe(operand, "not", ())
        case Call("const", (Literal() as constant,)):
            return constant
        case _:
            return node


def _check_path(kind: str, path: str) -> None:
    known = canonical_paths(kind)
    if path in known:
        return
    if path in NESTED and any(name.startswith(f"{path}.") for name in known):
        parts = ", ".join(name for name in known if name.startswith(f"{path}."))
        raise FieldError(f"{path} is mapped by its parts", f"Use {parts}.")
    raise FieldError(f"a {kind} has no such field", did_you_mean(path, known, "Fields"))


def _check_reference(kind: str, path: str, node: Node) -> None:
    """A key without ref() would be taken for the id of an entity."""
    ends = {leaf.name if isinstance(leaf, Pipe) else "" for leaf in _leaves(node)}
    if path in ref_fields(kind):
        if ends != {"ref"} and not isinstance(node, Literal):
            raise FieldError(
                f"{path} holds a reference",
                'End the expression with `| ref("<stream>")`.',
            )
    elif "ref" in ends:
        raise FieldError(f"{path} holds no reference", "Leave out ref().")


def _check_parts(node: Node) -> None:
    for found in walk(node):
        match found:
            case Pipe(ListOf(), "ref", args) if any(arg.key == "number" for arg in args):
                raise FieldError("the parts of a key are texts", "Leave out number.")


def _check_words(kind: str, path: str, node: Node) -> None:
    words = canonical_paths(kind)[path].words
    if words is None:
        return
    for leaf in _leaves(node):
        values = [leaf.value] if isinstance(leaf, Literal) else []
        if isinstance(leaf, Pipe) and leaf.name in ("enum", "const", "default"):
            values = [arg.value for arg in leaf.args]
        for value in values:
            if value is not None and value not in words:
                raise FieldError(f"{value!r} is no {path} of a {kind}", did_you_mean(value, words))


def _leaves(node: Node) -> list[Node]:
    """The alternatives of a field, each as it ends."""
    return [leaf for item in node.items for leaf in _leaves(item)] if isinstance(node, (Or, Concat)) else [node]


def _argument(node: Node, names: tuple[str, ...], key: str) -> str | None:
    for found in walk(node):
        if isinstance(found, Pipe) and found.name in names:
            for arg in found.args:
                if arg.key == key or (arg.key is None and key == "stream"):
                    return str(arg.value)
    return None


def _mentions(node: Node) -> dict[str, str]:
    streams = {kind: _argument(node, ("richtext",), key) for kind, key in (("person", "people"), ("space", "spaces"))}
    return {kind: stream for kind, stream in streams.items() if stream}


def _why_not(node: Node, pairs: Pairs) -> str:
    """The first part that has no way back, in words."""
    for found in walk(node):
        match found:
            case Compare() | Not() | And():
                return "a condition"
            case Pipe(base) if pairs[id(found)].keys and not isinstance(base, Path):
                return "an object from anything but one path"
            case Pipe() if pairs[id(found)].out is None:
                return f'"{found.name}"'
            case ListOf():
                return "a list of paths without ref()"
            case Literal():
                return "a fixed value"
    return "an element other than the first of a list"
