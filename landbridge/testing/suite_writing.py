"""Conformance: what a connector writes is there once, as it says, and can be taken back."""

from __future__ import annotations

import itertools

import pytest

from landbridge.connector import Connector, Finds, FindsAlike
from landbridge.connector.items import Native
from landbridge.errors import LandbridgeError, NotFound, RecordError, TransientError
from landbridge.testing import faults
from landbridge.testing.exchange import Fault
from landbridge.testing.suite import WRITES, Suite, holds, needs, said
from landbridge.testing.tcp import TcpProxy

LOST = {
    "a reset after it was applied": faults.applied(faults.reset()),
    "502 after it was applied": faults.applied(faults.server_error()),
    "HTML after it was applied": faults.applied(faults.html()),
    "half an answer": faults.cut(0),
    "a reset before it was applied": faults.reset(),
    "HTML before it was applied": faults.html(),
}
# Bytes of answers after which a connection is reset.
SPREAD = range(1, 600, 30)
# As often as an engine comes again on a bad day.
TRIES = 4


class WritingSuite(Suite):
    """What is asked of streams that something writes."""

    @needs("create")
    def test_read_back(self, stream: str) -> None:
        """A write returns the record as the next read has it, else that read would be taken for news."""
        connector, before = self.signed_in(), self.place.keys(stream)
        text = self.text()
        made = self._native(connector.writer(stream, "create")(self.place.native(stream, text), self.marker()))
        key = self.stream(stream).key_of(made)
        assert self.place.keys(stream) - before == {key}, "create() returned another record than the one it made."
        assert holds(made, text), "create() returned a record without what was written."
        self._read_back(stream, key, made, "create")
        for op in ("update", "disable", "enable"):
            if connector.can_write(stream, op):
                told = (self.place.changes(stream, self.text()),) if op == "update" else ()
                now = self._native(connector.writer(stream, op)(key, *told, self.marker()))
                old, key = key, self.stream(stream).key_of(now)
                # Some systems let nobody change a record: another takes its place.
                assert key == old or old not in self.place.keys(stream), f"{op}() returned another record than its own."
                self._read_back(stream, key, now, op)

    @needs("create", "line")
    def test_idempotent_write(self, stream: str) -> None:
        """Whatever becomes of an answer, a record is written once: the engine comes again with the same marker."""
        if self.line.tcp is not None:
            self._written_by_tcp(stream, self.line.tcp)
            return
        for name, fault in LOST.items():
            self._written_once(stream, name, fault)

    def _written_by_tcp(self, stream: str, tcp: TcpProxy) -> None:
        """With a reset in each of the answers, wherever in them."""
        for count in SPREAD:
            connector, before = self.connect(), self.place.keys(stream)
            tcp.reset_after(count)
            made = _as_the_engine(connector, stream, self.place.native(stream, self.text()), self.marker())
            tcp.restore()
            new = self.place.keys(stream) - before
            assert new == {self.stream(stream).key_of(made)}, (
                f"A reset after {count} bytes: {len(new)} records were made."
            )

    def _written_once(self, stream: str, name: str, fault: Fault) -> None:
        """With the fault on each outward request of the write in turn."""
        for number in itertools.count(1):
            connector, before, text = self.signed_in(), self.place.keys(stream), self.text()
            rule = self.proxy.strike(fault, WRITES, nth=number, times=1)
            made = _as_the_engine(connector, stream, self.place.native(stream, text), self.marker())
            struck = self.proxy.struck(rule)
            self.proxy.calm()
            new = self.place.keys(stream) - before
            assert len(new) == 1, f"{name} on write request {number}: {len(new)} records were made instead of one."
            assert {self.stream(stream).key_of(made)} == new, f"{name}: another record was returned than the one made."
            if not struck:
                assert number > 1, "No POST, PUT or PATCH passed the proxy: is the harness's config() made of its url?"
                return

    @needs("create", "http")
    def test_refused_write(self, stream: str) -> None:
        """What the system calls invalid is a RecordError: this one is set aside, the others go on."""
        connector, before = self.signed_in(), self.place.keys(stream)
        self.proxy.strike(self.place.refused(), WRITES)
        with pytest.raises(RecordError):
            connector.writer(stream, "create")(self.place.native(stream, self.text()), self.marker())
        self.proxy.calm()
        assert self.place.keys(stream) == before

    @needs("update")
    def test_update_of_what_is_gone(self, stream: str) -> None:
        """An update of a record that somebody has deleted is a NotFound."""
        key = self.place.add(stream, self.text())
        self.place.remove(stream, key)
        with pytest.raises(NotFound):
            self.signed_in().writer(stream, "update")(key, self.place.changes(stream, self.text()), self.marker())

    @needs("delete")
    def test_written_deletion(self, stream: str) -> None:
        """What is deleted is gone, also where somebody was faster."""
        connector = self.signed_in()
        delete, key = connector.writer(stream, "delete"), self._someones(connector, stream)
        delete(key, self.marker())
        assert key not in self.place.keys(stream), "What was deleted is still there."
        try:
            delete(key, self.marker())
        except LandbridgeError as error:
            pytest.fail(f"To delete what is gone already is a success, got {error!r}.")

    # Steps of the above

    def _someones(self, connector: Connector, stream: str) -> str:
        """A record of our own where we make any: many systems let an account delete nobody else's."""
        if not connector.can_write(stream, "create"):
            return self.place.add(stream, self.text())
        made = connector.writer(stream, "create")(self.place.native(stream, self.text()), self.marker())
        return self.stream(stream).key_of(self._native(made))

    @staticmethod
    def _native(made: Native | None) -> Native:
        assert made is not None, "A write other than delete returns the record as the system now has it."
        return made

    def _read_back(self, stream: str, key: str, made: Native, op: str) -> None:
        read = said(self.connect(), stream).records.get(key)
        assert read is not None, f"What {op}() has written is not read."
        assert self.claim(stream, read) == self.claim(stream, made), (
            f"{op}() returned another form than reading has: each write would come back as news."
        )


def _found(connector: Connector, stream: str, native: Native, marker: str) -> Native | None:
    found = connector.find(stream, native, marker) if isinstance(connector, Finds) else None
    if found is not None or not isinstance(connector, FindsAlike):
        return found
    return next(connector.alike(stream, native), None)


def _as_the_engine(connector: Connector, stream: str, native: Native, marker: str) -> Native:
    """As landbridge.sync does it: after an uncertain outcome it looks for the marker before it sends again."""
    uncertain = False
    for _ in range(TRIES):
        found = _found(connector, stream, native, marker) if uncertain else None
        if found is not None:
            return found
        try:
            made = connector.writer(stream, "create")(native, marker)
        except TransientError as error:
            uncertain = uncertain or error.uncertain
            continue
        assert made is not None
        return made
    raise AssertionError(f"{stream}: after {TRIES} tries the record is still not written.")
