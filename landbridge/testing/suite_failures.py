"""Conformance: what a connector does on a bad day: no answer, a broken one, a refusal."""

from __future__ import annotations

from landbridge.errors import ExpiredCursor, IncompleteRead, RateLimited, ScopeError, TransientError
from landbridge.testing import faults
from landbridge.testing.suite import Said, Suite, exempt, needs, outcome, said

# Named for the messages.
PASSING = {
    "429": faults.too_many(1),
    "429 with a date": faults.too_many(1, as_date=True),
    "429 without Retry-After": faults.too_many(),
    "502": faults.server_error(),
    "a reset": faults.reset(),
    "half an answer": faults.cut(),
    "a wrong length": faults.wrong_length(),
}
LASTING = PASSING | {
    "HTML instead of JSON": faults.html(),
    "an object of another shape": faults.refuse(200, b"{}"),
    "null": faults.refuse(200, b"null"),
    "a number": faults.refuse(200, b"3"),
}
LONG = 3600.0


class FailureSuite(Suite):
    """Errors are named by what happens next, and none of them looks like an absence."""

    @needs("line")
    def test_broken_answers(self, stream: str) -> None:
        """What passes is survived; what lasts is an error, never a complete read with less in it."""
        key, connector = self.place.add(stream, self.text()), self.signed_in()
        if self.line.tcp is not None:
            self._broken_connections(stream)
            return
        for name, fault in PASSING.items():
            rule = self.strike(fault, stream, times=1)
            found = outcome(connector, stream)
            assert self.proxy.struck(rule), "The harness's path() matches no request that reads the stream."
            assert isinstance(found, Said), f"{name}, once, ended the read: {found!r}."
            assert key in found.records, f"{name}, once: a record is missing from the read."
        for name, fault in LASTING.items():
            self.strike(fault, stream)
            _no_absence(name, outcome(connector, stream))
            self.proxy.calm()

    def _broken_connections(self, stream: str) -> None:
        assert self.line.tcp is not None
        for count in (1, 40, 400):
            connector = self.connect()
            self.line.tcp.reset_after(count)
            _no_absence(f"a reset after {count} bytes", outcome(connector, stream), whole=True)
            self.line.tcp.restore()
        self.line.tcp.refuse()
        found = outcome(self.connect(), stream)
        assert isinstance(found, TransientError), f"A server that is gone is worth another try, got {found!r}."
        self.line.tcp.restore()
        assert isinstance(outcome(self.connect(), stream), Said), "It stays broken after the server has come back."

    @needs("http")
    def test_rate_limit(self, stream: str) -> None:
        """Retry-After is obeyed; where it is longer than a worker may be blocked, the engine is told."""
        key, connector = self.place.add(stream, self.text()), self.signed_in()
        for after in (7.0, None):
            self.slept.clear()
            rule = self.strike(self.place.limited(after), stream, times=1)
            found = said(connector, stream)
            assert self.proxy.struck(rule), "The harness's path() matches no request that reads the stream."
            assert key in found.records, "After a rate limit a record is missing from the read."
            waited = sum(self.slept)  # how long is left to chance where nobody says
            assert self.slept, "Nobody waited."
            assert waited >= (after or 0.0), f"Waited {waited:g} s, the system asked for {after}."
        self.strike(self.place.limited(LONG), stream)
        told = outcome(connector, stream)
        assert isinstance(told, RateLimited), f"A limit of an hour has to be handed on as RateLimited, got {told!r}."
        assert told.after is not None, "RateLimited has to say after how many seconds to come again."
        assert told.after > LONG / 2, f"RateLimited says {told.after:g} s, the system {LONG:g} s."

    @needs("http")
    def test_scope_failure(self, stream: str) -> None:
        """What the account may not see is a ScopeError, or a Failure of that part: not an empty stream."""
        self.place.add(stream, self.text())
        connector = self.signed_in()
        rule = self.strike(self.place.forbidden(), stream)
        found = outcome(connector, stream)
        assert self.proxy.struck(rule), "The harness's path() matches no request that reads the stream."
        if isinstance(found, Said):
            partial = [failure for failure in found.failures if isinstance(failure.error, ScopeError)]
            assert partial, "The account is refused, and the read says nothing of it: all would be called gone."
        else:
            assert isinstance(found, ScopeError), f"A refusal is a ScopeError, got {found!r}."

    def test_expired_cursor(self, stream: str) -> None:
        """A cursor that the system does not know any more is an ExpiredCursor, and a full read finds everything."""
        key, connector = self.place.add(stream, self.text()), self.signed_in()
        cursor = said(connector, stream).cursor
        if cursor is None:
            exempt("each read is a full one")
        old = self.place.worn_out(stream, cursor)
        if old is None:
            self._strike_cursor(stream)
        found = outcome(connector, stream, cursor if old is None else old)
        assert isinstance(found, ExpiredCursor), f"An expired cursor is an ExpiredCursor, got {found!r}."
        self.line.calm()
        full = said(connector, stream)
        assert full.complete, "The full read after an expired cursor ends with Complete."
        assert key in full.records, "The full read after an expired cursor lacks a record."

    def _strike_cursor(self, stream: str) -> None:
        if self.line.http is None:
            exempt("nothing says how its cursors expire; write the harness's worn_out()")
        self.strike(self.place.expired(), stream)


def _no_absence(name: str, found: object, *, whole: bool = False) -> None:
    """An error, or a read that says itself that something is missing; `whole`: or all of it, for what came too late."""
    if isinstance(found, Said):
        honest = bool(found.failures) or not found.complete or (whole and found.records)
        assert honest, f"{name}: the read is called complete, and everything else would be called gone."
    else:
        assert isinstance(found, TransientError | IncompleteRead | ScopeError), f"{name} ended the read with {found!r}."
