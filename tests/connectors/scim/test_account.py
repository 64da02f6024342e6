"""What the class says of itself, what a connection may be, and what no log may hold."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from connectors.scim.connector import Scim
from landbridge.connector import Connection, Finds
from landbridge.errors import AuthError, ConfigError, RateLimited, RecordError, TransientError
from landbridge.http import LocalThrottle
from landbridge.mapping import load_mapping
from tests.connectors.reading import natives_of
from tests.connectors.scim.acting import MAPPINGS, MARKER, NEW, connection, without_waiting
from tests.connectors.scim.provider import BASE, TOKEN, Provider


def test_every_mapping_example_holds_both_ways() -> None:
    for stream in Scim.streams():
        assert load_mapping(MAPPINGS / f"{stream}.yaml").run_examples() == []


def test_what_the_class_can_do() -> None:
    assert isinstance(Scim(Scim.Config.of(connection())), Finds)
    assert all(Scim.can_write("users", op) for op in ("create", "update", "disable", "enable", "delete"))
    assert all(Scim.can_write(stream, op) for stream in ("groups", "memberships") for op in ("create", "delete"))


@pytest.mark.parametrize("wrong", [{"tokens": "x"}, {"page_size": 0}, {"token_url": "https://x.example/token"}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"tokens|page_size|token_url") as caught:
        Scim.Config.of(connection(**wrong))
    assert TOKEN not in str(caught.value)


def test_a_rate_limit_is_waited_for_or_handed_on(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    slept: list[float] = []
    scim = Scim(Scim.Config.of(connection()), LocalThrottle(clock=lambda: sum(slept), sleep=slept.append))
    provider.busy = 1
    monthly = provider.add("Users", userName="anna")
    assert list(natives_of(scim, "users")) == [monthly]
    assert sum(slept) == pytest.approx(7)
    provider.busy = 99
    with pytest.raises(RateLimited):
        scim.disable_user(monthly, MARKER)


def test_check_says_what_may_be_read(provider: Provider, scim: Scim) -> None:
    assert scim.check().missing == ()
    assert "patch and filter" in scim.check().detail
    del provider.kept["Groups"]
    with pytest.raises(AuthError):
        Scim(Scim.Config.of(Connection("idp", "landbridge_scim", BASE, None, "wrong"))).check()


def test_no_secret_and_nobody_in_any_log(provider: Provider, scim: Scim, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scim.writer("users", "create")(NEW, MARKER)
        provider.lies.add("500")
        with pytest.raises((RecordError, TransientError)) as caught:
            scim.writer("users", "create")(NEW | {"emails": [], "enterprise": {}}, f"{MARKER}2")
        list(scim.read("users"))
    said = caplog.text + repr(caught.value) + repr(scim.config)
    assert TOKEN not in said
    assert "anna@" not in said
