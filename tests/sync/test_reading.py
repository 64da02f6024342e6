"""How a stream is read: pages, what is fetched ahead, races with writes, and a run that is interrupted."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from landbridge.connector import Checkpoint, Complete, Failure, Gone, Item, Record
from landbridge.errors import Declined, RecordError, TransientError
from landbridge.store import records, runs, setaside
from landbridge.sync import read
from landbridge.sync.ahead import ahead
from landbridge.sync.paging import SIZE, pages
from tests.sync.conftest import World

HR = ("hr", "people")


def person(key: str, **native: Any) -> Record:
    return Record(key, {"id": key, "number": key, "login": key, "active": True, **native})


@pytest.fixture
def says(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let hr say these items, or what the function yields."""

    def set_to(*items: Item | Callable[[], Iterator[Item]]) -> None:
        def reading(stream: str, cursor: Any = None) -> Iterator[Item]:
            for item in items:
                if callable(item):
                    yield from item()
                else:
                    yield item

        monkeypatch.setattr(world.hr, "read", reading)

    return set_to


def present(world: World, *keys: str) -> list[str]:
    with world.bridge.hub.read() as conn:
        return [key for key, one in records.look_up(conn, *HR, keys).items() if one.gone_at is None]


# Pages ------------------------------------------------------------------------------------------------------------


def test_a_page_ends_when_full_or_at_a_checkpoint_of_an_incremental_read() -> None:
    items: list[Item] = [person(str(number)) for number in range(SIZE + 1)]
    full = list(pages([*items, Checkpoint(1), *items[:2], Checkpoint(2), Complete()], None))
    assert [len(page.rows) for page in full] == [SIZE, 3]
    assert [(page.cursor, page.complete, page.last) for page in full] == [(None, False, False), (2, True, True)]
    since = list(pages([*items[:3], Checkpoint(1), *items[:2], Checkpoint(2)], 0))
    assert [(len(page.rows), page.cursor, page.last) for page in since] == [(3, 1, False), (2, 2, False), (0, 2, True)]


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    items = [person("1", given="A"), Gone("2"), person("2"), person("3"), Gone("3"), person("1", given="B")]
    [page] = pages(items, None)
    assert (set(page.rows), page.gone) == ({"1", "2"}, {"3"})
    assert page.rows["1"].native["given"] == "B"


# Ahead ------------------------------------------------------------------------------------------------------------


def test_items_come_in_order_and_the_error_at_its_place() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise TransientError("The connection broke.")

    got = []
    with pytest.raises(TransientError), ahead(source()) as items:
        for one in items:
            got.append(one)
    assert got == [0, 1, 2, 3, 4]


def test_who_stops_early_leaves_nothing_running() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1_000)
        finally:
            closed.set()

    with pytest.raises(ValueError, match="enough"), ahead(source()) as items:
        assert next(items) == 0
        raise ValueError("enough")
    assert closed.is_set()
    assert not [one for one in threading.enumerate() if one.name == "landbridge-ahead"]


def test_an_interruption_does_not_wait_for_a_slow_answer() -> None:
    answers = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        answers.wait(60)

    with pytest.raises(KeyboardInterrupt), ahead(source()) as items:
        next(items)
        raise KeyboardInterrupt
    waiting = [one for one in threading.enumerate() if one.name == "landbridge-ahead"]
    answers.set()
    assert waiting
    for one in waiting:
        one.join(10)


# Reading ----------------------------------------------------------------------------------------------------------


def test_what_we_write_during_a_full_read_is_not_called_gone(world: World, says: Callable[..., None]) -> None:
    says(person("1"), person("2"), Complete())
    read(world.bridge, *HR)

    def written_meanwhile() -> Iterator[Item]:
        with world.bridge.hub.begin() as conn:
            records.save_written(conn, *HR, "3", "person", "e", "copy", {"user_name": "3"}, None, b"x" * 16)
        yield Complete()

    says(person("1"), written_meanwhile)
    assert read(world.bridge, *HR, full=True).counts["gone"] == 1
    assert present(world, "1", "2", "3") == ["1", "3"]


def test_a_record_that_cannot_be_read_is_not_absent(world: World, says: Callable[..., None]) -> None:
    says(person("1"), person("2"), person("3"), Complete())
    read(world.bridge, *HR)
    says(person("1"), Failure("2", RecordError("It cannot be read.")), person("3", active="perhaps"), Complete())
    report = read(world.bridge, *HR, full=True)
    assert (report.counts["gone"], report.counts["set_aside"]) == (0, 2)
    says(person("1"), person("2"), person("3"), Complete())
    assert read(world.bridge, *HR, full=True).counts["set_aside"] == 0
    with world.bridge.hub.read() as conn:
        assert setaside.list(conn) == []


