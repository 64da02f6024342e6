"""Text to tree: paths, literals, comparisons, and, or, not, pipes, calls.

expression = choice { "|" name [ "(" arguments ")" ] }
choice     = both { "or" both }
both       = denial { "and" denial }
denial     = "not" denial | comparison
comparison = item [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" ) item ]
item       = literal | path | name "(" [ expression { "," expression } ] ")" | "(" expression ")" | "[" list "]"
path       = ( name | text | "[" text "]" ) { "." ( name | text ) | "[" ( text | integer ) "]" }
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from landbridge.mapping.tree import (
    And,
    Argument,
    Call,
    Compare,
    ListOf,
    Literal,
    Node,
    Not,
    Or,
    Path,
    Pipe,
    Scalar,
    Step,
)


class ExpressionError(Exception):
    """Says what was expected and at which column."""


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<name>[^\W\d]\w*(?:-\w+)*)
    |(?P<sign>==|!=|<=|>=|[<>|()\[\],.=]))""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "in"}
_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # text | number | name | word | sign | end
    value: Any
    column: int

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else repr(self.value) if self.kind == "text" else f'"{self.value}"'


def parse(text: str) -> Node:
    """The tree of one expression. Raises ExpressionError."""
    parser = _Parser(_tokens(text))
    node = parser.expression()
    parser.expect_end()
    return node


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(f"unexpected {text[start]!r} at column {start + 1}")
        tokens.append(_token(str(found.lastgroup), str(found.group(str(found.lastgroup))), found))
        at = found.end()
    return [*tokens, _Token("end", "", end + 1)]


def _token(kind: str, raw: str, found: re.Match[str]) -> _Token:
    column = found.start(kind) + 1
    if kind == "text":
        return _Token(kind, re.sub(r"\\(.)", r"\1", raw[1:-1]), column)
    if kind == "number":
        return _Token(kind, float(raw) if "." in raw else int(raw), column)
    return _Token("word" if raw in _WORDS else kind, raw, column)


class _Parser:
    """Recursive descent; one method for each rule above."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at = tokens, 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    @property
    def next_token(self) -> _Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> _Token:
        token = self.token
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def sign(self, value: str) -> bool:
        """Take this sign or word if it is next; a text that looks the same is not it."""
        if self.token.kind in ("sign", "word") and self.token.value == value:
            self.take()
            return True
        return False

    def is_sign(self, token: _Token, *values: str) -> bool:
        return token.kind == "sign" and token.value in values

    def expect(self, value: str) -> None:
        if not self.sign(value):
            raise self.problem(f'expected "{value}"')

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self.problem('expected an operator ("|", "or", "and", "==", …) or the end')

    def problem(self, expected: str) -> ExpressionError:
        return ExpressionError(f"{expected}, found {self.token.shown} at column {self.token.column}")

    def expression(self) -> Node:
        node = self.choice()
        while self.sign("|"):
            if self.token.kind not in ("name", "word"):
                raise self.problem('expected a transform after "|"')
            name = self.take()
            node = Pipe(
                node,
                str(name.value),
                self.arguments() if self.is_sign(self.token, "(") else (),
            )
        return node

    def choice(self) -> Node:
        items = [self.both()]
        while self.sign("or"):
            items.append(self.both())
        return items[0] if len(items) == 1 else Or(tuple(items))

    def both(self) -> Node:
        items = [self.denial()]
        while self.sign("and"):
            items.append(self.denial())
        return items[0] if len(items) == 1 else And(tuple(items))

    def denial(self) -> Node:
        return Not(self.denial()) if self.sign("not") else self.comparison()

    def comparison(self) -> Node:
        left = self.item()
        if self.token.kind == "sign" and self.token.value in _COMPARISONS:
            return Compare(str(self.take().value), left, self.item())
        if self.sign("in"):
            return Compare("in", left, self.container())
        if self.token.value == "not" and self.token.kind == "word":
            self.take()
            self.expect("in")
            return Not(Compare("in", left, self.container()))
        return left

    def container(self) -> Node:
        # Right of `in`, ["a"] is a list of one; elsewhere it is a path with an odd name.
        return self.list_of() if self.is_sign(self.token, "[") else self.item()

    def item(self) -> Node:
        token = self.token
        if self.sign("("):
            node = self.expression()
            self.expect(")")
            return node
        if self.is_sign(token, "["):
            after = self.tokens[self.at + 2] if self.at + 2 < len(self.tokens) else token
            odd_name = self.next_token.kind == "text" and self.is_sign(after, "]")
            return self.path([]) if odd_name else self.list_of()
        if token.kind == "text" and not self.is_sign(self.next_token, ".", "["):
            return Literal(self.take().value)
        if token.kind == "number":
            return Literal(self.take().value)
        if token.kind == "name" and self.is_sign(self.next_token, "("):
            return self.call()
        if token.kind == "name" and token.value in _CONSTANTS:
            return Literal(_CONSTANTS[str(self.take().value)])
        if token.kind in ("name", "text"):
            return self.path([str(self.take().value)])
        raise self.problem("expected a path or a value")

    def list_of(self) -> Node:
        self.expect("[")
        items: list[Node] = []
        while not self.sign("]"):
            if items:
                self.expect(",")
            items.append(self.expression())
        return ListOf(tuple(items))

    def call(self) -> Node:
        name = str(self.take().value)
        self.expect("(")
        items: list[Node] = []
        while not self.sign(")"):
            if items:
                self.expect(",")
            items.append(self.expression())
        return Call(name, tuple(items))

    def path(self, steps: list[Step]) -> Path:
        while True:
            if self.sign("."):
                if self.token.kind not in ("name", "word", "text"):
                    raise self.problem('expected a name after "."')
                steps.append(str(self.take().value))
            elif self.sign("["):
                if not (self.token.kind == "text" or isinstance(self.token.value, int)):
                    raise self.problem("expected a number or a text in quotes between [ and ]")
                steps.append(self.take().value)
                self.expect("]")
            else:
                return Path(tuple(steps))

    def arguments(self) -> tuple[Argument, ...]:
        self.expect("(")
        found: list[Argument] = []
        while not self.sign(")"):
            if found:
                self.expect(",")
            found.append(self.argument())
        return tuple(found)

    def argument(self) -> Argument:
        if self.is_sign(self.next_token, "=") and self.token.kind in (
            "name",
            "text",
            "number",
            "word",
        ):
            key = self.take()
            self.expect("=")
            return Argument(key.value, key.kind != "name", self.literal())
        return Argument(None, False, self.literal())

    def literal(self) -> Scalar:
        token = self.token
        if token.kind in ("text", "number"):
            return self.take().value  # type: ignore[no-any-return]
        if token.kind == "name" and token.value in _CONSTANTS:
            return _CONSTANTS[str(self.take().value)]
        raise self.problem("expected a value (a text in quotes, a number, true, false or null)")
