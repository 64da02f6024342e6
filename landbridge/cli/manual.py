"""The page of all commands, made from the command tree itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from landbridge.cli.app import app
from landbridge.cli.command import EXAMPLES, Example
from landbridge.cli.exits import MEANING, Exit
from landbridge.cli.listing import load

_COMMON = ("home", "as_json", "help")


def commands() -> Iterator[tuple[str, Any, tuple[Example, ...]]]:
    """Every command in the order of the help: its full name, itself and its examples."""
    load()
    yield from _below(get_command(app), "landbridge")


def _below(found: Any, path: str) -> Iterator[tuple[str, Any, tuple[Example, ...]]]:
    for name in found.list_commands(typer.Context(found)):
        inner = found.commands[name]
        if hasattr(inner, "commands"):
            yield from _below(inner, f"{path} {name}")
        else:
            body = inner.callback.__wrapped__
            yield f"{path} {name}", inner, EXAMPLES[f"{body.__module__}.{body.__qualname__}"]


def cli_page() -> str:
    parts = ["# Commands", _common(), "## Exit codes", _codes()]
    for path, found, examples in commands():
        parts += [f"## {path}", *_command(path, found, examples)]
    return "\n\n".join(parts) + "\n"


def _common() -> str:
    return "\n".join([
        "Every command has these options; `landbridge --install-completion` teaches them to the shell.", "",
        "| option | meaning |", "|---|---|",
        "| `--json` | one JSON document on stdout and nothing else; an error is an object `{\"error\": …}` |",
        "| `--home FOLDER` | the folder that holds config/ and mappings/; else `LANDBRIDGE_HOME`, else the nearest one upwards |",
        "", "| variable | meaning |", "|---|---|",
        "| `LANDBRIDGE_HUB` | the hub's database, `sqlite:///path` or `postgresql://user:password@host/name` |",
        "| `AIRFLOW_CONN_<ID>` | one connection, as Airflow spells it in JSON |",
        "| `LANDBRIDGE_CONNECTIONS` | a JSON file of connections by id; without both, the sandbox's own is used |",
        "| `LANDBRIDGE_DEBUG` | any value: show tracebacks |",
    ])  # fmt: skip


def _codes() -> str:
    return "\n".join(["| code | meaning |", "|---|---|", *(f"| {code.value} | {MEANING[code]} |" for code in Exit)])


def _command(path: str, found: Any, examples: tuple[Example, ...]) -> list[str]:
    usage = [path, *_usage(found)]
    parts = [_plain(found.help or ""), f"```\n{' '.join(usage)}\n```"]
    rows = [
        f"| `{_name(param)}` | {_plain(param.help or '')}{_default(param)} |"
        for param in found.params
        if param.name not in _COMMON
    ]
    if rows:
        parts.append("\n".join(["| | |", "|---|---|", *rows]))
    if examples:
        parts.append("```\n" + "\n".join(f"# {one.says}\n{one.line}" for one in examples) + "\n```")
    return parts


def _usage(found: Any) -> list[str]:
    shown = []
    for param in found.params:
        if param.name in _COMMON:
            continue
        name = _name(param)
        shown.append(name if param.required else f"[{name}]")
    return shown


def _name(param: Any) -> str:
    if param.param_type_name == "argument":
        name = str(param.metavar or param.name).strip("[].").upper()
        return f"{name}…" if param.nargs == -1 else name
    return str(param.opts[0]) if param.is_flag else f"{param.opts[0]} {str(param.name).upper()}"


def _default(param: Any) -> str:
    said = param.default
    return f" Default: {said}." if isinstance(said, int | str) and not isinstance(said, bool) and said != "all" else ""


def _plain(help: str) -> str:
    """Without the escapes of the terminal's markup."""
    return re.sub(r"\\(?=\[)", "", help)
