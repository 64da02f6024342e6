"""One canonical body, CommonMark with tables and mentions, to and from each tool's markup.

A body is a `str`. Mentions are written `@{person:ID}`, links to spaces `#{space:ID}`. What a markup cannot show
is degraded and counted, never dropped in silence. Nothing here does I/O.
"""

from __future__ import annotations

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
    "NO_NAMES",
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
