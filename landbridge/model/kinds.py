"""The table of kinds, and validation of a claim against its kind."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from landbridge.errors import RecordError
from landbridge.model.base import EntityModel, RecordRef
from landbridge.model.conversations import Message, Space
from landbridge.model.documents import Case, Document
from landbridge.model.flat import flatten, nest
from landbridge.model.people import Group, Membership, Person

KINDS: dict[str, type[EntityModel]] = {
    model.kind: model for model in (Person, Group, Space, Document, Case, Message, Membership)
}


@cache
def ref_fields(kind: str) -> frozenset[str]:
    """The fields of a kind that hold one reference."""
    fields = KINDS[kind].model_fields.items()
    return frozenset(name for name, field in fields if RecordRef in _union_members(field.annotation))


def _union_members(annotation: Any) -> tuple[Any, ...]:
    return tuple(member for arg in get_args(annotation) for member in (get_args(arg) or (arg,)))


@cache
def _adapter(kind: str) -> TypeAdapter[EntityModel]:
    return TypeAdapter(KINDS[kind])


def validate(kind: str, flat: dict[str, Any]) -> dict[str, Any]:
    """Check a flat claim against its kind and return it in JSON form; absent stays absent. Raises RecordError."""
    try:
        model = _adapter(kind).validate_python(nest(flat))
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or kind
        raise RecordError(f"{kind}.{where}: {problem['msg']}.") from None
    return flatten(_adapter(kind).dump_python(model, mode="json", exclude_unset=True))
