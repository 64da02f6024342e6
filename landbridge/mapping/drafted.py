"""The file of a drafted mapping: its lines, what is left over as comments, and examples from the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from landbridge.mapping.load import parse_mapping
from landbridge.mapping.shapes import Leaf, Step, leaves
from landbridge.mapping.synonyms import MATCH
from landbridge.model import nest, validate

_SHOWN = 48


@dataclass(frozen=True)
class Line:
    """One field of the draft, and the native path that it takes."""

    path: str
    expression: str
    steps: tuple[Step, ...]
    direction: str = "both"

    @property
    def text(self) -> str:
        if self.direction == "both":
            return f"{self.path}: {_scalar(self.expression)}"
        return f"{self.path}: {{native: {_quoted(self.expression)}, direction: {self.direction}}}"


@dataclass(frozen=True)
class Draft:
    """`text` is the whole file; `left` are native paths that nothing takes, `empty` fields that nothing fills."""

    text: str
    lines: tuple[Line, ...]
    left: tuple[Leaf, ...]
    empty: tuple[str, ...]


@dataclass
class Source:
    """What a draft is made of: records of one stream, and the kinds of all streams of its connector."""

    system: str
    stream: str
    kind: str
    key: tuple[str, ...]
    natives: list[dict[str, Any]]
    streams: Mapping[str, str] = field(default_factory=dict)


def head(source: Source) -> str:
    return f"system: {source.system}\nstream: {source.stream}\nkind: {source.kind}\n"


def text_of(source: Source, lines: list[Line], left: tuple[Leaf, ...], empty: tuple[str, ...], origin: str) -> str:
    taken = {line.path for line in lines}
    match = [path for path in MATCH.get(source.kind, ()) if path in taken]
    parts = [f"# A draft{f' from {origin}' if origin else ''}: read it before you use it.\n", head(source)]
    parts += [f"match: [{', '.join(match)}]\n"] if match else []
    parts += ["fields:\n", *(f"  {line.text}\n" for line in lines)]
    # A list's first value is another way to read the list.
    left = tuple(leaf for leaf in left if leaf.steps[-1:] != (0,))
    parts += ["# Not recognised: native path, shape, an example.\n" if left else ""]
    width = max((len(leaf.path) for leaf in left), default=0)
    parts += [f"#   {leaf.path:<{width}}  {leaf.shape:<9}  {_sample(leaf)}".rstrip() + "\n" for leaf in left]
    parts += [_wrapped(f"Nothing was found for: {', '.join(empty)}.")] if empty else []
    body = "".join(parts)
    return body + _examples(source, lines, parse_mapping(body))


def _examples(source: Source, lines: list[Line], mapping: Any) -> str:
    """The fullest record, and the one that says the most of what that one leaves open."""
    ranked = sorted(source.natives, key=lambda native: -_said(native, lines))
    examples = []
    for number, native in enumerate(ranked[:2]):
        short = pruned(native, [*(line.steps for line in lines), *(tuple(part.split(".")) for part in source.key)])
        claim = validate(source.kind, mapping.into(short).claim)
        called = f"a {source.kind}" if not number else f"another {source.kind}"
        examples.append({"name": called, "native": short, "canonical": nest(claim)})
    dumped: str = yaml.safe_dump(examples, allow_unicode=True, sort_keys=False, width=110)
    return "examples:\n" + "".join(f"  {line}\n" for line in dumped.splitlines())


def _said(native: dict[str, Any], lines: list[Line]) -> int:
    short = pruned(native, [line.steps for line in lines])
    return sum(leaf.shape != "nothing" for leaf in leaves([short]))


def pruned(native: dict[str, Any], kept: list[tuple[Step, ...]]) -> dict[str, Any]:
    """The record with these paths and no others; lists stay whole."""
    found: dict[str, Any] = {}
    for name, value in native.items():
        below = [steps[1:] for steps in kept if steps and steps[0] == name]
        if not below:
            continue
        whole = not isinstance(value, dict) or () in below
        found[name] = value if whole else pruned(value, below)
    return found


def _sample(leaf: Leaf) -> str:
    if not leaf.values:
        return ""
    text = yaml.safe_dump(leaf.values[0], allow_unicode=True, default_flow_style=True, width=10_000)
    text = " ".join(text.removesuffix("\n...\n").split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _wrapped(text: str, width: int = 110) -> str:
    lines: list[str] = []
    line = "#"
    for word in text.split():
        if len(line) + len(word) >= width:
            lines, line = [*lines, line], "#  "
        line += f" {word}"
    return "\n".join([*lines, line]) + "\n"


def _scalar(text: str) -> str:
    """As YAML writes it plainly, quoted where it must be."""
    dumped: str = yaml.safe_dump(text, allow_unicode=True, width=10_000)
    return dumped.removesuffix("\n").removesuffix("\n...")


def _quoted(text: str) -> str:
    """Inside braces YAML would end it at a comma."""
    return text if all(character not in "\"'()=,[]{}" for character in text) else "'" + text.replace("'", "''") + "'"
