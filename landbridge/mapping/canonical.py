"""What a claim of a kind may hold, as flat paths."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from landbridge.model import KINDS
from landbridge.model.flat import NESTED


@cache
def canonical_paths(kind: str) -> dict[str, frozenset[str] | None]:
    """Each path of the kind, with its words where it is a closed vocabulary."""
    found: dict[str, frozenset[str] | None] = {}
    for name, field in KINDS[kind].model_fields.items():
        parts = _parts(field.annotation) if name in NESTED else {}
        found.update({f"{name}.{part}": _words(below.annotation) for part, below in parts.items()})
        if not parts:
            found[name] = _words(field.annotation)
    return found


def _words(annotation: Any) -> frozenset[str] | None:
    for arg in (annotation, *get_args(annotation)):
        if get_origin(arg) is Literal:
            return frozenset(get_args(arg))
    return None


def _parts(annotation: Any) -> dict[str, FieldInfo]:
    """Of a person's name; a group's name is a plain text."""
    models = [arg for arg in get_args(annotation) if isinstance(arg, type) and issubclass(arg, BaseModel)]
    return models[0].model_fields if models else {}
