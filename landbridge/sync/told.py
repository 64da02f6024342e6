"""Keep what a system has told between two reads: on the way that all records take, but no cursor moves.

Nothing is fenced, so that no read of the stream has to begin anew for a single message. A page that was fetched before
and is kept after it may say the older; the next read puts that right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from landbridge.connector import Gone, Item, News, ReadsAgain
from landbridge.connector.base import MISSHAPEN
from landbridge.errors import ConfigError, TransientError
from landbridge.store.enumeration import Enumeration
from landbridge.store.records import Known
from landbridge.sync.bridge import Bridge
from landbridge.sync.paging import Page, pages
from landbridge.sync.read import Fresh, Reading
from landbridge.sync.reports import Report

_NO_CURSOR = ""


def keep_told(bridge: Bridge, system: str, stream: str, told: Sequence[News]) -> Report:
    """Read again what was told of one stream, and keep it. Raises as a read does; then nothing is kept."""
    return _Told(bridge, system, stream, None).keep(told)


class _Told(Reading):
    def keep(self, told: Sequence[News]) -> Report:
        try:
            for page in pages(self._items(told), _NO_CURSOR):
                self._keep(page, None)
        except MISSHAPEN as error:  # its text may hold a person's data
            problem = f"{self.report.subject}: what was told is not as expected ({type(error).__name__})."
            raise TransientError(problem) from None
        self.report.reason = self._reason()
        return self.report

    def _items(self, told: Sequence[News]) -> Iterator[Item]:
        again = list(dict.fromkeys(one for news in told for one in news.again))
        gone = (Gone(key) for news in told for key in news.gone)
        if again and not isinstance(self.connector, ReadsAgain):
            raise ConfigError(f"{self.system} tells of records that it cannot read again.")
        records = self.connector.again(self.stream, again) if isinstance(self.connector, ReadsAgain) else ()
        return chain(records, gone)

    def _commit(self, page: Page, news: Fresh, known: dict[str, Known], enumeration: Enumeration | None) -> None:
        if not news:
            return
        with self.hub.begin(repeatable=True) as conn:
            counts, gone = self._put(conn, news, known)
        self._count(news, counts, gone)
