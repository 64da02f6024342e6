"""What may have been done by the time that a write fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from landbridge.errors import LandbridgeError, TransientError


@contextmanager
def in_doubt() -> Iterator[None]:
    """What fails from here on leaves it open whether the record was made: it is looked up before another attempt."""
    try:
        yield
    except TransientError as error:
        error.uncertain = True
        raise


@contextmanager
def done_already(*codes: str) -> Iterator[None]:
    """A refusal by one of these words of the system means that nothing was left to do."""
    try:
        yield
    except LandbridgeError as error:
        if error.code not in codes:
            raise
