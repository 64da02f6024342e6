"""Files come in pieces, have a size cap, and are fetched elsewhere without credentials."""

from __future__ import annotations

import pytest

from landbridge.errors import NotFound, RecordError, TransientError


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
