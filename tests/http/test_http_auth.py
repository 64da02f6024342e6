from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from landbridge.errors import AuthError, ConfigError, TransientError
from landbridge.http import (
    Assertion,
    Basic,
    BearerToken,
    ClientCredentials,
    Header,
    RefreshToken,
    Retries,
    Token,
    TokenEndpoint,
)


def test_basic_takes_every_letter(server, make):
    make(auth=Basic("anna", "пароль")).get("x")
    kind, _, pair = server.seen[0].headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(pair).decode()) == ("Basic", "anna:пароль")


def test_a_secret_in_its_own_header(server, make):
    make(auth=Header("X-Api-Key", "k")).get("x")
    assert server.seen[0].headers["X-Api-Key"] == "k"


@pytest.mark.parametrize("secret", ["", "qzx\n", " qzx", "qzö", "a\r\nX-Evil: 1"])
def test_an_unfit_secret_is_named_without_showing_it(secret):
    for build in (lambda: Header("X-Api-Key", secret), lambda: BearerToken.fixed(secret).secret()):
        with pytest.raises(ConfigError, match="Paste it again") as caught:
            build()
        assert not secret or secret.strip() not in str(caught.value)


def test_no_credentials_come_from_a_netrc_file(server, client, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client.get("x")
    assert "Authorization" not in server.seen[0].headers


class Tokens:
    def __init__(self, *values):
        self.values, self.asked = list(values), 0

    def __call__(self):
        self.asked += 1
        return self.values.pop(0) if len(self.values) > 1 else self.values[0]


def needs(server, reply, token):
    server.default = lambda seen: reply(200 if seen.headers["Authorization"] == f"Bearer {token}" else 401)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_token_is_renewed_once(server, make, reply, method):
    needs(server, reply, "new")
    tokens = Tokens("old", "new")
    client = make(auth=BearerToken(tokens))
    assert client.request(method, "x").status == 200
    assert client.request(method, "x").status == 200
    assert (tokens.asked, len(server.seen)) == (2, 3)


def test_no_further_try_where_the_token_stays_the_same(server, make, reply):
    needs(server, reply, "other")
    with pytest.raises(AuthError):
        make(auth=BearerToken.fixed("old")).get("x")
    assert len(server.seen) == 1


def test_a_newer_token_that_is_refused_as_well(server, make, reply):
    needs(server, reply, "other")
    with pytest.raises(AuthError):
        make(auth=BearerToken(Tokens("a", "b", "c"))).get("x")
    assert len(server.seen) == 2


def test_many_threads_renew_once(server, make, reply):
    needs(server, reply, "new")
    tokens = Tokens("old", "new")
    client = make(auth=BearerToken(tokens))
    with ThreadPoolExecutor(8) as pool:
        assert all(answer.status == 200 for answer in pool.map(client.get, ["x"] * 40))
    assert tokens.asked == 2


def test_a_token_is_replaced_before_its_end():
    now = [0.0]
    tokens = Tokens(Token("a", 3600), Token("b", 3600))
    bearer = BearerToken(tokens, clock=lambda: now[0])
    found = []
    for now[0] in (0, 3530, 3541):
        found.append(bearer.secret())
    assert found == ["a", "a", "b"]


def test_client_credentials(server, other, make):
    other.says(body={"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
    endpoint = TokenEndpoint(f"{other.url}/oauth/token", "me", "s3cret")
    make(auth=BearerToken(ClientCredentials(endpoint, scope="a b"))).get("x")
    assert other.seen[0].body == b"grant_type=client_credentials&scope=a+b"
    assert other.seen[0].headers["Authorization"].startswith("Basic ")
    assert server.seen[0].headers["Authorization"] == "Bearer t"


def test_a_signed_statement_is_made_anew_each_time_and_needs_no_secret(other):
    other.says(body={"access_token": "t1"})
    other.says(body={"access_token": "t2"})
    statements = iter(["first", "second"])
    provider = Assertion(TokenEndpoint(f"{other.url}/t", "me", "", in_body=True), lambda: next(statements))
    assert (provider().value, provider().value) == ("t1", "t2")
    assert [seen.body.partition(b"assertion=")[2].partition(b"&")[0] for seen in other.seen] == [b"first", b"second"]
    assert b"jwt-bearer" in other.seen[0].body and b"client_secret" not in other.seen[0].body


def test_a_rotated_refresh_token_is_handed_over(other):
    other.says(body={"access_token": "t1", "refresh_token": "r2"})
    other.says(body={"access_token": "t2"})
    kept: list[str] = []
    provider = RefreshToken(TokenEndpoint(f"{other.url}/t", "me", "s", in_body=True), "r1", rotated=kept.append)
    assert (provider().value, provider().value, kept) == ("t1", "t2", ["r2"])
    assert b"refresh_token=r1" in other.seen[0].body and b"client_secret=s" in other.seen[0].body
    assert b"refresh_token=r2" in other.seen[1].body


@pytest.mark.parametrize("body", [{"error": "invalid_grant", "error_description": "for anna"}, {}, [1]])
def test_a_refused_grant_asks_a_person(other, body):
    other.says(400, body=body)
    with pytest.raises(AuthError, match="no token was issued") as caught:
        ClientCredentials(TokenEndpoint(other.url, "me", "s3cret"))()
    assert "anna" not in str(caught.value) and "s3cret" not in str(caught.value)


def test_an_answer_without_a_token(other):
    other.says(body={"ok": True})
    with pytest.raises(AuthError, match="no access_token"):
        ClientCredentials(TokenEndpoint(other.url, "me", "s"))()


def test_a_token_server_that_is_down_leaves_no_doubt_about_the_write(server, other, make, reply, slept):
    other.default = reply(500)
    endpoint = TokenEndpoint(other.url, "me", "s", retries=Retries(attempts=1, sleep=slept.append))
    client = make(auth=BearerToken(ClientCredentials(endpoint)), retries=Retries(attempts=2, sleep=slept.append))
    with pytest.raises(TransientError) as caught:
        client.post("x")
    assert not caught.value.uncertain and not server.seen
