"""What all connectors share: marks, records, cursors, and what a read and a check end with."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from landbridge.connector import (
    Account,
    Checkpoint,
    Complete,
    ConnectionConfig,
    Connector,
    Failure,
    Gone,
    Item,
    Native,
    Record,
    Since,
    Stream,
    apart,
    done_already,
    ended,
    if_there,
    in_doubt,
    kept,
    makes,
    needed,
    reads,
    time_of,
    used_streams,
    writes,
)
from landbridge.connector.cursors import lies_ahead, shifted
from landbridge.errors import ConfigError, ExpiredCursor, NotFound, RecordError, ScopeError, TransientError
from landbridge.http import Answer, Client, SinglePage

HOST = "https://shop.example.org"
NEEDS = {"orders": ("orders:read", "orders:write"), "people": ("people:read",)}


class Shop(Connector):
    system = "shop"
    # The lag is that of Since: two minutes.
    able = True
    orders = Stream("orders", ("id",), "case", SinglePage(), Since("changed", param="since"))
    returns = Stream("returns", ("id",), "case")
    people = Stream("people", ("id",), "person")

    def since_of(self, stream: Stream) -> Since | None:
        return stream.since if self.able else None

    def make_client(self) -> Client:
        return Client(self.config.host)

    @makes(people)
    def person(self, raw: Native) -> Native:
        return {"id": raw["id"], "host": self.config.host}

    @makes(orders, returns)
    def order(self, stream: Stream, raw: Native) -> Record | Gone:
        if raw.get("removed"):
            return Gone(stream.key_of(raw))
        if raw.get("sealed"):
            raise RecordError("It is sealed.")
        return Record(raw["id"], {"id": raw["id"], "text": raw["text"].strip()}, raw.get("mark"))

    @reads(returns, people)
    def read_all(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        yield Record(stream.name, {"cursor": cursor})

    @writes((orders, returns), "update")
    def update(self, stream: Stream, key: str, changes: Native, marker: str, version: str = "") -> Native:
        return {"stream": stream.name, "key": key, "version": version}

    @writes(people, "delete")
    def delete_person(self, key: str, marker: str) -> None:
        self.client.remove("people/{key}", path_params={"key": key})


@pytest.fixture
def shop() -> Iterator[Shop]:
    connector = Shop(ConnectionConfig(host=HOST))
    yield connector
    connector.close()


def answer(body: bytes, method: str = "GET") -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, body, method=method, where=f"{method} shop/orders")


def test_a_method_marked_for_several_streams_is_told_which(shop: Shop) -> None:
    assert [list(shop.read(name, 7)) for name in ("returns", "people")] == [
        [Record("returns", {"cursor": 7})],
        [Record("people", {"cursor": 7})],
    ]
    assert Shop.can_write("orders", "update") and Shop.can_write("returns", "update")
    assert not Shop.can_write("people", "update") and Shop.can_write("people", "delete")
    assert shop.writer("returns", "update")("1", {}, "m", version="2") == {
        "stream": "returns",
        "key": "1",
        "version": "2",
    }
    assert shop.takes_version("orders")


def test_reading_and_reading_back_make_the_same_record(shop: Shop) -> None:
    raw, told = {"id": "1", "text": " two lots ", "mark": "m1"}, b'{"id": "1", "text": " two lots "}'
    assert shop.item(Shop.orders, raw) == Record("1", {"id": "1", "text": "two lots"}, "m1")
    assert shop.native_of(Shop.orders, answer(told)) == {"id": "1", "text": "two lots"}
    assert shop.native_of(Shop.orders, answer(b'{"id": "1"}'), text="added")["text"] == "added"
    assert shop.item(Shop.orders, raw | {"removed": True}) == Gone("1")
    assert shop.item(Shop.people, raw) == Record("1", {"id": "1", "host": HOST})
    with pytest.raises(NotFound):
        shop.native_of(Shop.orders, answer(b'{"id": "1", "removed": true}'))


def test_one_record_of_another_shape_is_a_failure_with_its_key(shop: Shop) -> None:
    for raw, key, said in (({"id": "1"}, "1", "KeyError"), ({"id": "1", "text": 7}, "1", "AttributeError"),
                           ({"text": "x"}, None, "no id")):  # fmt: skip
        found = shop.item(Shop.orders, raw)
        assert isinstance(found, Failure) and found.key == key
        assert isinstance(found.error, RecordError) and said in str(found.error)


def test_a_record_that_the_connector_refuses_is_set_aside_by_its_reason(shop: Shop) -> None:
    found = shop.item(Shop.orders, {"id": "1", "sealed": True})
    assert isinstance(found, Failure) and (found.key, str(found.error)) == ("1", "It is sealed.")


@pytest.mark.parametrize(("text", "before"), [
    ("2020-03-01T10:00:00Z", "2020-03-01T09:58:00Z"),
    ("2020-03-01 10:00:00", "2020-03-01 09:58:00"),
    ("2020-03-01T10:00:00.5+02:00", "2020-03-01T09:58:00.500000+02:00"),
    ("20200301T100000Z", "2020-03-01T09:58:00Z"),
    ("2020-03-01", "2020-02-29"),
    ("1583056800.25", "1583056800.25"),
])  # fmt: skip
def test_a_time_is_shifted_in_the_form_of_its_system(text: str, before: str) -> None:
    assert shifted(text, lambda moment: moment - timedelta(minutes=2)) == before
    assert shifted(text, lambda moment: moment) == text


def test_an_account_that_cannot_ask_for_changes_reads_in_full_each_time(shop: Shop) -> None:
    shop.able = False
    with responses.RequestsMock() as mock:
        mock.get(f"{HOST}/orders", json=[{"id": "1", "text": "a", "changed": "2020-03-01T10:00:00Z"}])
        assert [type(item) for item in shop.read("orders")] == [Record, Complete]
        list(shop.read("orders", {"since": "2020-03-01T10:00:00Z"}))
        assert all(not call.request.params for call in mock.calls)


@pytest.mark.parametrize(("method", "doubt"), [("GET", False), ("POST", True)])
@pytest.mark.parametrize("body", [b'{"id": "1", "text": ["Anna"]}', b'{"text": "Anna"}', b'["Anna"]'])
def test_an_answer_that_is_no_record_says_so_and_leaves_a_doubt_after_a_write(
    shop: Shop, method: str, doubt: bool, body: bytes
) -> None:
    with pytest.raises(TransientError) as caught:
        shop.native_of(Shop.orders, answer(body, method))
    assert caught.value.uncertain is doubt
    assert "Anna" not in str(caught.value) and caught.value.__context__ is None


def test_a_generic_read_asks_from_before_the_newest_and_goes_on_from_it(shop: Shop) -> None:
    rows = [{"id": "1", "text": "a", "changed": "2020-03-01T10:00:00Z"}, {"id": "2", "text": "b", "changed": None}]
    with responses.RequestsMock() as mock:
        mock.get(f"{HOST}/orders", json=rows)
        mock.get(f"{HOST}/orders", json=[])
        *records, following, complete = shop.read("orders")
        assert [one.key for one in records if isinstance(one, Record)] == ["1", "2"]
        assert following == Checkpoint({"since": "2020-03-01T10:00:00Z"}) and complete == Complete()
        quiet = list(shop.read("orders", following.cursor))
        assert mock.calls[1].request.params == {"since": "2020-03-01T09:58:00Z"}
    # However often nothing is new, it does not go back further than the lag.
    assert quiet[-1] == following


@pytest.mark.parametrize("ahead", ["2199-01-01T00:00:00Z", "2199-01-01 00:00:00", "2199-01-01T00:00:00.000+0000"])
def test_what_is_dated_in_the_future_does_not_take_the_cursor_along(shop: Shop, ahead: str) -> None:
    times = ["2020-03-01T10:00:00Z", ahead, "2020-03-01T11:00:00Z"]
    with responses.RequestsMock() as mock:
        mock.get(
            f"{HOST}/orders", json=[{"id": str(at), "text": "a", "changed": time} for at, time in enumerate(times)]
        )
        *records, following, _ = shop.read("orders")
    assert len(records) == 3 and following == Checkpoint({"since": "2020-03-01T11:00:00Z"})


def test_a_clock_that_is_ahead_is_no_future() -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    assert lies_ahead(soon, 0.0) and not lies_ahead(soon, 1800.0)
    assert not any(lies_ahead(text, 0.0) for text in ("", "17", "2020-03-01", datetime.now(UTC).isoformat()))


def test_what_has_no_time_of_change_is_read_in_full_again(shop: Shop) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{HOST}/orders", json=[{"id": "1", "text": "a"}])
        assert list(shop.read("orders")) == [Record("1", {"id": "1", "text": "a"}), Complete()]


@pytest.mark.parametrize("strange", [{}, {"since": None}, {"since": 7}, {"after": "x"}, "x", 7])
def test_a_cursor_of_another_kind_is_expired(shop: Shop, strange: Any) -> None:
    with pytest.raises(ExpiredCursor):
        kept(strange, "since", str)
    with pytest.raises(ExpiredCursor):
        list(shop.read("orders", strange))


def test_what_is_kept_in_a_cursor_comes_back() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    cursor = {"since": moment.isoformat(), "rooms": ["a"], "count": 3}
    assert kept(cursor, "since", datetime) == time_of(cursor["since"]) == moment
    assert (kept(cursor, "rooms", list), kept(cursor, "count", int), kept(None, "count", int)) == (["a"], 3, None)
    for wrong in ("yesterday", 7):
        with pytest.raises(ExpiredCursor):
            kept({"since": wrong}, "since", datetime)


def test_only_a_full_read_ends_complete() -> None:
    assert list(ended(None, {"since": 1})) == [Checkpoint({"since": 1}), Complete()]
    assert list(ended({"since": 1}, {"since": 2})) == [Checkpoint({"since": 2})]
    assert list(ended(None, None)) == [Complete()]
    assert list(ended({}, None)) == []


def test_what_the_account_lacks_is_told_of_the_streams_that_it_is_meant_to_use() -> None:
    assert used_streams(NEEDS, {"orders:read"}) == ["orders"]
    assert Account.of("shop", NEEDS, {"orders:read"}) == Account("shop", ("orders:write",), "May read orders.")
    everything = Account.of("shop", NEEDS, set(), ["a field", "a field"])
    assert everything.missing == ("orders:read", "orders:write", "people:read", "a field")
    assert everything.detail == "May read none of the streams."


def test_what_fails_after_a_write_is_uncertain() -> None:
    with pytest.raises(TransientError) as caught, in_doubt():
        raise TransientError("down")
    assert caught.value.uncertain


def room(refusal: Exception | None) -> Generator[Item, None, str]:
    yield Gone("1")
    if refusal:
        raise refusal
    return "from here"


def test_a_part_that_may_not_be_seen_keeps_nobody_from_the_others() -> None:
    def all_rooms(*refusals: Exception | None) -> Iterator[Any]:
        for refusal in refusals:
            yield (yield from apart(room(refusal)))

    refusal = ScopeError("put out")
    assert list(all_rooms(refusal, None)) == [Gone("1"), Failure(None, refusal), None, Gone("1"), "from here"]
    with pytest.raises(TransientError):
        list(all_rooms(TransientError("down")))


def test_gone_already_is_deleted(shop: Shop) -> None:
    with responses.RequestsMock() as mock:
        mock.delete(f"{HOST}/people/1", status=404)
        mock.get(f"{HOST}/people/1", status=404)
        shop.writer("people", "delete")("1", "m")
        assert shop.client.find("people/{key}", path_params={"key": "1"}) is None
        mock.get(f"{HOST}/people/2", json={"id": "2"})
        found = shop.client.find("people/2")
        assert found and found.part("id", str) == "2"


def test_every_client_that_was_made_is_closed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Client] = []
    monkeypatch.setattr(Client, "close", lambda client: closed.append(client))
    shop.close()
    assert closed == []
    other = Client(HOST)
    shop.__dict__["other"] = other
    made = shop.client
    shop.close()
    assert closed == [other, made]


def test_what_a_connection_may_leave_out_is_asked_for_where_it_is_needed() -> None:
    assert needed("x", "Nothing can be sent.", "Say smtp.") == "x"
    with pytest.raises(ConfigError, match=r"^Nothing can be sent\. Say smtp\.$"):
        needed(None, "Nothing can be sent.", "Say smtp.")


def test_a_refusal_may_say_that_nothing_was_left_to_do(shop: Shop) -> None:
    with responses.RequestsMock() as mock:
        mock.post(f"{HOST}/orders", status=409, json={"error": "already_there"})
        with done_already("already_there"):
            shop.client.post("orders", json={})
        with pytest.raises(RecordError) as caught, done_already("already_gone"):
            shop.client.post("orders", json={})
    assert caught.value.code == "already_there"


def test_what_is_not_there_is_none_and_every_other_error_passes() -> None:
    def ask(error: Exception | None) -> str:
        if error:
            raise error
        return "there"

    assert (if_there(ask, None), if_there(ask, error=NotFound("gone"))) == ("there", None)
    with pytest.raises(ScopeError):
        if_there(ask, ScopeError("closed"))
