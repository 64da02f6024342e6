"""The texts of a new connector, made of the templates beside this file."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import yaml

from landbridge.connector import connector_names
from landbridge.errors import ConfigError

TEMPLATES = Path(__file__).parent / "templates"
NAME = re.compile(r"[a-z][a-z0-9_]*[a-z0-9]")


class Place(NamedTuple):
    """Where a text goes in a checkout of Landbridge and in a distribution of its own (None: not needed there)."""

    inside: str | None
    apart: str
    says: str


# By template, in the order in which its author meets them.
PLACES = {
    "connector.py": Place(
        "connectors/$system/connector.py", "$package/connector.py", "begin here: streams and writes"
    ),
    "posts.yaml": Place(
        "mappings/$system/posts.yaml", "$package/mappings/$system/posts.yaml", "what a post is elsewhere"
    ),
    "emulator.py": Place(
        "tests/connectors/$system/emulator.py", "tests/emulator.py", "how $title answers, as far as known"
    ),
    "test_conformance.py": Place(
        "tests/connectors/$system/test_${system}_conformance.py", "tests/test_conformance.py",
        "what people do, for the suite",
    ),
    "README.md": Place(
        "connectors/$system/README.md", "$package/README.md", "connection, permissions, limits"
    ),
    "quality.yaml": Place(
        "connectors/$system/quality.yaml", "$package/quality.yaml", "twelve rules: done, to do, exempt"
    ),
    "__init__.py": Place("connectors/$system/__init__.py", "$package/__init__.py", ""),
    "pyproject.toml": Place(None, "pyproject.toml", "the entry point that names it"),
}  # fmt: skip
# Placeholders that depend on --auth and --pages → how deep they stand, and how many empty lines go before one that is there.
DEPTH = {
    "account_more": 0, "auth_call": 0, "auth_function": 0, "config_base": 0, "config_fields": 4, "emulator_auth": 4,
    "emulator_pages": 8, "emulator_since": 0, "harness_config": 0, "pages": 0, "readme_fields": 0, "since": 0,
}  # fmt: skip
BEFORE = {"auth_function": 2, "emulator_auth": 1}
Variant = Mapping[str, Any]


@dataclass(frozen=True)
class Scaffold:
    """What is to be made: texts by path below `root`, and what each is for; `inside`: a checkout of Landbridge."""

    root: Path
    inside: bool
    names: Mapping[str, str]
    texts: Mapping[str, str]
    says: Mapping[str, str]


def scaffold(system: str, auth: str, pages: str, folder: Path) -> Scaffold:
    """All texts of a new connector. Raises ConfigError where its name cannot be used."""
    if not NAME.fullmatch(system) or keyword.iskeyword(system):
        raise ConfigError(
            f"{system!r} is no name for a connector.",
            remedy="Use two or more small letters, digits and _, as in service_desk; no word that Python reserves.",
        )
    if system in connector_names():
        raise ConfigError(f"There is a connector {system!r} already.", remedy="Use another name, or extend that one.")
    inside = is_checkout(folder)
    names = _names(system, inside)
    variants = yaml.safe_load((TEMPLATES / "variants.yaml").read_text(encoding="utf-8"))
    chosen = variants["usual"], variants["auth"][auth], variants["pages"][pages]
    parts = names | _parts(chosen, names)
    texts, says = {}, {}
    for template, place in PLACES.items():
        if where := place.inside if inside else place.apart:
            path = Template(where).substitute(names)
            groups = [one.get("imports", {}).get(template, {}) for one in (variants, *chosen)]
            texts[path] = _filled(template, parts | {"imports": _imports(groups, parts, inside)})
            says[path] = Template(place.says).substitute(names)
    return Scaffold(folder if inside else folder / f"landbridge-{names['dashed']}", inside, names, texts, says)


def is_checkout(folder: Path) -> bool:
    """Whether this is Landbridge's own source."""
    project = folder / "pyproject.toml"
    return project.is_file() and '\nname = "landbridge"\n' in project.read_text(encoding="utf-8")


def _names(system: str, inside: bool) -> dict[str, str]:
    words = [word for word in system.split("_") if word]
    name = "".join(word.capitalize() for word in words)
    return {
        "system": system,
        "dashed": "-".join(words),
        "title": " ".join(word.capitalize() for word in words),
        "class_name": name,
        "package": f"connectors.{system}" if inside else f"landbridge_{system}",
        "tests": f"tests.connectors.{system}." if inside else "",
        "mappings": '    mappings = Path(__file__).parents[3] / "mappings"\n' if inside else "",
    }


def _parts(chosen: Iterable[Variant], names: Mapping[str, str]) -> dict[str, str]:
    """The placeholders that depend on what was chosen."""
    both: dict[str, Any] = {}
    for one in chosen:
        for name, value in one.items():
            both[name] = both.get(name, []) + value if isinstance(value, list) else value
    return {
        **{name: _block(both.get(name, ""), names, depth, BEFORE.get(name)) for name, depth in DEPTH.items()},
        "http_names": ", ".join(sorted(both["http_names"])),
        "pydantic_names": ", ".join(both["pydantic_names"]),
        "connector_names": ", ".join(sorted([*both["connector_names"], both["config_base"]])),
        "extra": f"[{both['extra']}]" if "extra" in both else "",
    }


def _block(text: str, names: Mapping[str, str], depth: int, before: int | None) -> str:
    """Filled and indented; `before` is said of parts that are lines of their own, or not there at all."""
    filled = Template(text).substitute(names).rstrip("\n")
    lines = "\n".join(" " * depth + one if one else one for one in filled.splitlines())
    return lines if before is None or not lines else "\n" * before + lines + "\n"


def _imports(groups: list[Mapping[str, list[str]]], parts: Mapping[str, str], inside: bool) -> str:
    """As isort has them: here Landbridge's modules are one's own, elsewhere a library's like any other."""
    found = {
        name: [Template(one).substitute(parts) for group in groups for one in group.get(name, ())]
        for name in ("stdlib", "inside", "third", "core", "own")
    }
    if inside:
        blocks = found["stdlib"] + found["inside"], found["third"], found["core"] + found["own"]
    else:
        blocks = found["stdlib"], found["third"] + found["core"], found["own"]
    return "\n\n".join("\n".join(sorted(block, key=_place)) for block in blocks if block)


def _place(statement: str) -> tuple[bool, str]:
    word, module, *_ = statement.split()
    return word == "from", module


def _filled(template: str, parts: Mapping[str, str]) -> str:
    text = Template((TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")).substitute(parts)
    return text.rstrip("\n") + "\n"
