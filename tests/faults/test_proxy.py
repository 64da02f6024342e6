"""The fault proxy itself, and what the HTTP client makes of every fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from landbridge.errors import ExpiredCursor, IncompleteRead, RateLimited, TransientError
from landbridge.http import Client, LinkPages, OffsetPages, Retries
from landbridge.testing import faults, page_faults
from landbridge.testing.exchange import Fault
from landbridge.testing.proxy import FaultProxy
from tests.faults.conftest import NotesServer

LINKS = LinkPages(items="notes", path="next")
COUNTED = LinkPages(items="notes", path="next", total="total")
ONCE = Retries(attempts=1)


def read(client: Client, pages: LinkPages | OffsetPages = LINKS) -> list[str]:
    return [one["id"] for page in client.pages("notes", pages) for one in page.items]


def test_everything_passes_and_links_stay_with_the_proxy(notes: NotesServer, proxy: FaultProxy, client: Client) -> None:
    notes.fill(7)
    assert read(client) == [str(n) for n in range(1, 8)]
    assert [(one.method, one.status, one.struck) for one in proxy.seen] == [("GET", 200, False)] * 3
    assert client.post("notes", json={"text": f"see {proxy.url}/notes"}).json()["text"] == f"see {proxy.url}/notes"
    assert notes.notes["8"]["text"] == f"see {notes.url}/notes"
    assert client.head("notes").headers["Content-Length"] == "12345"


@pytest.mark.parametrize(
    "fault",
    [
        faults.too_many(), faults.too_many(2), faults.too_many(2, as_date=True), faults.server_error(),
        faults.server_error(503), faults.html(), faults.reset(), faults.cut(), faults.cut(0), faults.wrong_length(),
        faults.wrong_length(-5), faults.silence(),
    ],
)  # fmt: skip
def test_a_read_survives_what_passes(notes: NotesServer, proxy: FaultProxy, client: Client, fault: Fault) -> None:
    notes.fill(7)
    rule = proxy.strike(fault, "GET", "/notes", nth=(2, 4))
    assert read(client) == [str(n) for n in range(1, 8)]
    assert proxy.struck(rule) == 2


@pytest.mark.parametrize(("fault", "seconds"), [
    (faults.too_many(7), 7), (faults.too_many(7, as_date=True), 7),
])  # fmt: skip
def test_retry_after_is_obeyed(
    notes: NotesServer, proxy: FaultProxy, client: Client, slept: list[float], fault: Fault, seconds: float
) -> None:
    notes.fill(1)
    proxy.strike(fault, nth=1)
    assert read(client) == ["1"]
    assert sum(slept) == pytest.approx(seconds, abs=1)


LOSING = [
    faults.server_error(), faults.server_error(500), faults.reset(), faults.silence(), faults.html(), faults.cut(0),
]  # fmt: skip


@pytest.mark.parametrize("fault", LOSING)
def test_a_write_whose_answer_is_lost_is_uncertain_and_not_sent_again(
    notes: NotesServer, proxy: FaultProxy, client: Client, fault: Fault
) -> None:
    proxy.strike(faults.applied(fault), "POST")
    with pytest.raises(TransientError) as caught:
        client.post("notes", json={"text": "once"}).json()
    assert caught.value.uncertain
    assert len(notes.notes) == len(proxy.asked("POST")) == 1


@pytest.mark.parametrize("fault", [faults.cut(), faults.wrong_length(), faults.wrong_length(-3)])
def test_a_write_whose_answer_is_half_is_uncertain(
    notes: NotesServer, proxy: FaultProxy, client: Client, fault: Fault
) -> None:
    proxy.strike(fault, "POST")
    with pytest.raises(TransientError) as caught:
        client.post("notes", json={"text": "once"}).json()
    assert caught.value.uncertain
    assert len(notes.notes) == 1


def test_a_write_that_may_be_repeated_is(notes: NotesServer, proxy: FaultProxy, client: Client) -> None:
    proxy.strike(faults.applied(faults.reset()), "PUT", times=2)
    assert client.put("notes/9", json={"text": "new"}).json()["text"] == "new"
    assert [one.status for one in proxy.asked("PUT")] == [200, 200, 200]


def test_a_write_that_was_limited_is_sent_again(notes: NotesServer, proxy: FaultProxy, client: Client) -> None:
    proxy.strike(faults.too_many(1), "POST", times=2)
    assert client.post("notes", json={"text": "once"}).json()["id"] == "1"
    assert [one.status for one in proxy.asked("POST")] == [None, None, 201]


def test_a_limit_without_end_is_told(notes: NotesServer, proxy: FaultProxy, make: Callable[..., Client]) -> None:
    proxy.strike(faults.too_many(3))
    with pytest.raises(RateLimited) as caught:
        read(make(retries=ONCE))
    assert caught.value.after == 3


@pytest.mark.parametrize(
    ("fault", "pages"),
    [
        (page_faults.Turning(), LINKS), (page_faults.Turning(2), LINKS), (faults.ignore("from"), LINKS),
        (page_faults.half("notes"), COUNTED), (page_faults.empty("notes"), COUNTED),
        (faults.ignore("from"), OffsetPages(items="notes", param="from", size_param="", size=3)),
        (page_faults.Turning(2), OffsetPages(items="notes", param="from", size_param="", size=3)),
    ],
)  # fmt: skip
def test_a_read_that_is_not_whole_is_no_success(
    notes: NotesServer, proxy: FaultProxy, client: Client, fault: Fault, pages: Any
) -> None:
    notes.fill(9)
    proxy.strike(fault, "GET", "/notes")
    with pytest.raises(IncompleteRead):
        read(client, pages)


def test_an_expired_cursor_has_a_name(notes: NotesServer, proxy: FaultProxy, client: Client) -> None:
    proxy.strike(faults.expired(), "GET")
    with pytest.raises(ExpiredCursor):
        read(client)


def test_a_slow_answer_is_still_an_answer(notes: NotesServer, proxy: FaultProxy, client: Client) -> None:
    notes.fill(3)
    proxy.strike(faults.drip(0.005))
    assert read(client) == ["1", "2", "3"]


def test_lists_come_shuffled_and_doubled(notes: NotesServer, proxy: FaultProxy, client: Client) -> None:
    notes.fill(3)
    proxy.strike(page_faults.shuffled("notes", seed=1), nth=1)
    assert sorted(read(client)) == ["1", "2", "3"]
    proxy.calm()
    proxy.strike(page_faults.doubled("notes"), nth=1)
    assert read(client) == ["1", "2", "3"] * 2


def test_no_rule_inherits_the_strikes_of_one_that_is_gone(
    notes: NotesServer, proxy: FaultProxy, client: Client
) -> None:
    """Python gives the id of an object that is gone to the next one."""
    notes.fill(1)
    with FaultProxy(notes.url) as other:
        for _ in range(50):
            proxy.strike(faults.server_error(), "GET", "/notes", nth=1)
            read(client)
            proxy.calm()
            assert proxy.struck(other.strike(faults.server_error())) == 0
            other.calm()


def test_a_server_normalises_and_its_clock_is_wrong(notes: NotesServer, proxy: FaultProxy, client: Client) -> None:
    proxy.strike(faults.normalise("text"), "POST")
    assert client.post("notes", json={"text": "Hello"}).json()["text"] == "HELLO"
    proxy.strike(faults.wrong_clock(3600), "GET")
    answer = client.get("notes")
    assert answer.json()["notes"][0]["changed"] == "2026-03-01T11:00:00Z"


def test_chance_is_the_same_for_the_same_seed(notes: NotesServer, make: Callable[..., Client]) -> None:
    def struck(seed: int) -> list[bool]:
        with FaultProxy(notes.url, seed=seed) as proxy, Client(proxy.url) as client:
            proxy.strike(faults.drip(0), chance=0.5)
            for _ in range(20):
                client.get("notes")
            return [one.struck for one in proxy.seen]

    assert struck(1) == struck(1) != struck(2)
    assert 3 < sum(struck(1)) < 17


def test_a_server_that_is_gone_is_a_broken_connection(make: Callable[..., Client]) -> None:
    with (
        FaultProxy("http://127.0.0.1:1") as proxy,
        Client(proxy.url, retries=ONCE) as client,
        pytest.raises(TransientError),
    ):
        client.get("notes")
