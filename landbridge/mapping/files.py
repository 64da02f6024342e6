"""The shape of a mapping file, before its expressions are looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from landbridge.errors import did_you_mean
from landbridge.model import KINDS

Strength = Literal["weak", "normal", "strong"]
Direction = Literal["both", "in", "out"]


class Form(BaseModel):
    """Base: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _expressions(value: Any) -> Any:
    """One expression, or several whose lists are joined."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item.strip() for item in items):
        raise ValueError("expected an expression (a text), or a list of them")
    return items


def _field(value: Any) -> Any:
    return value if isinstance(value, dict) else {"native": _expressions(value)}


def _kind(value: str) -> str:
    if value not in KINDS:
        raise ValueError(f"unknown kind {value!r}. {did_you_mean(value, KINDS, 'Kinds')}")
    return value


class FieldForm(Form):
    """One line of `fields:`."""

    native: Annotated[tuple[str, ...], BeforeValidator(_expressions)]
    strength: Strength = "normal"
    direction: Direction = "both"


class ExampleForm(Form):
    """A native record and the claim made of it; `out` is what writing gives if it is not part of `native`."""

    name: str
    native: dict[str, Any]
    canonical: dict[str, Any]
    into_only: bool = False
    out: dict[str, Any] | None = None


class MappingForm(Form):
    """One file."""

    system: str
    stream: str
    kind: Annotated[str, AfterValidator(_kind)]
    only: str | None = None
    match: tuple[str, ...] = ()
    fields: dict[str, Annotated[FieldForm, BeforeValidator(_field)]]
    create: dict[str, Any] = {}
    examples: tuple[ExampleForm, ...] = ()
