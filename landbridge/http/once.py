"""The guard against reads that turn in a circle, for whatever names where a read goes on."""

from __future__ import annotations

from collections.abc import Hashable

from landbridge.errors import IncompleteRead


class Once:
    """What may come only once in one read, since the read would otherwise never end; of each only a hash is kept."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._met: set[int] = set()

    def meet(self, value: Hashable) -> None:
        """Raises IncompleteRead where it came before."""
        found = hash(value)
        if found in self._met:
            raise IncompleteRead(self._message)
        self._met.add(found)
