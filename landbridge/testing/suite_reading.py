"""Conformance: what a connector says of what is there, what changed and what is gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from landbridge.connector import Connector, ReadsAgain, Record
from landbridge.connector.items import Native
from landbridge.errors import IncompleteRead, RecordError, TransientError
from landbridge.mapping import Mapping
from landbridge.model import validate
from landbridge.testing.page_faults import Turning, with_list
from landbridge.testing.suite import UNICODE, Said, Suite, exempt, holds, needs, outcome, said

# Answers; no harness's system has so many pages.
LONGEST = 300
# What a read may end with that was told nonsense: to be tried again, with nothing called gone.
PASSES = (IncompleteRead, TransientError)
STRANGE = {"landbridge_strange": {"nested": [1, None, "x"]}, "landbridge strange": "x"}


class ReadingSuite(Suite):
    """Reading on a good day, of a system that says more, less and stranger things than expected."""

    def test_paging(self, stream: str) -> None:
        """A full read goes past the first page, says all that is there, and ends with Complete."""
        self._add_many(stream)
        connector = self.signed_in()
        if self.line.http is not None:
            self.proxy.seen.clear()
        found = said(connector, stream)
        there = self.place.keys(stream)
        assert found.complete, "A full read without an error ends with Complete."
        assert set(found.records) == there, f"Read {len(found.records)} records, {len(there)} are there."
        assert not found.failures, f"{len(found.failures)} could not be read: {found.failures[:1]}"
        if self.line.http is not None:
            pages = self.proxy.asked("*", f"{self.place.path(self.stream(stream))}*")
            assert len(pages) > 1, "All came with one request; let the harness's `many` be more than two pages hold."

    @needs("http")
    def test_turning_pages(self, stream: str) -> None:
        """Pages that come again and again are no list, no absence of what they hide, and no endless read."""
        self._add_many(stream)
        there, one_list = self.place.keys(stream), self.generic(stream)
        items = None if one_list else self.place.items(self.stream(stream))
        for pages in (1, 2):
            connector = self.signed_in()
            turning = Turning(pages, by_path=not one_list, items=items, most=LONGEST)
            self.strike(turning, stream)
            found = outcome(connector, stream, most=10 * len(there))
            self.proxy.calm()
            assert not turning.endless, f"After {LONGEST} answers that repeat themselves the read still asks for more."
            if isinstance(found, Said):
                assert not one_list, "The read ended well, although its pages came again and again."
                hidden = there - set(found.records) if found.complete and not found.failures else ()
                assert not hidden, "Complete, although pages came in the place of others: what they hide would be gone."
            else:
                assert isinstance(found, PASSES), f"Pages that come again and again ended the read with {found!r}."

    def test_cursor(self, stream: str) -> None:
        """From a cursor on comes what is new and changed; a cursor is JSON, and only a full read says Complete."""
        old, connector = self.place.add(stream, self.text()), self.signed_in()
        unchanged = self.place.backdate(stream, old, datetime.now(UTC) - timedelta(days=7))
        self.place.add(stream, self.text())
        cursor = self._cursor(said(connector, stream))
        new, text = self.place.add(stream, self.text()), self.text()
        found = self.news(self.connect(), stream, cursor)
        assert new in found.records, "A record that was made after the last read did not come."
        again = unchanged and old in found.records
        assert not again, "What has not changed for a week came again: no cursor is used."
        missing = self.place.keys(stream) - set(found.records)
        assert not (found.complete and missing), "Complete after a read of the news: all else would be called gone."
        self.place.change(stream, old, text)
        found = self.news(self.connect(), stream, self._cursor(found))
        assert old in found.records, "A record that was changed after the last read did not come."
        assert holds(found.records[old], text), "The changed record came as it was before."
        assert found.cursor is not None, "A read of the news has to end with a Checkpoint, else it never gets on."

    @needs("since")
    def test_lag(self, stream: str) -> None:
        """What was changed at the very moment of the last read is read again: clocks differ, and commits come late."""
        since, connector = self.stream(stream).since, self.signed_in()
        assert since is not None
        assert since.lag > timedelta(0), "Give the stream's Since a lag."
        self.place.add(stream, self.text())
        cursor = self._cursor(said(connector, stream))
        late = self.place.add(stream, self.text())
        self.place.backdate(stream, late, datetime.now(UTC) - since.lag / 2)
        found = said(connector, stream, cursor)
        assert late in found.records, "What was committed late, with a time before the last read, is never read."

    def test_deletion(self, stream: str) -> None:
        """What a person deletes is missing from a complete read, and Gone from the news where the stream says so."""
        key, other, connector = (
            self.place.add(stream, self.text()),
            self.place.add(stream, self.text()),
            self.signed_in(),
        )
        cursor = said(connector, stream).cursor
        self.place.remove(stream, key)
        if cursor is not None:
            found = self.news(self.connect(), stream, cursor)
            assert key not in found.records, "A deleted record is read as if it were there."
            reports = self.stream(stream).reports_gone
            assert not reports or key in found.gone, "The stream says reports_gone, yet a deletion is not reported."
        found = said(self.connect(), stream)
        assert found.complete, "A full read without an error ends with Complete."
        assert key not in found.records, "A deleted record is in a complete read."
        assert other in found.records, "A record that nobody deleted is missing."

    @needs("again")
    def test_read_again(self, stream: str) -> None:
        """A single record that the system has told of is read as a whole read has it; of what is gone comes no record."""
        key, other = self.place.add(stream, self.text()), self.place.add(stream, self.text())
        words = {one: self.place.told(stream, one) for one in (key, other)}
        told = [word for word in words.values() if word is not None]
        if not told:
            exempt("the system tells of no single records of it")
        connector, text = self.signed_in(), self.text()
        self.place.change(stream, key, text)
        whole, found = said(self.connect(), stream).records, self._again(connector, stream, told)
        assert found == {one: whole[one] for one in words}, "A record that is read again differs from a whole read."
        assert holds(found[key], text), "The record came as it was before."
        self.place.remove(stream, key)
        left = self._again(connector, stream, told)
        assert left.keys() == {other}, "Of what was removed a record came, or what was told with it did not."

    def test_unicode(self, stream: str) -> None:
        """Letters of all scripts come and go unharmed."""
        text = self.text(UNICODE)
        key, connector = self.place.add(stream, text), self.signed_in()
        assert holds(said(connector, stream).records[key], text), "What a person wrote came with other letters."
        if connector.can_write(stream, "create"):
            text = self.text(UNICODE)
            made = connector.writer(stream, "create")(self.place.native(stream, text), self.marker())
            assert holds(made, text), "What was written is there with other letters."  # type: ignore[arg-type]

    @needs("http", "items")
    def test_unknown_fields_and_nulls(self, stream: str) -> None:
        """New fields harm nothing; a record whose fields are all null is read, or set aside by itself."""
        keys = {self.place.add(stream, self.text()) for _ in range(3)}
        connector = self.signed_in()
        self._strike_list(stream, lambda one: one | STRANGE)
        found = said(connector, stream)
        assert keys <= set(found.records), "Records with unknown fields were not read."
        assert found.complete, "A read with unknown fields in it is complete."
        self._map(stream, found, strict=True)
        self.proxy.calm()
        known_by = self.place.known_by(self.stream(stream))
        self._strike_list(stream, lambda one: {name: one[name] if name in known_by else None for name in one})
        found = said(connector, stream)
        assert len(found.records) + len(found.failures) >= len(keys), (
            "Records without values are passed over in silence."
        )
        self._map(stream, found, strict=False)

    @needs("http", "items")
    def test_one_bad_record(self, stream: str) -> None:
        """A record without its key is a Failure; the others come."""
        self._add_many(stream)
        there, connector = self.place.keys(stream), self.signed_in()
        spoiled = self.place.spoiled(self.stream(stream))
        assert spoiled is not None
        rule = self.strike(spoiled, stream)
        found = said(connector, stream)
        assert self.proxy.struck(rule), "The harness's path() matches no request that reads the stream."
        assert found.failures, "A record that cannot be read is passed over in silence: it would be called gone."
        assert found.records, "One bad record stopped the others."
        assert set(found.records) < there
        for failure in found.failures:
            assert isinstance(failure.error, RecordError), f"A bad record is a RecordError, not {failure.error!r}."

    # Steps of the above

    @staticmethod
    def _again(connector: Connector, stream: str, told: list[str]) -> dict[str, Native]:
        assert isinstance(connector, ReadsAgain)
        return {item.key: item.native for item in connector.again(stream, told) if isinstance(item, Record)}

    def _add_many(self, stream: str) -> None:
        for _ in range(self.place.many):
            self.place.add(stream, self.text())

    def _cursor(self, found: Said) -> Any:
        if found.cursor is None:
            exempt("each read is a full one")
        assert json.loads(json.dumps(found.cursor)) == found.cursor, (
            "A cursor is JSON, since the hub stores it as that."
        )
        return found.cursor

    def _strike_list(self, stream: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        items = self.place.items(self.stream(stream))
        self.strike(with_list(items or "", lambda found: [change(one) for one in found]), stream)

    def _map(self, stream: str, found: Said, *, strict: bool) -> None:
        if (mapping := self.mapping(stream)) is not None:
            for native in found.records.values():
                _mapped(mapping, native, strict)


def _mapped(mapping: Mapping, native: dict[str, Any], strict: bool) -> None:
    """A claim that its kind allows, or (unless `strict`) a RecordError that sets this one aside."""
    try:
        if mapping.accepts(native):
            validate(mapping.kind, mapping.into(native).claim)
    except RecordError:
        assert not strict, "An unknown field has made a record unfit for the mapping."
