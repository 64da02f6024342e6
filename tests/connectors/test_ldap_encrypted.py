"""The LDAP connector and a real slapd that has a certificate."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from connectors.ldap.connector import Ldap
from landbridge.errors import TransientError
from sandbox.processes import Process, free_port
from sandbox.slapd import BASE, CONFIGURATION, SERVICE, Slapd
from tests.connectors.ldap_desk import connector, natives
from tests.servers import brought_up

pytestmark = pytest.mark.server


class Encrypted(Slapd):
    """StartTLS at its usual port, LDAPS at another, with a certificate of its own."""

    configuration: ClassVar[str] = CONFIGURATION.replace(
        "cn: config\n",
        "cn: config\nolcTLSCertificateFile: {data}/../tls.pem\nolcTLSCertificateKeyFile: {data}/../tls.key\n",
        1,
    )

    @property
    def ldaps(self) -> str:
        return f"ldaps://127.0.0.1:{self.facts()['ldaps_port']}"

    def start(self) -> None:
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "tls.key", "-out", "tls.pem"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, cwd=self.home)
        self.hand_over(self.home)
        self.port("ldaps_port")
        super().start()

    def _process(self) -> Process:
        plain = super()._process()
        return replace(plain, argv=[f"{part} {self.ldaps}" if part == self._url else part for part in plain.argv])


@pytest.fixture(scope="session")
def encrypted() -> Iterator[Encrypted]:
    with brought_up(Encrypted) as system:
        assert isinstance(system, Encrypted)
        yield system


def hosts(system: Encrypted) -> list[dict[str, Any]]:
    return [{"host": system.ldaps}, {"start_tls": True}]


def test_encrypted_with_a_certificate_that_is_trusted(encrypted: Encrypted) -> None:
    for way in hosts(encrypted):
        directory = connector(encrypted, ca_file=str(encrypted.home / "tls.pem"), **way)
        assert len(natives(list(directory.read("people")))) == 60


def test_an_unknown_certificate_is_refused_unless_told_otherwise(encrypted: Encrypted) -> None:
    for way in hosts(encrypted):
        with pytest.raises(TransientError, match="the certificate and ca_file"):
            list(connector(encrypted, **way).read("people"))
        assert connector(encrypted, verify_certificate=False, **way).check().name == SERVICE


def test_nothing_goes_ahead_of_start_tls_and_half_an_answer_to_it_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", free_port(25000))) as half:
        host = f"ldap://127.0.0.1:{half.getsockname()[1]}"
        config = {"login": "cn=x", "password": "y", "base": BASE, "timeout": 0.5, "start_tls": True}
        with ThreadPoolExecutor() as aside:
            waiting = aside.submit(list, Ldap(Ldap.Config(host=host, **config)).read("people"))
            wire, _ = half.accept()
            with wire:
                assert b"1.3.6.1.4.1.1466.20037" in wire.recv(4096)
                wire.sendall(b"\x30\x0c\x02\x01\x01")
                with pytest.raises(TransientError, match="Signing in failed"):
                    waiting.result(timeout=20)


def test_a_server_without_encryption_gets_no_password() -> None:
    with brought_up(Slapd) as plain, pytest.raises(TransientError, match="Signing in failed"):
        connector(plain, start_tls=True).check()
