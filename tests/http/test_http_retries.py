"""What is asked again, what is not, and what is left in doubt."""

from __future__ import annotations

import io
import socket

import pytest

from landbridge.errors import NotFound, RateLimited, TransientError
from landbridge.http import Client, Limit, LinkPages, LocalThrottle, Retries, SinglePage


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_what_may_be_repeated_is(server, client, slept, method):
    server.says(500)
    server.says(fault="drop")
    server.says(429)
    server.says(502)
    assert client.request(method, "x").status == 200
    assert len(server.seen) == 5


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("fault", ["500", "503", "drop", "slow", "short", "reset"])
def test_an_uncertain_write_is_not_repeated(server, make, reply, method, fault):
    server.default = reply(int(fault)) if fault.isdigit() else reply(fault=fault)
    client = make(timeout=(1, 0.15))
    with pytest.raises(TransientError) as caught:
        client.request(method, "x", json={})
    assert caught.value.uncertain and len(server.seen) == 1


def test_a_write_is_repeated_where_it_was_surely_not_applied(server, client, slept):
    server.says(429)
    server.says(429, Retry_After="2")
    server.says(503, Retry_After="4")
    assert client.post("x").status == 200
    assert len(server.seen) == 4 and {2, 4} <= set(slept)


def test_a_write_that_the_system_applies_once_is_repeated(server, client):
    server.says(500)
    server.says(fault="reset")
    assert client.post("x", safe=True).status == 200


def test_a_put_declared_unsafe_is_not_repeated(server, client):
    server.says(500)
    with pytest.raises(TransientError) as caught:
        client.put("x", safe=False)
    assert caught.value.uncertain


def test_doubt_about_an_early_attempt_stays(server, client):
    server.says(500)
    server.says(409)
    with pytest.raises(TransientError) as caught:
        client.put("x")
    assert caught.value.uncertain
    server.says(500)
    for _ in range(4):
        server.says(429)
    with pytest.raises(RateLimited) as limited:
        client.put("x")
    assert limited.value.uncertain


def test_a_delete_that_was_applied_before_ends_as_not_found(server, client):
    server.says(500)
    server.says(404)
    with pytest.raises(NotFound):
        client.delete("x")


def test_what_to_do_is_said_when_it_is_given_up_and_not_at_every_try(slept, caplog):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}", retries=Retries(sleep=slept.append))
    with client, pytest.raises(TransientError) as caught:
        client.get("x")
    assert caught.value.remedy == "See whether it runs, and whether the connection's host is right."
    tries = [one.getMessage() for one in caplog.records if "Trying again" in one.getMessage()]
    assert tries and all("no connection" in one and "See whether" not in one for one in tries)


def test_a_refused_connection_is_tried_again_also_by_a_write(slept):
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}", retries=Retries(sleep=slept.append))
    with client, pytest.raises(TransientError, match="refused") as caught:
        client.post("x")
    assert not caught.value.uncertain and len(slept) == 4


def test_an_unknown_host_is_no_certain_end(slept):
    client = Client("http://nowhere.invalid", retries=Retries(attempts=2, sleep=slept.append))
    with client, pytest.raises(TransientError) as caught:
        client.get("x")
    assert not caught.value.uncertain and len(slept) == 1


def test_backoff_grows_with_jitter_and_ends(server, client, slept, reply):
    server.default = reply(500)
    with pytest.raises(TransientError):
        client.get("x")
    assert len(server.seen) == 5 and len(slept) == 4
    assert all(wait <= 0.5 * 2**n for n, wait in enumerate(slept))


def test_patience_ends_the_waiting(server, client, slept):
    server.says(429, Retry_After="3600")
    with pytest.raises(RateLimited) as caught:
        client.get("x")
    assert caught.value.after == 3600 and not slept


def test_patience_counts_all_waits_of_a_call(server, client, slept, reply):
    server.default = reply(429, headers={"Retry-After": "50"})
    with pytest.raises(RateLimited):
        client.get("x")
    assert len(server.seen) == 3


def test_after_a_long_wait_other_calls_do_not_block_either(server, client):
    server.says(429, Retry_After="3600")
    for _ in range(2):
        with pytest.raises(RateLimited):
            client.get("x")
    assert len(server.seen) == 1


