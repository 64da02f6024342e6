"""Python's garbage collector, told that many thousand objects at a time are nothing unusual."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Containers that may come before the collector looks for cycles. Some batches of records; they hold none.
_PLENTY = 1_000_000


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """For work on pages of plain data, which reference counting frees; a third of a read without news went there."""
    before = gc.get_threshold()
    gc.set_threshold(max(_PLENTY, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
