"""A method that a class answers, and an instance too, by what it has of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class ask_either(Generic[P, R]):  # noqa: N801 (a decorator)
    """Unlike a classmethod's, its first argument is the instance where an instance is asked."""

    def __init__(self, method: Callable[Concatenate[Any, P], R]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, instance: object | None, owner: type) -> Callable[P, R]:
        return partial(self._method, owner if instance is None else instance)
