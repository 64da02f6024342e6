"""Conformance: the connection, the account, the mappings, and what no log may hold."""

from __future__ import annotations

import logging
import traceback

import pytest

from landbridge.connector import Connection, Connector
from landbridge.errors import AuthError, ConfigError, LandbridgeError
from landbridge.testing import faults
from landbridge.testing.suite import WRITES, Suite, outcome

# Fields of a Connection; everything else of a Config comes from its extra.
OWN = ("host", "login", "password")


class AccountSuite(Suite):
    """What is asked of a connector before it reads anything."""

    def test_exemptions(self) -> None:
        """Each names a check or a stream that there is, and says why."""
        checks = {name.removeprefix("test_") for name in dir(self) if name.startswith("test_")}
        streams = set(self.harness.able().streams())
        for name, reason in self.harness.exempt.items():
            stream, _, check = name.rpartition(".")
            known = (stream in streams and check in checks) if stream else check in streams | checks
            assert known, f"exempt: {name!r} is no check (one of {', '.join(sorted(checks))}) and no stream."
            assert len(reason.split()) > 2, f"exempt: {name!r} has to say why."

    def test_account(self) -> None:
        """`check()` names the account, and misses no permission that the README asks for."""
        account = self.connect().check()
        assert account.name, "check() returns an Account with the account's name."
        assert not account.missing, f"check() misses {', '.join(account.missing)} of the harness's account."

    def test_unknown_keys(self) -> None:
        """A mistyped key of a connection is refused by its name, and the error shows no value."""
        config = self.config()
        given = {name: config.get(name) for name in OWN}
        extra = {name: value for name, value in config.items() if name not in OWN} | {"no_such_key": 1}
        with pytest.raises(ConfigError, match="no_such_key") as caught:
            self.harness.connector.Config.of(Connection("tried", "tried", **given, extra=extra))
        self._clean(str(caught.value))

    def test_auth_failure(self) -> None:
        """Credentials that the system refuses are an AuthError, when asked and when read: a person has to act."""
        wrong = self.place.wrong_secrets(self.config())
        assert wrong != self.config(), "The Config has no SecretStr; say in wrong_secrets() what would be wrong."
        told = _refusal(self.connect(**wrong))
        assert isinstance(told, AuthError), f"check() with wrong credentials ended with {told!r}, not an AuthError."
        for stream in self.harness.able().streams():
            found = outcome(self.connect(**wrong), stream)
            assert isinstance(found, AuthError), f"{stream}: reading with wrong credentials ended with {found!r}."

    def test_mapping(self, stream: str) -> None:
        """Every stream has a mapping of its kind, with examples that hold both ways."""
        mapping = self.mapping(stream)
        assert mapping is not None, f"{stream} has no mapping; the harness's `mappings` says where they are."
        assert mapping.kind == self.stream(stream).kind, f"{mapping.file}: write `kind: {self.stream(stream).kind}`."
        problems = mapping.run_examples()
        assert not problems, " ".join(problems)

    def test_secrets_never_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        """Neither a secret nor what people wrote is in a log, an error or a repr, whatever goes wrong."""
        caplog.set_level(logging.DEBUG)
        connector = self.signed_in()
        for stream in connector.streams():
            if not self.reason("", stream, ()):
                self._provoke(stream)
        self._clean(repr(connector.config) + repr(connector))
        self._clean("\n".join(record.getMessage() for record in caplog.records))

    def _provoke(self, stream: str) -> None:
        text = self.text("Confidential")
        self.place.add(stream, text)
        self._told(outcome(self.connect(**self.place.wrong_secrets(self.config())), stream), text)
        if self.line.tcp is not None:
            for count in (0, 1, 100, 1000):
                self.line.tcp.reset_after(count)
                self._told(outcome(self.connect(), stream), text)
                self.line.tcp.restore()
        if self.line.http is None:
            return
        bodies = text.encode(), b'{"error": "%s"}' % text.encode()
        for fault in (
            None,
            faults.reset(),
            *(faults.refuse(status, body) for status in (400, 401, 403, 500) for body in bodies),
        ):
            self.proxy.calm()
            connector = self.signed_in()
            if fault is not None:
                self.strike(fault, stream)
                self.proxy.strike(fault, WRITES)
            self._told(outcome(connector, stream), text)
            if connector.can_write(stream, "create"):
                try:
                    connector.writer(stream, "create")(self.place.native(stream, text), self.marker())
                except LandbridgeError as error:
                    self._told(error, text)

    def _told(self, found: object, text: str) -> None:
        if isinstance(found, LandbridgeError):
            # The last frames are of this suite; their source lines hold no values.
            self._clean("".join(traceback.format_exception(found)), text)

    def _clean(self, said: str, text: str = "Confidential") -> None:
        for secret in self.place.secrets(self.config()):
            assert secret not in said, "A secret of the connection is in a log, an error or a repr."
        assert text not in said, f"What people wrote is in a log, an error or a repr: {text!r}."


def _refusal(connector: Connector) -> object:
    """What comes of asking for the account."""
    try:
        return connector.check()
    except LandbridgeError as error:
        return error
