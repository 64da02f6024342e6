"""A recording as it may stand in a repository: without people and secrets, and still playable."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from landbridge.errors import RecordError
from landbridge.testing import csv_answers
from landbridge.testing.people import normal
from landbridge.testing.recording import SECRET, Exchange, Recording
from landbridge.testing.scrubbing import SYSTEM, Scrubber

_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", re.IGNORECASE)


def scrubbed(recording: Recording, scrubber: Scrubber) -> Recording:
    """The recording without people and secrets. Raises RecordError where one is left; nothing may be kept then."""
    for one in recording.exchanges:
        answer = csv_answers.rows(one.answer) if csv_answers.is_csv(one.headers, one.answer) else one.answer
        scrubber.learn([answer, dict(one.headers), one.asked])
        scrubber.learn(dict(parse_qsl(urlsplit(one.target).query)))
        scrubber.learn(unquote(one.target))
    shown = {name: value for name, value in recording.config.items() if value != SECRET}
    # A tenant's bare domain is an address, too: whoever reads it knows the company.
    named = [f"https://{one}" for one in shown.values() if isinstance(one, str) and _DOMAIN.fullmatch(one)]
    scrubber.learn([shown, named, *recording.natives])
    config = {**recording.config, **{name: _setting(scrubber, name, one) for name, one in shown.items()}}
    found = Recording(
        recording.connector, recording.stream, recording.kind, recording.key, config,
        tuple(_scrubbed(one, scrubber) for one in recording.exchanges),
        tuple(scrubber.data(one) for one in recording.natives),
    )  # fmt: skip
    if left := scrubber.left(found.text()):
        raise RecordError(
            f"The recording still holds {', '.join(sorted(set(left)))} of the real data; it is not kept.",
            remedy="Record from a test account, and tell Landbridge's authors.",
        )
    return found


def _setting(scrubber: Scrubber, name: str, value: Any) -> Any:
    """Without encryption connectors speak to this machine only, and none of them is told to speak to it in a replay."""
    found = scrubber.data(value, normal(name), asked=True)
    return found.replace(f"http://{SYSTEM}", f"https://{SYSTEM}") if isinstance(found, str) else found


def _scrubbed(one: Exchange, scrubber: Scrubber) -> Exchange:
    """The target without the system's host; what was asked is no prose."""
    parts = urlsplit(scrubber.url(one.target, asked=True))
    asked = scrubber.url(f"?{one.asked}", asked=True)[1:] if _is_form(one) else scrubber.data(one.asked, asked=True)
    table = csv_answers.is_csv(one.headers, one.answer)
    answer = csv_answers.replaced(one.answer, scrubber.data) if table else scrubber.data(one.answer)
    return Exchange(
        one.method, parts.path + (f"?{parts.query}" if parts.query else ""), one.status, asked,
        {name: scrubber.text(value) for name, value in one.headers.items()}, answer, one.sent,
    )  # fmt: skip


def _is_form(one: Exchange) -> bool:
    return isinstance(one.asked, str) and "urlencoded" in next(
        (value for name, value in one.sent.items() if name.lower() == "content-type"), ""
    )
