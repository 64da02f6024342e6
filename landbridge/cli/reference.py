"""`landbridge docs reference`: the reference pages, made from the same classes that the program uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from landbridge.cli.app import group
from landbridge.cli.command import command
from landbridge.cli.exits import Exit
from landbridge.cli.files import CHECK, Files, show
from landbridge.cli.manual import cli_page
from landbridge.cli.output import words
from landbridge.cli.schema import FILES
from landbridge.cli.session import Session
from landbridge.connector import (
    Connector,
    Finds,
    FindsAlike,
    HasFiles,
    Impersonates,
    Receives,
    Stream,
    Watches,
    connector_class,
    connector_names,
)
from landbridge.errors import ConfigError
from landbridge.mapping import TRANSFORMS, mapping_schema
from landbridge.mapping.canonical import canonical_paths
from landbridge.model import KINDS, RecordRef
from landbridge.model.flat import NESTED
from landbridge.sync.config import Duration, Rate

MADE = "<!-- Made by `landbridge docs reference`; change the code, not this page. -->\n"
_DURATION, _RATE = get_args(Duration)[1], get_args(Rate)[1]
_OPS = ("create", "update", "delete", "disable", "enable")
_UNDESCRIBED = {
    "kind": f"One of {', '.join(KINDS)}.",
    "examples": "Native records and the claims made of them, run both ways by `landbridge check`.",
}
_ABILITIES = {
    Finds: "finds what an uncertain write has left",
    FindsAlike: "finds by its content what an uncertain write may have left",
    HasFiles: "streams files",
    Impersonates: "writes in the name of the author",
    Watches: "can be listened to",
    Receives: "takes what its system sends",
}

app = group("docs")


@command(
    app, "reference",
    ("landbridge docs reference", "Write docs/reference/ anew."),
    ("landbridge docs reference --check", "Only say whether it is as it should be."),
)  # fmt: skip
def reference(session: Session, check: CHECK = False) -> Exit:
    """Write docs/reference/: commands, configuration files, mappings, models and the installed connectors.

    A connector whose libraries are not installed here is left out and named.
    """
    files, missing = reference_files(session.home / "docs" / "reference")
    for text in missing:
        session.note(text)
    return show(session, files, check)


def reference_files(folder: Path) -> tuple[Files, list[str]]:
    """The pages, and why some connectors have none."""
    texts = {
        "cli.md": MADE + cli_page(), "config.md": _config_page(), "mapping.md": _mapping_page(), "model.md": _model_page(),
    }  # fmt: skip
    missing: dict[str, str] = {}
    for name in connector_names("landbridge"):
        page = f"connectors/{name}.md"
        try:
            texts[page] = _connector_page(name, connector_class(name))
        except ConfigError as error:
            missing[page] = str(error)
    return Files(folder, {"README.md": _index(texts), **texts}, "*.md", frozenset(missing)), list(missing.values())


def _index(texts: dict[str, str]) -> str:
    """Connectors by their folder only, so that the page is the same wherever it is made."""
    own = [(text.splitlines()[1].removeprefix("# "), name) for name, text in texts.items() if "/" not in name]
    lines = [f"- [{title}]({name})" for title, name in (*own, ("Connectors, one page each", "connectors/"))]
    return MADE + "# Reference\n\n" + "\n".join(lines) + "\n"


def _config_page() -> str:
    parts = ["# Configuration files", "Unknown keys are refused; each mistake is reported with file and line."]
    for name, (says, model) in FILES.items():
        parts += [
            f"## `{says.partition(':')[0]}`",
            says.partition(": ")[2].capitalize() + f"; schema: `{name}.schema.json`.",
        ]
        parts += [part for one in _nested(model) for part in _model(one, top=one is model)]
    return MADE + "\n\n".join(parts) + "\n"


def _model(model: type[BaseModel], *, top: bool) -> list[str]:
    # A model without a docstring has its parent's as an attribute; only its own speaks of it.
    said = (vars(model).get("__doc__") or "").strip()
    heading = [] if top else [f"### {model.__name__.strip('_')}", *([said] if said else [])]
    return [*heading, fields_table(model)]


def _nested(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and those that it holds, each once, in the order in which they are met."""
    found = [model]
    for one in found:
        for info in one.model_fields.values():
            found += [inner for inner in dict.fromkeys(_models(info.annotation)) if inner not in found]
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def fields_table(model: type[BaseModel]) -> str:
    rows = [
        f"| `{info.alias or name}` | {type_words(info)} | {_default(info)} | {_cell(info.description or '')} |"
        for name, info in model.model_fields.items()
        if info.annotation is not type(None)
    ]
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])


def type_words(info: FieldInfo) -> str:
    """In the words of someone who writes YAML."""
    if any(isinstance(one, type(_DURATION)) and one.func is _DURATION.func for one in info.metadata):
        return "duration"
    if any(isinstance(one, type(_RATE)) and one.func is _RATE.func for one in info.metadata):
        return "rate"
    return _cell(_words(info.annotation))


