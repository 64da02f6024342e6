"""Whom the client believes: certificates, redirects, and who may see credentials."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from landbridge.errors import ConfigError
from landbridge.http import Client, Retries


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
