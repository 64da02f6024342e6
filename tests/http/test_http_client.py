from __future__ import annotations

import gzip
import io
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
from landbridge.http import Answer, Client, LocalThrottle, NumberedPages, Retries, SinglePage
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


# --- retries


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
    shared, own = LocalThrottle(sleep=slept.append), LocalThrottle(patience=10, sleep=slept.append)
    client = make(throttle=shared)
    server.says(429, Retry_After="3600")
    for _ in range(2):
        with pytest.raises(RateLimited):
            client.get("x", limit=own)
    assert client.get("y").status == 200
    with pytest.raises(RateLimited):
        next(iter(client.pages("x", SinglePage(items="a"), limit=own)))
    assert [seen.path for seen in server.seen] == ["/x", "/y"]
    assert not slept


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


def test_an_untrusted_certificate_asks_a_person(tmp_path, slept):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            with suppress(OSError):
                context.wrap_socket(listening.accept()[0], server_side=True)

        threading.Thread(target=greet, daemon=True).start()
        client = Client(f"https://127.0.0.1:{listening.getsockname()[1]}", retries=Retries(sleep=slept.append))
        with client, pytest.raises(ConfigError, match="certificate is not trusted"):
            client.get("x")
    assert not slept


# --- redirects and hosts


def test_a_redirect_within_the_system_is_followed(server, client):
    server.says(302, Location="/there?a=1")
    client.get("here", params={"b": 2})
    assert (server.seen[1].path, server.seen[1].query) == ("/there", {"a": "1"})


def test_a_redirected_write_is_refused(server, client):
    server.says(301, Location="/there")
    with pytest.raises(ConfigError, match="redirects a write"):
        client.post("here", json={})
    server.says(307, Location="/there")
    assert client.post("here", json={"a": 1}).status == 200
    assert server.seen[-1].body == b'{"a":1}'


def test_a_redirect_to_another_host_is_refused(server, other, client):
    server.says(302, Location=f"{other.url}/x")
    with pytest.raises(ConfigError, match="another host"):
        client.get("x")
    assert not other.seen


def test_redirects_end(server, client, reply):
    server.default = reply(302, headers={"Location": "/x"})
    with pytest.raises(ConfigError, match="more than 5 redirects"):
        client.get("x")


def test_a_link_to_another_host_is_refused(client, other):
    with pytest.raises(ConfigError, match="another host"):
        client.get(f"{other.url}/x")
    assert not other.seen


def test_further_hosts_of_the_system_see_credentials(other, make):
    client = make(headers={"X-Key": "s"}, hosts=[other.url.removeprefix("http://")])
    client.get(f"{other.url}/x")
    assert other.seen[0].headers["X-Key"] == "s"


@pytest.mark.parametrize("address", ["example.org", "ftp://example.org", "https://me:secret@example.org", "https://"])
def test_an_address_must_be_plain(address):
    with pytest.raises(ConfigError) as caught:
        Client(address)
    assert "secret" not in str(caught.value)


# --- files


def test_a_file_comes_in_pieces(server, client):
    content = bytes(range(256)) * 2000
    server.says(body=content)
    pieces = list(client.stream("file"))
    assert b"".join(pieces) == content and len(pieces) > 5


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_has_a_size_cap(server, client, declared):
    if declared:
        server.says(body=b"x" * 2000)
    else:
        server.says(body=b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n", Transfer_Encoding="chunked")
    with pytest.raises(RecordError, match="larger than the 1000 bytes"):
        list(client.stream("file", limit=1000))


def test_a_file_that_breaks_off_is_an_error(server, client):
    server.says(body=b"x" * 100_000, fault="short")
    with pytest.raises(TransientError):
        list(client.stream("file"))


def test_the_opening_of_a_file_is_retried(server, client):
    server.says(500)
    server.says(body=b"abc")
    assert b"".join(client.stream("file")) == b"abc"


def test_a_file_elsewhere_is_fetched_without_credentials(server, other, make):
    server.says(302, Location=f"{other.url}/bucket/file", Set_Cookie="sid=secret")
    other.says(body=b"abc")
    client = make(headers={"X-Key": "secret"})
    assert b"".join(client.stream("file")) == b"abc"
    assert server.seen[0].headers["X-Key"] == "secret" and "X-Key" not in other.seen[0].headers


def test_a_missing_file(server, client):
    server.says(404)
    with pytest.raises(NotFound):
        next(client.stream("file"))


# --- threads


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
