"""A transform is a pair: into canonical, and out again. What both directions of all of them share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from landbridge.errors import did_you_mean
from landbridge.mapping.runtime import UnfitError
from landbridge.mapping.tree import Argument, Path, Scalar

_WHOLE = re.compile(r"-?[0-9]{1,39}")


@dataclass(frozen=True)
class Pair:
    """The two directions. Null passes through both, unless `null_into` or `null_out` says that it is converted.

    Where `into_notes` or `out_notes` is set, that function takes (value, notes). Without `out` it can only be read.
    """

    into: Callable[..., Any]
    out: Callable[..., Any] | None = None
    null_into: bool = False
    null_out: bool = False
    into_notes: bool = False
    out_notes: bool = False
    # A second native place, read where the first says nothing and written along with it: into gets
    # (value, beside, notes) and out returns two values.
    beside: Path | None = None
    # The keys of the object that out returns, which is merged into what other fields write there.
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Transform:
    """One row of the table: how it is written, what it does, and what makes its pair from the arguments."""

    usage: str
    does: str
    make: Callable[..., Pair]


class MisuseError(Exception):
    """Wrong arguments; says what was expected, and the remedy."""

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.remedy = remedy


def bind(name: str, transform: Transform, args: tuple[Argument, ...]) -> Pair:
    """The pair for these arguments. Raises MisuseError."""
    signature = inspect.signature(transform.make)
    takes_pairs = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in signature.parameters.values())
    if takes_pairs:
        return transform.make(*args)
    named = {str(arg.key): arg.value for arg in args if arg.key is not None}
    for key in named:
        if key not in signature.parameters:
            known = signature.parameters
            raise MisuseError(
                f"{name} has no argument {key!r}",
                did_you_mean(key, known) if known else "It takes none.",
            )
    try:
        bound = signature.bind(*(arg.value for arg in args if arg.key is None), **named)
    except TypeError:
        raise MisuseError(_usage(transform)) from None
    for key, value in bound.arguments.items():
        _check(key, value, str(signature.parameters[key].annotation), transform)
    return transform.make(*bound.args, **bound.kwargs)


def _usage(transform: Transform) -> str:
    return f"expected {transform.usage}"


def _check(key: str, value: Scalar, annotation: str, transform: Transform) -> None:
    types = {"str": str, "int": int, "bool": bool, "float": float, "None": type(None)}
    names = list(types) if annotation == "Scalar" else [part.strip() for part in annotation.split("|")]
    if type(value) not in [types[name] for name in names]:
        raise MisuseError(f"{key} must be {' or '.join(names)}: {_usage(transform)}")


def expect_text(value: Any) -> str:
    """The value, if it is a text."""
    if isinstance(value, str):
        return value
    raise UnfitError("a text", value)


def expect_list(value: Any) -> list[Any]:
    """The value, if it is a list."""
    if isinstance(value, list):
        return value
    raise UnfitError("a list", value)


def whole_number(value: Any, expected: str = "a whole number") -> int:
    """A whole number, also one written as text, of 39 digits at most; never true or false."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**39:
        return value
    if isinstance(value, str) and value.isascii() and _WHOLE.fullmatch(value):
        return int(value)
    raise UnfitError(expected, value)
