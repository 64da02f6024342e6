"""Slack's refusals and limits, and that nobody's secret is told."""

from __future__ import annotations

import logging
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.slack.api import LIMITS
from connectors.slack.connector import Slack
from landbridge.errors import (
    AuthError,
    ExpiredCursor,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import LocalThrottle, Throttle
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply, serving
from sandbox.emulators.slack import Slack as Emulator
from tests.connectors import vendor
from tests.connectors.reading import natives_of
from tests.connectors.slack.workshop import TOKEN, Workshop


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "invalid_auth"}, AuthError), ({"error": "token_revoked"}, AuthError),
        ({"error": "missing_scope", "needed": "users:read"}, ScopeError), ({"error": "channel_not_found"}, NotFound),
        ({"error": "invalid_cursor"}, ExpiredCursor), ({"error": "fatal_error"}, TransientError),
        ({"error": "something_new"}, RecordError), ({}, TransientError), ([], TransientError),
    ],
)  # fmt: skip
def test_refusals_with_a_200_are_errors(
    shop: Workshop, slack: Slack, answer: Any, error: type[LandbridgeError]
) -> None:
    told = {"ok": False, **answer} if isinstance(answer, dict) else answer
    shop.emulator.script("/api/users.list", *[Reply(told)] * 5)
    with pytest.raises(error) as caught:
        list(slack.read("users"))
    if "needed" in answer:
        assert "users:read" in str(caught.value)


def test_a_rate_limit_is_waited_for_or_handed_on(shop: Workshop, slack: Slack) -> None:
    over = Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "3"})
    shop.emulator.script("/api/users.list", over, over)
    assert natives_of(slack, "users")
    shop.emulator.script(
        "/api/users.list", *[Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "900"})] * 2
    )
    with pytest.raises(RateLimited) as caught:
        list(slack.read("users"))
    assert caught.value.after is not None
    assert caught.value.after > 800


def test_slacks_tiers_are_kept_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_795_000_000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    patient = partial(LocalThrottle, clock=lambda: now[0], sleep=sleep)
    monkeypatch.setattr("landbridge.connector.base.LocalThrottle", patient)
    emulator = Emulator(token=TOKEN, clock=lambda: now[0])
    emulator.seed(halbrueck())
    with serving(emulator) as url:
        shop = Workshop(emulator, url)
        slack = shop.connector()
        seen = vendor.exchanges(emulator)
        for _ in range(30):
            list(slack.read("users"))
        for number in range(80):
            slack.create_message({"channel": shop.entered()[number % 2], "text": "x"}, str(number))
        for _ in range(20):
            list(slack.read("messages"))
        slack.close()
    assert len(seen) > 200
    assert {reply.status for _, reply in seen} == {200}


def test_every_method_that_is_called_has_a_limit() -> None:
    folder = Path(__file__).parents[3] / "connectors" / "slack"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    called = set(re.findall(r'(?:tell\(|_mark\(|api/)"?([a-z]\w+(?:\.\w+)+)', code))
    assert len(called) > 25
    assert {f"api/{method}" for method in called} <= LIMITS.keys()


def test_an_app_of_the_marketplace_rules_is_slowed_down_and_told(
    shop: Workshop, slack: Slack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, float, float]] = []
    given = slack.throttle.of

    def of(part: str, rate: float, burst: float = 1.0) -> Throttle:
        asked.append((part, rate, burst))
        return given("unlimited", math.inf)

    monkeypatch.setattr(slack.throttle, "of", of)
    for number in range(40):
        shop.space.say(shop.channel, shop.people[0], f"{number}")
    shop.emulator.narrow = True
    monkeypatch.setattr(shop.emulator.limits, "wait", lambda *call: 0.0)
    with caplog.at_level(logging.WARNING, "landbridge.slack"):
        assert len(natives_of(slack, "messages")) > 40
        assert len(natives_of(slack, "messages")) > 40
    assert ("api/conversations.history slow", 1 / 60, 1.0) in asked
    assert caplog.text.count("conversations.history") == 1
    assert "Marketplace" in caplog.text


def test_no_secret_and_no_text_in_any_log(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    said = shop.space.say(shop.channel, shop.people[0], "c0nfidential")
    with caplog.at_level(logging.DEBUG):
        slack = shop.connector()
        list(slack.read("messages"))
        slack.close()
        wrong = shop.connector("xoxb-wr0ng")
        with pytest.raises(AuthError) as caught:
            wrong.check()
        wrong.close()
    for secret in (TOKEN, "xoxb-wr0ng", "c0nfidential", said["ts"], shop.channel):
        assert secret not in caplog.text
        assert secret not in str(caught.value)
