"""One canonical body, CommonMark with tables and mentions, to and from each tool's markup.

A body is a `str`. Mentions are written `@{person:ID}`, links to spaces `#{space:ID}`. What a markup cannot show
is degraded and counted, never dropped in silence. Nothing here does I/O.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from landbridge.richtext.names import NAMES, PLAIN

if TYPE_CHECKING:
    from landbridge.richtext.markups import (
        MARKUPS,
        Body,
        Markup,
        Rendered,
        from_markup,
        mentioned,
        normal,
        to_markup,
    )
    from landbridge.richtext.matrix_content import from_matrix, to_matrix
    from landbridge.richtext.tree import NO_NAMES, Losses, Names, NamesBy, Node, Run
    from landbridge.richtext.write_commonmark import escape

__all__ = [
    "MARKUPS",
    "NAMES",
    "NO_NAMES",
    "PLAIN",
    "Body",
    "Losses",
    "Markup",
    "Names",
    "NamesBy",
    "Node",
    "Rendered",
    "Run",
    "escape",
    "from_markup",
    "from_matrix",
    "mentioned",
    "normal",
    "to_markup",
    "to_matrix",
]

# The first of these that has a name is where it comes from.
_MODULES = ("tree", "write_commonmark", "markups", "matrix_content")


def __getattr__(name: str) -> Any:
    """Fetched when first used: reading and merging what has no new text never needs the readers of all markups."""
    for module in _MODULES if name in __all__ else ():
        try:
            found = getattr(import_module(f"{__name__}.{module}"), name)
        except AttributeError:
            continue
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
