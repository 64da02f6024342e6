"""E-mail over TLS, and sign-in by token: a Dovecot and an SMTP server that take nothing in the clear, and who issues tokens."""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest

from connectors.email.connector import Email
from landbridge.errors import AuthError, ConfigError, TransientError
from landbridge.mail.smtp import signed_in
from sandbox.dovecot import CONFIGURATION, DOMAIN, Dovecot
from tests.connectors.email.server.desk import connector
from tests.connectors.reading import natives_of
from tests.connectors.test_email_letters import letter
from tests.loopback import LoopbackServer, serving
from tests.servers import brought_up

pytestmark = pytest.mark.server

SECRET = "client-secret-0123456789"


class Issuer(LoopbackServer):
    """Issues tokens to the application that knows the secret, and tells Dovecot and the SMTP server which are good."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.file: Path | None = None
        self.good: dict[str, str] = {}
        self.void, self.numbers = False, itertools.count(1)
        self.forms: list[dict[str, str]] = []

    def issue(self) -> str:
        token = f"token-{next(self.numbers)}"
        self.know({} if self.void else {token: "landbridge"}, void=self.void)
        return token

    def know(self, good: dict[str, str], *, void: bool = False) -> None:
        """These are good from now on; `void`: none that will be issued is."""
        self.good, self.void = good, void
        if self.file is not None:
            self.file.write_text(json.dumps(good))


class _Answers(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        login = self.server.good.get(str(self.headers["Authorization"]).removeprefix("Bearer "))
        self._say(200, {"active": login is not None, "username": login or ""})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: value[0] for name, value in parse_qs(body).items()}
        self.server.forms.append(form)
        if form.get("client_secret") != SECRET:
            self._say(401, {"error": "invalid_client"})
        else:
            self._say(200, {"access_token": self.server.issue(), "expires_in": 3600})

    def _say(self, status: int, told: dict[str, Any]) -> None:
        data = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *said: Any) -> None:
        pass


class Secure(Dovecot):
    """A certificate for 127.0.0.1 and for no name; IMAP and SMTP each with STARTTLS, and on a port encrypted from the start."""

    issuer: ClassVar[Issuer]

    def start(self) -> None:
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "tls.key", "-out", "tls.pem"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, cwd=self.home)
        asks = (
            f"introspection_mode = auth\nintrospection_url = {self.issuer.url}/introspect\n"
            "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
        )
        (self.home / "oauth2.conf").write_text(asks)
        self.issuer.file = self.home / "tokens.json"
        self.issuer.know({})
        secured = {
            "ssl = no\n": "ssl = required\nssl_cert = <{home}/tls.pem\nssl_key = <{home}/tls.key\n",
            "disable_plaintext_auth = no": "disable_plaintext_auth = yes",
            "auth_mechanisms = plain login": "auth_mechanisms = plain login xoauth2",
            "passdb {{\n": "passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {home}/oauth2.conf\n}}\npassdb {{\n",
            "    port = 0\n": f"    port = {self.port('imaps_port')}\n    ssl = yes\n",
        }
        for plain, better in secured.items():
            assert plain in CONFIGURATION
            self.configuration = self.configuration.replace(plain, better)  # type: ignore[misc]
        super().start()

    def settings(self) -> dict[str, Any]:
        tls = [str(self.home / name) for name in ("tls.pem", "tls.key")]
        return super().settings() | {
            "tls": tls, "smtps": self.port("smtps_port"), "tokens": str(self.home / "tokens.json"),
        }  # fmt: skip

    def seed(self, company: Any) -> None:
        """Colleagues' programs would have to speak TLS: nothing is needed here."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving(Issuer()) as found:
        yield found


@pytest.fixture(scope="module")
def secure(issuer: Issuer) -> Iterator[Secure]:
    Secure.issuer = issuer
    with brought_up(Secure) as system:
        assert isinstance(system, Secure)
        yield system


def over(system: Secure, imap: str, smtp: str, name: str = "127.0.0.1", **changed: Any) -> Email:
    """By these schemes, to this name of the machine."""
    facts, ports = system.facts(), {"imap": "port", "imaps": "imaps_port", "smtp": "smtp_port", "smtps": "smtps_port"}
    told = {"host": f"{imap}://{name}:{facts[ports[imap]]}", "smtp": f"{smtp}://{name}:{facts[ports[smtp]]}"}
    return connector(system, **{"ca_file": str(system.home / "tls.pem"), **told, **changed})


