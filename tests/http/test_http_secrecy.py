"""No secret, no person and no value of a query may appear in an error, its chain, a repr or a log."""

from __future__ import annotations

import logging
import traceback

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from landbridge.errors import LandbridgeError
from landbridge.http import BearerToken, ClientCredentials, LinkPages, Retries, TokenEndpoint
from landbridge.http.redaction import error_code, shown, shown_path

SECRETS = ("sekrit", "anna.alt", "anna%40", "hunter2", "TOPSECRET")


def clean(text):
    return not [secret for secret in SECRETS if secret in text]


def provoke(client, method):
    client.request(
        method,
        "users/anna.alt@example.org/{room}",
        path_params={"room": "TOPSECRET"},
        params={"token": "sekrit", "q": "anna.alt"},
        json={"password": "hunter2"},
    ).json()


FAULTS = {
    "status 400": {"status": 400, "body": {"message": "anna.alt is unknown", "code": "anna.alt@example.org"}},
    "status 401": {"status": 401}, "status 404": {"status": 404}, "status 429": {"status": 429},
    "status 500": {"status": 500, "body": b"trace: sekrit anna.alt"},
    "drop": {"fault": "drop"}, "reset": {"fault": "reset"}, "short": {"fault": "short"}, "slow": {"fault": "slow"},
    "html": {"body": b"<p>anna.alt sekrit</p>", "headers": {"Content-Type": "text/anna.alt sekrit"}},
    "redirect": {"status": 302, "headers": {"Location": "http://127.0.0.1:1/anna.alt?token=sekrit"}},
    "circle": {"status": 307, "headers": {"Location": "/anna.alt?token=sekrit"}},
    "bad redirect": {"status": 307, "headers": {"Location": "http://[sekrit?anna.alt"}},
    "bad header": {"body": b"{", "headers": {"X": "sekrit", "Content-Encoding": "gzip"}},
}  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_leaks(server, make, reply, caplog, fault, method):
    server.default = reply(**FAULTS[fault])
    caplog.set_level(logging.DEBUG)
    client = make(
        auth=BearerToken.fixed("sekrit"), headers={"X-Key": "hunter2"}, timeout=(1, 0.1),
        retries=Retries(attempts=2, sleep=lambda seconds: None),
    )  # fmt: skip
    with pytest.raises(LandbridgeError) as caught:
        provoke(client, method)
    error = caught.value
    assert clean(str(error)) and clean(repr(error))
    assert clean("".join(traceback.format_exception(error)).replace(__file__, "").partition("provoke(")[0])
    assert clean(caplog.text)
    while error is not None:  # also what a traceback would suppress: other tools print it
        assert isinstance(error, LandbridgeError) and clean(str(error))
        error = error.__context__ or error.__cause__


def test_a_refused_connection_shows_no_query(make, caplog):
    caplog.set_level(logging.DEBUG)
    client = make()
    client._transport._base = "http://127.0.0.1:1"
    with pytest.raises(LandbridgeError) as caught:
        provoke(client, "GET")
    assert clean(str(caught.value)) and clean(caplog.text) and caught.value.__context__ is None


def test_urllib3_logs_no_query(server, client, caplog):
    caplog.set_level(logging.DEBUG)
    provoke(client, "GET")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")]
    assert any("GET /… HTTP" in line for line in lines) and clean(caplog.text)
    assert "GET 127.0.0.1" in caplog.text and "/users/{…}/{room}: 200, 2 bytes in" in caplog.text


def test_reprs_are_clean(server, make):
    bearer = BearerToken.fixed("sekrit")
    client = make(auth=bearer, headers={"X-Key": "hunter2"})
    server.says(body=[{"name": "anna.alt"}], Link=f'<{server.url}/x?token=sekrit>; rel="next"')
    page = next(client.pages("x", LinkPages(), params={"q": "anna.alt"}))
    answer = client.get("x", params={"q": "anna.alt"})
    provider = ClientCredentials(TokenEndpoint("https://x.test", "anna.alt", "sekrit"))
    assert all(clean(repr(shown)) for shown in (page, answer, client, bearer, provider))
    assert clean(repr(vars(bearer).keys()))


def test_a_header_with_a_line_break_is_not_shown(make):
    with pytest.raises(LandbridgeError) as caught:
        make(headers={"X-Key": "hunter2\n"}).get("x")
    assert clean(str(caught.value))


@given(st.text(), st.text("abc123-_@%", min_size=1))
def test_a_query_is_never_shown(path, value):
    text = shown("GET", f"https://x.test/{path}?q={value}#{value}")
    assert "?" not in text and "#" not in text


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/api/v1.0/users/17", "/api/v1.0/users/{…}"), ("/wp-json/wp/v2/posts", "/wp-json/wp/v2/posts"),
     ("/api/chat.postMessage", "/api/chat.postMessage"), ("/rest/api/3/issue/AB-12", "/rest/api/3/issue/{…}"),
     ("/_matrix/client/v3/rooms/!a:b.c/send", "/_matrix/client/v3/rooms/{…}/send"),
     ("/services/T0AB/B0CD/x7Yz", "/services/{…}/{…}/{…}"), ("/u/{user}", "/u/{user}"),
     ("/scim/v2/ServiceProviderConfig", "/scim/v2/ServiceProviderConfig"), ("/u/TOPSECRET", "/u/{…}"),
     ("/u/anna@x.org", "/u/{…}"), ("/u/" + "a" * 40, "/u/{…}")],
)  # fmt: skip
def test_shown_path(path, expected):
    assert shown_path(path) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"errcode":"M_FORBIDDEN","error":"You are not anna"}', "M_FORBIDDEN"), (b'{"error":{"code":"X"}}', ""),
     (b'{"error":{"code":"itemNotFound"}}', "itemNotFound"), (b'{"error":"invalid_grant"}', "invalid_grant"),
     (b'{"code":"a b"}', ""), (b'{"code":123}', ""), (b"[]", ""), (b"<", ""), (b'{"code":"x1y2z3"}', "")],
)  # fmt: skip
def test_error_code(body, expected):
    assert error_code(body) == expected


def test_requests_own_error_would_leak(server):
    """Why the client never passes on what `requests` says."""
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:1/x?token=sekrit", timeout=1)
    assert not clean(str(caught.value))
