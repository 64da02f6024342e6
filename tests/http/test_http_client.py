"""What is asked and answered: requests, answers, the names of errors, many threads."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import Answer, NumberedPages
from landbridge.http.transport import CookieJar


def test_a_whole_answer(server, make):
    server.says(body={"a": [1]}, X_Total="7")
    answer = make("/api/").get("/users", params={"q": "x", "none": None}, headers={"If-Match": "1"})
    assert (answer.status, answer.json(), answer.headers["x-total"]) == (200, {"a": [1]}, "7")
    assert answer.text == '{"a": [1]}' and answer.elapsed > 0 and answer.url.endswith("/api/users?q=x")
    seen = server.seen[0]
    assert (seen.path, seen.query, seen.headers["If-Match"]) == ("/api/users", {"q": "x"}, "1")


def test_path_params_cannot_add_a_step(server, client):
    client.get("users/{user}/notes", path_params={"user": "a/b?c"})
    assert server.seen[0].path == "/users/a%2Fb%3Fc/notes"
    with pytest.raises(ConfigError):
        client.get("users/{user}", path_params={"user": ".."})


def test_a_json_body_and_a_marker(server, client):
    client.post("x", json={"a": "ä"}, marker="m1")
    seen = server.seen[0]
    assert seen.body == '{"a":"ä"}'.encode()
    assert (seen.headers["Content-Type"], seen.headers["Idempotency-Key"]) == ("application/json", "m1")


def test_connections_are_kept(server, client):
    for _ in range(5):
        client.get("x")
    assert server.connections == 1


def test_compressed_answers(server, client):
    server.says(body=gzip.compress(b'{"a":1}'), Content_Encoding="gzip")
    assert client.get("x").json() == {"a": 1}


def test_a_compressed_bomb_is_refused(server, make):
    server.says(body=gzip.compress(b"0" * 5_000_000), Content_Encoding="gzip")
    with pytest.raises(RecordError, match="larger than 1000000"):
        make(max_answer=1_000_000).get("x")


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (400, "GET", RecordError), (401, "GET", AuthError), (403, "GET", ScopeError), (404, "GET", NotFound),
        (409, "POST", RecordError), (410, "GET", ExpiredCursor), (410, "DELETE", NotFound), (412, "PUT", RecordError),
        (413, "POST", RecordError), (422, "POST", RecordError), (418, "GET", RecordError), (599, "GET", TransientError),
        (429, "GET", RateLimited), (500, "GET", TransientError), (503, "GET", TransientError),
    ],
)  # fmt: skip
def test_a_status_is_named_by_what_happens_next(server, client, reply, status, method, expected):
    server.default = reply(status)
    with pytest.raises(expected) as caught:
        client.request(method, "x")
    assert type(caught.value) is expected and str(status) in str(caught.value)


def test_an_error_shows_the_vendors_code_not_its_prose(server, client):
    server.says(400, body={"code": "rest_invalid_param", "message": "Anna Alt is not allowed"})
    with pytest.raises(RecordError) as caught:
        client.get("wp/v2/posts/17")
    assert str(caught.value) == f"GET {server.url[7:]}/wp/v2/posts/{{…}}: 400 Bad Request (rest_invalid_param)."


def test_an_error_says_the_vendors_code(server, client):
    server.says(409, body={"errcode": "M_ROOM_IN_USE", "error": "Anna's room"})
    server.says(409, body=b"<html>")
    for code in ("M_ROOM_IN_USE", ""):
        with pytest.raises(RecordError) as caught:
            client.get("x")
        assert caught.value.code == code


def test_the_error_map_comes_first_also_on_success(server, make):
    def slack(answer: Answer):
        return None if answer.json()["ok"] else RateLimited("slow", after=3)

    server.says(body={"ok": False})
    server.says(body={"ok": True})
    client = make(error_map=slack)
    assert client.post("chat.postMessage").json() == {"ok": True}


def test_an_error_map_that_meets_a_gateways_page(server, make):
    server.says(429, body=b"<html>", Retry_After="3600")
    server.says(200, body=b"<html>")
    client = make(error_map=lambda answer: RecordError("no") if answer.json()["no"] else None)
    with pytest.raises(RateLimited):
        client.post("x")
    with pytest.raises(TransientError):
        make(error_map=lambda answer: answer.json()).post("x")


def test_what_stands_on_pages_comes_one_by_one_and_no_page_more_than_wanted(server, client):
    for page in ([{"id": 1}, {"id": 2}], [{"id": 3}], []):
        server.says(body=page)
    pages = NumberedPages(size_param="")
    assert [one["id"] for one in client.items("x", pages, params={"q": "a"}, most=2)] == [1, 2, 3]
    assert [seen.query for seen in server.seen] == [{"q": "a", "page": "1"}, {"q": "a", "page": "2"}]


def test_html_instead_of_json(server, client):
    server.says(body=b"<html>Dear Anna Alt, sign in</html>", Content_Type="text/html; charset=utf-8")
    with pytest.raises(TransientError, match="expected JSON, got text/html of 35 bytes") as caught:
        client.get("x").json()
    assert "Anna" not in str(caught.value) and not caught.value.uncertain


def test_junk_after_a_write_leaves_doubt(server, client):
    server.says(body=b"oops")
    with pytest.raises(TransientError) as caught:
        client.post("x").json()
    assert caught.value.uncertain


@pytest.mark.parametrize("safe", [False, True])
def test_a_page_for_people_is_no_write_that_succeeded_though_nobody_reads_the_answer(server, client, reply, safe):
    page = b"<html>Dear Anna Alt, sign in</html>"
    server.default = reply(body=page, headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(TransientError, match="expected JSON, got text/html") as caught:
        client.post("join", json={}, safe=safe)
    assert caught.value.uncertain


def test_json_or_nothing_under_the_name_of_a_page_is_taken(server, client):
    server.says(body=b'{"id": 1}', Content_Type="text/html")
    assert client.post("x").json() == {"id": 1}
    server.says(body=b"", Content_Type="text/html")
    assert client.delete("x").status == 200


def test_no_content_has_no_json(server, client):
    server.says(204, body=b"")
    assert client.delete("x").json() is None


def test_a_login_by_cookie_is_kept(server, client):
    server.says(Set_Cookie="sid=1")
    client.post("login")
    client.get("x")
    assert server.seen[1].headers["Cookie"] == "sid=1"


def test_the_cookie_jar_may_change_while_another_thread_reads_it():
    jar = CookieJar()
    jar.set("a", "1", domain="one.test")
    reading = iter(jar)
    jar.set("b", "2", domain="two.test")
    assert [cookie.name for cookie in reading] == ["a"]


def test_one_client_serves_many_threads(server, make, reply):
    counter = iter(range(10_000))
    lock = threading.Lock()

    def answer(seen):
        with lock:
            number = next(counter)
        return reply(body={"echo": seen.query["n"]}, headers={"Set-Cookie": f"c{number % 50}={number}"})

    server.default = answer
    client = make()

    def ask(n: int) -> bool:
        return client.get("x", params={"n": n}).json()["echo"] == str(n)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(400)))
    assert server.connections <= 16 and len(server.seen) == 400
