"""The table of kinds, and validation of a claim against its kind."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict

from landbridge.errors import RecordError
from landbridge.model.base import EntityModel, RecordRef
from landbridge.model.conversations import Message, Space
from landbridge.model.documents import Attachment, Case, Document
from landbridge.model.flat import NESTED, flatten, nest
from landbridge.model.people import Group, Membership, Person

KINDS: dict[str, type[EntityModel]] = {
    model.kind: model for model in (Person, Group, Space, Document, Case, Message, Membership)
}


@cache
def ref_fields(kind: str) -> frozenset[str]:
    """The fields of a kind that hold one reference."""
    fields = KINDS[kind].model_fields.items()
    return frozenset(name for name, field in fields if RecordRef in _union_members(field.annotation))


@cache
def holding_refs(kind: str) -> tuple[str, ...]:
    """The fields of a kind that hold references at any depth: those of `ref_fields` and, say, who reacted."""
    fields = KINDS[kind].model_fields.items()
    return tuple(name for name, field in fields if _holds(field.annotation, RecordRef))


def _holds(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_holds(inner, wanted) for inner in get_args(annotation))


# Who put which reaction: each system says it of its own people, and nobody speaks for those of another.
GATHERED = frozenset({"reactions"})


@cache
def attachment_fields(kind: str) -> tuple[str, ...]:
    """The fields of a kind that hold one attachment or several."""
    fields = KINDS[kind].model_fields.items()
    return tuple(name for name, field in fields if Attachment in _union_members(field.annotation))


def _union_members(annotation: Any) -> tuple[Any, ...]:
    return tuple(member for arg in get_args(annotation) for member in (get_args(arg) or (arg,)))


@cache
def _parts(kind: str) -> dict[str, dict[str, FieldInfo]]:
    """The fields that a flat claim takes apart, with what they consist of; a group's name is just a text."""
    fields = KINDS[kind].model_fields
    nested = {name: _union_members(fields[name].annotation) for name in NESTED if name in fields}
    return {
        name: member.model_fields
        for name, members in nested.items()
        for member in members
        if hasattr(member, "model_fields")
    }


@cache
def _flat(kind: str) -> TypeAdapter[dict[str, Any]]:
    """The kind as a flat dict: half the work of making a model with its defaults and taking it apart again."""
    paths: dict[str, Any] = {name: field.annotation for name, field in KINDS[kind].model_fields.items()}
    for name, parts in _parts(kind).items():
        paths[name] = None
        paths |= {f"{name}.{part}": field.annotation for part, field in parts.items()}
    # Made at run time, which type checkers do not follow.
    make: Any = TypedDict
    shape = make(kind, paths, total=False)
    shape.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(shape)


def validate(kind: str, flat: dict[str, Any]) -> dict[str, Any]:
    """Check a flat claim against its kind and return it in JSON form; absent stays absent. Raises RecordError."""
    if not flat.keys().isdisjoint(_parts(kind)):
        flat = flatten(nest(flat))
    adapter = _flat(kind)
    try:
        valid = adapter.validate_python(flat)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or kind
        raise RecordError(f"{kind}.{where}: {problem['msg']}.") from None
    found: dict[str, Any] = adapter.dump_python(valid, mode="json", exclude_unset=True)
    return found
