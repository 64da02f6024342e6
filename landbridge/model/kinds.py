"""The table of kinds, and validation of a claim against its kind."""

from __future__ import annotations

from functools import cache
from types import NoneType
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
def attachment_fields(kind: str) -> tuple[str, ...]:
    """The fields of a kind that hold one attachment or several."""
    fields = KINDS[kind].model_fields.items()
    return tuple(name for name, field in fields if Attachment in _union_members(field.annotation))


def _union_members(annotation: Any) -> tuple[Any, ...]:
    return tuple(member for arg in get_args(annotation) for member in (get_args(arg) or (arg,)))


@cache
def _flat(kind: str) -> TypeAdapter[dict[str, Any]]:
    """The kind as a flat dict: half the work of making a model with its defaults and taking it apart again."""
    paths: dict[str, Any] = {}
    for name, field in KINDS[kind].model_fields.items():
        if name in NESTED:
            paths[name] = None
            paths |= {f"{name}.{part}": inner.annotation for part, inner in _part(field.annotation).items()}
        else:
            paths[name] = field.annotation
    # Made at run time, which type checkers do not follow.
    make: Any = TypedDict
    shape = make(kind, paths, total=False)
    shape.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(shape)


def _part(annotation: Any) -> dict[str, FieldInfo]:
    [model] = (member for member in get_args(annotation) if member is not NoneType)
    found: dict[str, FieldInfo] = model.model_fields
    return found


def validate(kind: str, flat: dict[str, Any]) -> dict[str, Any]:
    """Check a flat claim against its kind and return it in JSON form; absent stays absent. Raises RecordError."""
    if not flat.keys().isdisjoint(NESTED):
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
