"""Expressions and templates outside of mappings: `only:` in flows and policies, names of rooms and paths of pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from landbridge.errors import ConfigError, RecordError
from landbridge.mapping.fields import FieldError, bind_all, parse_text
from landbridge.mapping.generate import Code, condition
from landbridge.mapping.runtime import FAILURES, record_error
from landbridge.mapping.tree import Node, Path, paths


@dataclass(frozen=True)
class Expression:
    """Call it with a mapping, flat or nested; absent counts as null. Raises RecordError."""

    text: str
    paths: tuple[str, ...]
    source: str
    run: Callable[[Mapping[str, Any]], Any]
    what: str = ""

    def __call__(self, data: Mapping[str, Any]) -> Any:
        try:
            return self.run(data)
        except FAILURES as error:
            raise record_error(self.what or f"expression `{self.text}`", error) from None


class _DataCode(Code):
    """Paths are looked up in data that may be flat."""

    def path(self, steps: tuple[str | int, ...], missing: str) -> str:
        if len(steps) == 1:
            return f"{self.root}.get({steps[0]!r})"
        return f"look({self.root}, {Path(steps).text!r}, {steps!r})"


def compile_expression(
    text: str,
    *,
    file: str = "",
    line: int | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    what: str = "",
) -> Expression:
    """One expression as a function of the data; `functions` get the data first. Raises ConfigError."""
    known = dict(functions or {})
    try:
        node = parse_text(text)
        pairs = bind_all(node, frozenset(known))
        if any(pair.into_notes for pair in pairs.values()):
            raise FieldError("richtext cannot stand in a condition")
    except FieldError as problem:
        raise ConfigError(_prefixed(what, problem.text), file=file, line=line, remedy=problem.remedy) from None
    code = _DataCode(pairs, "data")
    code.scope.update({f"f_{name}": function for name, function in known.items()})
    code.add(0, "def run(data):")
    code.add(1, f"return {condition(code, node)}")
    return Expression(
        text,
        _names(node),
        "\n".join(code.lines),
        code.compiled("run", f"<expression {text}>"),
        what,
    )


def _prefixed(what: str, text: str) -> str:
    return f"{what}: {text}." if what else f"{text}."


def _names(node: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path.name for path in paths(node)))


@dataclass(frozen=True)
class Template:
    """Call it with a mapping; every part must say something. Raises RecordError."""

    text: str
    paths: tuple[str, ...]
    parts: tuple[str | Expression, ...]
    what: str = ""

    def __call__(self, data: Mapping[str, Any]) -> str:
        return "".join(part if isinstance(part, str) else self._fill(part, data) for part in self.parts)

    def _fill(self, part: Expression, data: Mapping[str, Any]) -> str:
        value = part(data)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not value.strip():
            where = self.what or f"template `{self.text}`"
            found = "empty" if value in (None, "") or isinstance(value, str) else "not a text"
            raise RecordError(
                f"{where}: {{{part.text}}} is {found}.",
                remedy="Give it a value, or leave it out.",
            )
        return value


# {{ and }} are braces; a part may hold quoted texts that contain braces.
_PART = re.compile(r"""(?P<brace>\{\{|\}\})|\{(?P<part>(?:[^{}"']|"[^"]*"|'[^']*')*)\}|(?P<stray>[{}])""")


def compile_template(
    text: str,
    *,
    file: str = "",
    line: int | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    what: str = "",
) -> Template:
    """`news-{category|slug}`: text with expressions in braces. Raises ConfigError."""
    parts: list[str | Expression] = []
    at = 0
    for found in _PART.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["stray"]:
            problem = f"unexpected {found['stray']} at column {found.start() + 1} of `{text}`"
            raise ConfigError(
                _prefixed(what, problem),
                file=file,
                line=line,
                remedy="Write {{ or }} for a brace itself.",
            )
        if found["brace"]:
            parts.append(found["brace"][0])
        else:
            parts.append(compile_expression(found["part"], file=file, line=line, functions=functions, what=what))
    parts.append(text[at:])
    kept = tuple(part for part in parts if part != "")
    names = tuple(dict.fromkeys(name for part in kept if isinstance(part, Expression) for name in part.paths))
    return Template(text, names, kept, what)