@pytest.mark.parametrize(("error", "stands"), [(RecordError, "failed"), (Declined, "declined")])
def test_8_what_stands_by_the_word_of_something_else_no_reading_of_the_record_settles(
    world: World, says: Callable[..., None], error: type[RecordError], stands: str
) -> None:
    """What was sent came back, and its report was removed since: what was sent reads as well as ever, until it is gone."""
    says(person("1"), person("2"), Failure("1", error("It came back."), again=False), Checkpoint(1), Complete())
    read(world.bridge, *HR)
    says(person("1"), person("2"), Checkpoint(2), Complete())
    for full in (False, True, True):
        read(world.bridge, *HR, full=full)
    for item in (person("1", active="perhaps"), Failure("1", RecordError("Not now.")), Gone("1")):
        says(item, Checkpoint(3))
        read(world.bridge, *HR)
    with world.bridge.hub.read() as conn:
        [found] = setaside.list(conn)
        assert setaside.due(conn, *HR) == []
    assert (found.key, found.reason, found.stands) == ("1", "It came back.", stands)


def test_what_was_never_sent_nobody_can_decline(world: World, says: Callable[..., None]) -> None:
    says(person("1"), Failure("9", Declined("No more."), again=False), Checkpoint(1), Complete())
    assert read(world.bridge, *HR).counts["declined"] == 0
    says(Failure("1", Declined("No more."), again=False), Checkpoint(2))
    assert read(world.bridge, *HR).reason.startswith("1 who were written to want no more")
    with world.bridge.hub.read() as conn:
        assert [one.key for one in setaside.list(conn)] == ["1"]


def test_created_and_deleted_between_two_reads(world: World, says: Callable[..., None]) -> None:
    says(person("1"), Checkpoint(1), Complete())
    read(world.bridge, *HR)
    says(person("4"), Gone("4"), Gone("1"), person("1", given="Back"), Checkpoint(2))
    assert read(world.bridge, *HR).as_dict()["counts"] == {"read": 1, "changed": 1}
    assert present(world, "1", "4") == ["1"]


def test_pages_without_news_write_nothing(world: World, says: Callable[..., None]) -> None:
    everyone = [person(str(number)) for number in range(3 * SIZE)]
    says(*everyone, Checkpoint(1), Complete())
    read(world.bridge, *HR)
    begin, begun = world.bridge.hub.begin, []

    def counted(**how: Any) -> Any:
        begun.append(1)
        return begin(**how)

    world.bridge.hub.begin = counted  # type: ignore[method-assign]
    report = read(world.bridge, *HR, full=True)
    world.bridge.hub.begin = begin  # type: ignore[method-assign]
    assert (report.counts["same"], report.reason) == (3 * SIZE, "Nothing new.")
    # Its start with the fence, the last page with the cursor and its end.
    assert len(begun) == 2


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_read_that_is_stopped_has_ended(world: World, says: Callable[..., None], stop: type[BaseException]) -> None:
    def stopped() -> Iterator[Item]:
        yield person("1")
        raise stop

    says(stopped)
    with pytest.raises(stop):
        read(world.bridge, *HR)
    with world.bridge.hub.read() as conn:
        [run] = runs.recent(conn, "hr/people")
        assert (run.state, run.reason) == ("failed", f"{stop.__name__}.")
        assert runs.cursor(conn, *HR) is None
    says(person("1"), person("2"), Checkpoint(1), Complete())
    assert read(world.bridge, *HR).counts["new"] == 2


def test_a_long_read_tells_how_far_it_is(
    world: World, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("landbridge.sync.reports.LISTENED", 0.0)
    monkeypatch.setattr("landbridge.sync.reports.LOGGED", 0.0)
    says(*(person(str(number)) for number in range(SIZE + 1)), Complete())
    told: list[str] = []
    read(world.bridge, *HR, tell=told.append)
    assert told == ["1,000 read, 1,000 new", "1,001 read, 1,001 new"]
    with caplog.at_level("INFO", "landbridge.sync"):
        read(world.bridge, *HR, full=True)
    assert caplog.messages == ["hr/people: 1,000 read so far.", "hr/people: 1,001 read so far."]


def test_the_collector_is_as_before_after_a_read(world: World, says: Callable[..., None]) -> None:
    before, during = gc.get_threshold(), []

    def looking() -> Iterator[Item]:
        during.append(gc.get_threshold()[0])
        yield Complete()

    says(person("1"), looking)
    read(world.bridge, *HR)
    assert during[0] > before[0]
    assert gc.get_threshold() == before
