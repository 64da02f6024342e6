"""What an uncertain write may have left where a record can carry no marker: what was said reads like it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from landbridge.connector.items import Native

# Clocks differ.
SKEW = timedelta(minutes=10)


def similar(found: Iterable[Native], native: Native, by: Callable[[Native], Any], when: str) -> Iterator[Native]:
    """Of what was found, what has the same in `by` as the native, and was not said before that was due, by the field
    `when` of both. Where nobody says when that was, anything may be it.
    """
    wanted, due = by(native), native.get(when)
    first = datetime.fromisoformat(str(due)) - SKEW if due else None
    for one in found:
        if by(one) == wanted and (first is None or datetime.fromisoformat(one[when]) >= first):
            yield one