def _words(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return "duration" if _DURATION in parts else "rate" if _RATE in parts else _words(parts[0])
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in (Union, UnionType):
        return " or ".join(_words(part) for part in parts if part is not NoneType)
    if origin is dict:
        return f"{_words(parts[0])} → {_words(parts[1])}"
    if origin in (tuple, list):
        return f"list of {_words(parts[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.__name__.strip("_")
    if hasattr(annotation, "__members__"):
        return " or ".join(f"`{one.value}`" for one in annotation)
    return {str: "text", int: "number", float: "number", bool: "true or false", SecretStr: "secret"}.get(
        annotation, getattr(annotation, "__name__", "")
    )


def _default(info: FieldInfo) -> str:
    said = info.default
    if info.is_required():
        return "required"
    if said is PydanticUndefined or said is None or said in ((), {}, [], "") or isinstance(said, BaseModel):
        return "–"
    if isinstance(said, timedelta):
        return words(said)
    if type_words(info) == "rate":
        return f"{said:g}/s"
    return f"`{getattr(said, 'value', said)}`".replace("`True`", "`true`").replace("`False`", "`false`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _mapping_page() -> str:
    properties = mapping_schema()["properties"]
    keys = [f"| `{key}` | {_cell(said.get('description') or _UNDESCRIBED[key])} |" for key, said in properties.items()]
    rows = [f"| `{_cell(one.usage)}` | {_cell(one.does)} |" for one in TRANSFORMS.values()]
    return MADE + "\n".join([
        "# Mappings", "", "One file per stream, `mappings/<connector>/<stream>.yaml`; schema: `mapping.schema.json`.", "",
        "| key | meaning |", "|---|---|", *keys, "",
        "## Transforms", "", "One line serves both directions: `canonical path: native path | transform | transform`.",
        "What stands left of ⇄ is the system's, what stands right is Landbridge's.", "",
        "| transform | what it does |", "|---|---|", *rows, "",
    ])  # fmt: skip


def _model_page() -> str:
    parts = [
        "# The canonical model", "What a mapping's `kind` may be, and the fields that it may map; every field may be absent.",
    ]  # fmt: skip
    for name, model in KINDS.items():
        rows = [f"| `{path}` | {_path_words(model, path)} |" for path in canonical_paths(name)]
        parts += [f"## {name}", (model.__doc__ or "").strip(), "\n".join(["| field | value |", "|---|---|", *rows])]
    parts += _parts()
    return MADE + "\n\n".join(parts) + "\n"


def _parts() -> Iterator[str]:
    """What stands inside a field as one value."""
    held = dict.fromkeys(part for model in KINDS.values() for part in _nested(model) if part not in KINDS.values())
    apart = {part for model in KINDS.values() for name in NESTED for part in _models_of(model, name)}
    for part in held:
        if part not in apart and part is not RecordRef:
            yield f"## {part.__name__}"
            yield (vars(part).get("__doc__") or "").strip() or "A value inside a field."
            yield fields_table(part)


def _models_of(model: type[BaseModel], field: str) -> Iterator[type[BaseModel]]:
    info = model.model_fields.get(field)
    return _models(info.annotation) if info else iter(())


def _path_words(model: type[BaseModel], path: str) -> str:
    name, _, part = path.partition(".")
    info = model.model_fields[name]
    if part:
        info = next(_models(info.annotation)).model_fields[part]
    return type_words(info).replace("text or RecordRef", "reference")


def _connector_page(name: str, cls: type[Connector]) -> str:
    streams = ["| stream | kind | key | incremental | writes |", "|---|---|---|---|---|"]
    for stream in cls.streams().values():
        ops = ", ".join(op for op in _OPS if cls.can_write(stream.name, op)) or "–"
        streams.append(f"| `{stream.name}` | {stream.kind} | {', '.join(stream.key)} | {_since(cls, stream)} | {ops} |")
    table = "\n".join(streams) if cls.streams() else "Those that the configuration of a system defines, see its README."
    abilities = [says for protocol, says in _ABILITIES.items() if _has(cls, protocol)]
    able = f"It {' and '.join(abilities)}." if abilities else "It has no optional abilities."
    parts = [
        f"# {cls.__name__}", f"`connector: {name}` in config/systems.yaml; connection type `landbridge_{name}`.", "## Connection",
        (cls.Config.__doc__ or "").strip(), fields_table(cls.Config), "## Streams", table, able,
    ]  # fmt: skip
    return MADE + "\n\n".join(parts) + "\n"


def _since(cls: type[Connector], stream: Stream) -> str:
    if stream.since:
        return f"by `{stream.since.field}`"
    if stream.pages.follows:
        return "told by the list"
    if stream.name in cls._listed:
        return "–"
    return "own way" if stream.name in cls._readers else "–"


def _has(cls: type, protocol: type) -> bool:
    """By names, because a class cannot be asked for an attribute that only its instances get."""
    wanted = {*vars(protocol), *protocol.__annotations__}
    return all(hasattr(cls, name) or name in cls.__annotations__ for name in wanted if not name.startswith("_"))
