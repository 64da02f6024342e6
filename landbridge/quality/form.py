"""quality.yaml: for each rule `done` (by which test), `todo` or `exempt` (why), and what was tried against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from landbridge.mapping import YamlFile, load_yaml, validated
from landbridge.quality.rules import RULES, Level

Said = Literal["done", "todo", "exempt"]
Means = Literal["real server", "vendor contract", "recording", "emulator"]
# The best first.
MEANS: tuple[Means, ...] = ("real server", "vendor contract", "recording", "emulator")
_WORDS: tuple[tuple[str, Means], ...] = (
    ("emulator", "emulator"), ("stand-in", "emulator"), ("contract", "vendor contract"), ("published", "vendor contract"),
    ("record", "recording"), ("sample", "recording"),
)  # fmt: skip
_TEST = re.compile(r"\btest_\w+\b(?!\.py)")
_FILE = re.compile(r"\btests/[\w./-]+")


def _tried(value: Any) -> Any:
    """One text counts by its words: what is no emulator, contract or recording was a real server."""
    if not isinstance(value, str):
        return value
    found: dict[str, str] = {}
    for part in re.split(r",\s+(?![^(]*\))", value):
        means = next((means for word, means in _WORDS if word in part.lower()), "real server")
        found[means] = f"{found[means]}, {part}" if means in found else part
    return found


class Form(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Where one folder holds several alike; else the folder's name.
    connectors: tuple[str, ...] = ()
    tried_against: Annotated[dict[Means, str], BeforeValidator(_tried)]
    rules: dict[str, dict[Said, str]]


@dataclass(frozen=True)
class Quality:
    """What the file says; `line` finds a rule's line in it."""

    file: Path
    tried: dict[Means, str]
    rules: dict[str, dict[Said, str]]
    yaml: YamlFile
    connectors: tuple[str, ...] = ()

    def line(self, *path: str) -> int | None:
        return self.yaml.line(*path)

    def said(self, rule: str) -> tuple[Said | None, str]:
        """done, todo or exempt, and by what or why; None where the file says nothing."""
        return next(iter(self.rules.get(rule, {}).items()), (None, ""))

    def counts(self, *says: Said) -> int:
        return sum(self.said(rule.name)[0] in says for rule in RULES)

    @property
    def level(self) -> Level:
        """The highest of which every rule is done or exempt; gold was held against the product or its contract."""
        met = {rule.name for rule in RULES if self.said(rule.name)[0] in ("done", "exempt")}
        if self.said("real_server_tests")[0] != "done" or not {"real server", "vendor contract"} & self.tried.keys():
            met.discard("real_server_tests")
        found = Level.NONE
        for level in (Level.BRONZE, Level.SILVER, Level.GOLD):
            if any(rule.level is level and rule.name not in met for rule in RULES):
                break
            found = level
        return found


def load_quality(file: Path) -> Quality:
    """Raises ConfigError with file, line and what was expected."""
    yaml = load_yaml(file)
    form = validated(yaml, Form)
    return Quality(file, form.tried_against, form.rules, yaml, form.connectors)


def tests_named(text: str) -> Iterator[str]:
    """`test_a, test_b (why)` → test_a, test_b."""
    yield from _TEST.findall(text)


def files_named(text: str) -> Iterator[str]:
    """Paths below tests/, also of folders."""
    yield from (found.rstrip(".,/") for found in _FILE.findall(text))
