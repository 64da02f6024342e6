"""What a claim of a kind may hold, as flat paths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from landbridge.model import KINDS
from landbridge.model.flat import NESTED


@dataclass(frozen=True)
class Shape:
    """Of one path: its words where it is a closed vocabulary, and what stands for null where the kind has no null."""

    words: frozenset[str] | None
    for_null: str


@cache
def canonical_paths(kind: str) -> dict[str, Shape]:
    """Each path of the kind."""
    found: dict[str, Shape] = {}
    for name, field in KINDS[kind].model_fields.items():
        parts = _parts(field.annotation) if name in NESTED else {}
        found.update({f"{name}.{part}": _shape(below.annotation) for part, below in parts.items()})
        if not parts:
            found[name] = _shape(field.annotation)
    return found


def _shape(annotation: Any) -> Shape:
    literals = [arg for arg in (annotation, *get_args(annotation)) if get_origin(arg) is Literal]
    words = frozenset(get_args(literals[0])) if literals else None
    return Shape(words, {list: "[]", dict: "{}"}.get(get_origin(annotation), "None"))


def _parts(annotation: Any) -> dict[str, FieldInfo]:
    """Of a person's name; a group's name is a plain text."""
    models = [arg for arg in get_args(annotation) if isinstance(arg, type) and issubclass(arg, BaseModel)]
    return models[0].model_fields if models else {}