def by_token(system: Secure, imap: str = "imaps", smtp: str = "smtps", **changed: Any) -> Email:
    oauth = {"token_url": f"{Secure.issuer.url}/token", "client_id": "landbridge-app", "client_secret": SECRET}
    return over(system, imap, smtp, password=None, **{**oauth, "scope": "https://mail.test/.default", **changed})


@pytest.mark.parametrize(("imap", "smtp"), [("imap", "smtp"), ("imaps", "smtps")])
def test_mail_is_read_and_sent_over_tls_from_the_start_and_by_starttls(secure: Secure, imap: str, smtp: str) -> None:
    email = over(secure, imap, smtp)
    assert email.check().missing == ()
    made = letter(email, f"lb{imap}", f"landbridge@{DOMAIN}")
    assert made["id"] in natives_of(over(secure, imap, smtp), "letters")


@pytest.mark.parametrize(("imap", "smtp"), [("imap", "smtp"), ("imaps", "smtps")])
def test_a_certificate_for_another_name_is_refused_and_the_error_says_so(secure: Secure, imap: str, smtp: str) -> None:
    with pytest.raises(TransientError, match=r"certificate cannot be verified \(Hostname mismatch.*'localhost'"):
        list(over(secure, imap, smtp, "localhost").read("messages"))
    facts = secure.facts()
    there = f"{imap}://127.0.0.1:{facts['imaps_port' if imap == 'imaps' else 'port']}"
    with pytest.raises(TransientError, match=r"Sending failed.*certificate cannot be verified \(Hostname mismatch"):
        letter(over(secure, imap, smtp, "localhost", host=there), "lb0a")


@pytest.mark.parametrize("imap", ["imap", "imaps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(secure: Secure, imap: str) -> None:
    with pytest.raises(TransientError, match=r"certificate cannot be verified \(self-signed certificate"):
        over(secure, imap, "smtps", ca_file=None).check()


@pytest.mark.parametrize(("imap", "smtp"), [("imap", "smtp"), ("imaps", "smtps")])
def test_a_token_signs_in_to_read_and_to_send(secure: Secure, issuer: Issuer, imap: str, smtp: str) -> None:
    issuer.forms.clear()
    email = by_token(secure, imap, smtp)
    assert email.check().missing == ()
    made = letter(email, f"lbtoken{imap}", f"landbridge@{DOMAIN}")
    assert made["id"] in natives_of(email, "letters")
    [form] = issuer.forms
    assert (form["grant_type"], form["scope"], form["client_id"]) == (
        "client_credentials", "https://mail.test/.default", "landbridge-app",
    )  # fmt: skip


def test_a_token_that_is_refused_is_replaced_once(secure: Secure, issuer: Issuer) -> None:
    email = by_token(secure)
    for sign_in in (email._session, lambda: signed_in(email._submission(), email.throttle)):
        with sign_in():
            issuer.forms.clear()
        issuer.know({})
        with sign_in():
            assert len(issuer.forms) == 1
    issuer.know({}, void=True)
    for sign_in in (email._session, lambda: signed_in(email._submission(), email.throttle)):
        issuer.forms.clear()
        with pytest.raises(AuthError, match="refuses login or password"), sign_in():
            raise AssertionError("signed in")
        assert len(issuer.forms) == 1
    issuer.know({}, void=False)


def test_a_person_s_consent_is_a_refresh_token(secure: Secure, issuer: Issuer) -> None:
    issuer.forms.clear()
    by_token(secure, refresh_token="consent-1", scope=None).check()
    assert [(form["grant_type"], form["refresh_token"]) for form in issuer.forms] == [("refresh_token", "consent-1")]


def test_who_issues_tokens_refuses_us(secure: Secure, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(AuthError, match="no token was issued") as caught:
        by_token(secure, client_secret="wrong-0123456789").check()
    email = by_token(secure)
    email.check()
    for secret in ("wrong-0123456789", SECRET, *Secure.issuer.good):
        assert secret not in caplog.text
        assert secret not in str(caught.value)
        assert secret not in repr(email.config)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": None}, "either a password or a token_url"),
        (
            {"token_url": "https://x.test/token", "client_id": "a", "client_secret": "b"},
            "either a password or a token_url",
        ),
        ({"password": None, "token_url": "https://x.test/token"}, "needs client_id"),
        ({"password": None, "token_url": "http://x.test/token", "client_id": "a", "client_secret": "b"}, "token_url"),
    ],
)
def test_one_way_to_sign_in(secure: Secure, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        over(secure, "imaps", "smtps", **changed)
