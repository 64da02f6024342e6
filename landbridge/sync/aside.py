"""What of a read is set aside, and what of that is to be read again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from landbridge.connector import Failure
from landbridge.errors import Declined
from landbridge.store.setaside import DECLINED, FAILED, Bad, SetAside


def failed(failures: Iterable[Failure], sent: Collection[str]) -> Iterator[Bad]:
    """What could not be read, came back, or was declined; `sent` are the keys that are known, others anybody can make up."""
    for one in failures:
        stands = _stands(one)
        if stands != DECLINED or one.key in sent:
            yield Bad(one.key or "?", None, str(one.error), stands)


def unread(due: Iterable[SetAside]) -> list[str]:
    """Of what is due, that of which nothing is known but that it could not be read; cursors have moved on past it."""
    return [one.key for one in due if one.native is None]


def _stands(failure: Failure) -> str | None:
    if failure.again:
        return None
    return DECLINED if isinstance(failure.error, Declined) else FAILED