def test_a_limit_of_one_kind_of_call_holds_for_that_kind_only(server, make, slept):
    client = make(throttle=LocalThrottle(patience=10, sleep=slept.append), limits={"x": Limit(1)})
    server.says(429, Retry_After="3600")
    for _ in range(2):
        with pytest.raises(RateLimited):
            client.get("x")
    assert client.get("y").status == 200
    with pytest.raises(RateLimited):
        next(iter(client.pages("x", SinglePage(items="a"))))
    assert [seen.path for seen in server.seen] == ["/x", "/y"]
    assert not slept


def test_limits_are_chosen_by_method_path_and_a_value_of_the_call(server, make):
    asked = []

    class Watched(LocalThrottle):
        def of(self, part, rate, burst=1.0):
            asked.append((part, rate, burst))
            return super().of(part, rate, burst)

    limits = {
        "POST {room}/posts": Limit(1, by="room", name="post"),
        "POST say": Limit(1, by="room", name="post"),
        "list": Limit.within(60, 20, at_once=5),
    }
    client = make(throttle=Watched(sleep=lambda _: None), limits=limits)
    client.post("{room}/posts", path_params={"room": "a"}, json=["x"])
    client.post("say", json={"room": "a"})
    client.get("{room}/posts", path_params={"room": "a"})
    client.get("list", params={"room": "a"})
    assert asked == [("post a", 1, 1.0), ("post a", 1, 1.0), ("list", 0.25, 5)]
    client.limits["list"] = Limit(1 / 60, name="slower list")
    next(iter(client.pages("list", SinglePage(optional=True, items="a"))))
    assert asked[3:] == [("slower list", 1 / 60, 1.0)]


def test_what_every_call_says_may_be_said_otherwise_and_is_no_part_of_links(server, make):
    client = make(params={"as": "bot"})
    client.get("x", params={"n": 1})
    client.post("x", params={"as": "anna"}, json={})
    client.get(f"{server.url}/x?n=2")
    server.says(body={"a": [], "next": "/x?n=3"})
    list(client.pages("x", LinkPages(items="a", path="next", optional=True)))
    asked = [{"n": "1", "as": "bot"}, {"as": "anna"}, {"n": "2"}, {"as": "bot"}, {"n": "3"}]
    assert [seen.query for seen in server.seen] == asked


def test_json_is_sent_under_the_type_that_the_client_names_and_nothing_else_is(server, make):
    client = make(headers={"Content-Type": "application/scim+json"})
    client.post("x", json={})
    client.get("x")
    client.post("x", json={}, headers={"Content-Type": "application/x"})
    types = [seen.headers.get("Content-Type") for seen in server.seen]
    assert types == ["application/scim+json", None, "application/x"]


@pytest.mark.parametrize("fault", ["short", "reset", "drop"])
def test_a_broken_body_is_asked_for_again(server, client, fault):
    server.says(body={"half": 1}, fault=fault)
    server.says(body={"whole": 1})
    assert client.get("x").json() == {"whole": 1}


def test_a_broken_chunked_body_is_noticed(server, client):
    server.says(body=b'5\r\n{"a":\r\n', fault="short", Transfer_Encoding="chunked")
    server.says(body=b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n', Transfer_Encoding="chunked")
    assert client.get("x").json() == {"a": 1}
    assert len(server.seen) == 2


def test_a_slow_server_times_out(server, make, reply):
    server.default = reply(fault="slow")
    with pytest.raises(TransientError, match=r"no answer within 0\.05 s"):
        make(timeout=(1, 0.05), retries=Retries(attempts=1)).get("x")


def test_a_file_is_sent_again_from_where_it_stood(server, client):
    file = io.BytesIO(b"skipped|content")
    file.seek(8)
    server.says(500)
    client.put("file", data=file)
    assert [seen.body for seen in server.seen] == [b"content", b"content"]


def test_a_body_that_cannot_be_rewound_is_sent_once(server, client):
    server.says(429)
    with pytest.raises(RateLimited):
        client.put("file", data=iter([b"a", b"b"]))
    assert len(server.seen) == 1 and server.seen[0].body == b"ab"
