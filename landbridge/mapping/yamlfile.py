"""YAML that knows its lines: every mistake in a configuration file is reported where it stands.

Only what JSON can say, after YAML 1.2: `no` and `on` are texts, dates are texts, a key stands once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from landbridge.errors import ConfigError

Keys = tuple[Hashable, ...]


@dataclass(frozen=True)
class YamlFile:
    """The data of one file, and the line (1-based) of each key in it."""

    data: Any
    file: str
    lines: dict[Keys, int] = field(default_factory=dict, repr=False)

    def line(self, *keys: Hashable) -> int:
        """The line of the key, or of the nearest one above it that exists; parts that name no key are skipped."""
        at: Keys = ()
        for key in keys:
            if (*at, key) in self.lines:
                at = (*at, key)
        return self.lines.get(at, 1)


class _Loader(yaml.SafeLoader):
    """Resolves plain texts by the table below only."""


_Loader.yaml_implicit_resolvers = {}

_PREFIX = "tag:yaml.org,2002:"
_PLAIN = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "merge": (r"<<", "<"),
}
for _kind, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(_PREFIX + _kind, re.compile(f"^(?:{_pattern})$"), list(_first))

_CONVERT: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": int,
    "float": float,
    "null": lambda _: None,
    "str": str,
}
# What the parser says, and what to do about it: the cases people meet.
_REMEDIES = (
    ("'\\t'", "Indent with spaces, not tabs."),
    (
        "mapping values are not allowed",
        "Quote a text that contains a colon followed by a space.",
    ),
    (
        "expected ',' or '}'",
        "Quote a text that contains a comma, a colon or a brace inside {…}.",
    ),
    ("cannot start any token", "Quote a text that starts with this character."),
    ("but found another document", "Put each document into its own file."),
)


class _NodeError(Exception):
    def __init__(self, text: str, node: yaml.Node, remedy: str = "") -> None:
        self.text, self.line, self.remedy = text, int(node.start_mark.line) + 1, remedy


def load_yaml(path: Path, error: type[ConfigError] = ConfigError) -> YamlFile:
    """Read one file whose top is a mapping. Raises `error` with file, line and what was expected."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as failed:
        reason = failed.strerror or type(failed).__name__
        raise error(
            f"cannot be read: {reason}.",
            file=file,
            remedy="Check the path and its mode.",
        ) from None
    except UnicodeDecodeError:
        raise error("is not UTF-8 text.", file=file, remedy="Save it as UTF-8.") from None
    return parse_yaml(text, file, error)


def parse_yaml(text: str, file: str, error: type[ConfigError] = ConfigError) -> YamlFile:
    """The same for text that is already read."""
    lines: dict[Keys, int] = {}
    try:
        node = _Loader(text).get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise error("expected keys and values (`key: value`) at the top.", file=file, line=1)
        return YamlFile(_build(node, (), lines, ()), file, lines)
    except _NodeError as problem:
        raise error(problem.text, file=file, line=problem.line, remedy=problem.remedy) from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        said = problem.problem or problem.context or "bad YAML"
        remedy = next((advice for part, advice in _REMEDIES if part in said), "")
        raise error(
            f"is not YAML: {said}.",
            file=file,
            line=mark.line + 1 if mark else None,
            remedy=remedy,
        ) from None
    except yaml.YAMLError:
        raise error("contains a character that YAML does not allow.", file=file) from None


def _build(node: yaml.Node, at: Keys, lines: dict[Keys, int], above: tuple[int, ...]) -> Any:
    if id(node) in above:
        raise _NodeError("an alias (*) refers to what it stands in.", node)
    lines.setdefault(at, int(node.start_mark.line) + 1)
    inside = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, at, lines, inside)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*at, index), lines, inside) for index, item in enumerate(node.value)]
    return _scalar(node)


def _build_mapping(node: yaml.MappingNode, at: Keys, lines: dict[Keys, int], inside: tuple[int, ...]) -> dict[Any, Any]:
    data: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node)
        if key in data:
            first = lines[(*at, key)]
            raise _NodeError(
                f"the key {key!r} stands here again, first in line {first}.",
                key_node,
                "Keep one of the two.",
            )
        lines[(*at, key)] = int(key_node.start_mark.line) + 1
        data[key] = _build(value_node, (*at, key), lines, inside)
    return data


def _scalar(node: yaml.Node) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise _NodeError("expected a text as a key, found a list or a mapping.", node)
    kind = node.tag.removeprefix(_PREFIX)
    if kind == "merge":
        raise _NodeError("merge keys (<<) are not supported.", node, "Write the keys out.")
    if kind not in _CONVERT:
        raise _NodeError(f"the tag {node.tag} is not supported.", node, "Leave it out.")
    try:
        return _CONVERT[kind](node.value)
    except (ValueError, KeyError):
        raise _NodeError(f"this is not a {kind}.", node) from None
