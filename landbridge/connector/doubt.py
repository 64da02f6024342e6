"""Steps that come after a write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from landbridge.errors import TransientError


@contextmanager
def in_doubt() -> Iterator[None]:
    """What fails from here on leaves it open whether the record was made: it is looked up before another attempt."""
    try:
        yield
    except TransientError as error:
        error.uncertain = True
        raise
