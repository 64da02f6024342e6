"""The expression language as a tree."""

from __future__ import annotations

from dataclasses import dataclass

Scalar = str | int | float | bool | None
Step = str | int


@dataclass(frozen=True, slots=True)
class Literal:
    value: Scalar


@dataclass(frozen=True, slots=True)
class Path:
    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """As a person writes it: a.b[0]."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps).lstrip(".")

    @property
    def name(self) -> str:
        """The names up to the first index: what is read, whichever element."""
        names = [step for step in self.steps if isinstance(step, str)]
        first = next(
            (at for at, step in enumerate(self.steps) if isinstance(step, int)),
            len(names),
        )
        return ".".join(names[:first])


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a transform; `key` is None where it has no name, `quoted` tells "true" from true."""

    key: Scalar
    quoted: bool
    value: Scalar


@dataclass(frozen=True, slots=True)
class Pipe:
    base: Node
    name: str
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Concat:
    """Lists joined to one; not in the language, but a YAML list of expressions."""

    items: tuple[Node, ...]


Node = Literal | Path | ListOf | Not | And | Or | Compare | Pipe | Call | Concat


def walk(node: Node) -> list[Node]:
    """The node and everything below it, in reading order."""
    match node:
        case ListOf(items) | And(items) | Or(items) | Concat(items):
            inner = items
        case Call(_, items):
            inner = items
        case Not(operand):
            inner = (operand,)
        case Compare(_, left, right):
            inner = (left, right)
        case Pipe(base):
            inner = (base,)
        case _:
            inner = ()
    return [node, *(below for item in inner for below in walk(item))]


def paths(node: Node) -> list[Path]:
    """The paths an expression reads, each once."""
    return list(dict.fromkeys(found for found in walk(node) if isinstance(found, Path)))
