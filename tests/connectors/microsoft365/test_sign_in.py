"""Who signs in to Microsoft Entra, by what, and what is said where nobody can."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.microsoft365.entra import Entra
from landbridge.cli.exits import Exit
from landbridge.cli.findings import of_expiry
from landbridge.errors import AuthError, ConfigError, TransientError
from sandbox.emulators.graph import CLIENT, TENANT
from sandbox.emulators.graph_directory import made_id
from tests.cli.conftest import Said, said
from tests.connectors.microsoft365.conftest import Watched, connected
from tests.connectors.reading import natives_of

ROOT = Path(__file__).parents[3]
ANNA = made_id("anna.mueller")


def test_check_names_the_tenant_and_the_rights_it_lacks(graph: Watched, entra: Entra) -> None:
    assert (entra.check().name, entra.check().missing) == ("Halbrück & Söhne", ())
    graph.rights_taken = {"groups"}
    assert entra.check().missing == ("GroupMember.ReadWrite.All",)


def test_a_wrong_secret_is_an_auth_error_without_the_secret(graph: Watched) -> None:
    with connected(Entra, graph, domain=TENANT, password="wr0ng").client as client, pytest.raises(AuthError) as caught:
        client.get("organization")
    assert "AADSTS7000215" in str(caught.value)
    assert "wr0ng" not in str(caught.value)


def test_an_unknown_tenant_is_an_auth_error(graph: Watched) -> None:
    with pytest.raises(AuthError, match="tenant"):
        connected(Entra, graph, domain=TENANT, tenant="elsewhere.example").check()


def test_a_sign_in_service_that_is_away_passes(graph: Watched) -> None:
    away = connected(Entra, graph, domain=TENANT, authority="http://127.0.0.1:9")
    with pytest.raises(TransientError, match="sign-in"):
        away.config.bearer().secret()


def test_a_certificate_signs_in(graph: Watched) -> None:
    pem, graph.certificate = _certificate()
    made = connected(Entra, graph, domain=TENANT, password=None, certificate=pem)
    assert made.check().name == "Halbrück & Söhne"
    other, _ = _certificate()
    with pytest.raises(AuthError):
        connected(Entra, graph, domain=TENANT, password=None, certificate=other).check()
    with pytest.raises(AuthError, match="certificate"):
        connected(Entra, graph, domain=TENANT, password=None, certificate="nothing of the kind").check()


@pytest.mark.parametrize(("days", "soon"), [(40, False), (20, True)])
def test_check_says_when_a_certificate_ends(graph: Watched, days: int, soon: bool) -> None:
    pem, graph.certificate = _certificate(days)
    account = connected(Entra, graph, domain=TENANT, password=None, certificate=pem).check()
    end = datetime.now(UTC) + timedelta(days=days)
    assert abs(account.expires["certificate"] - end) < timedelta(minutes=5)
    findings = [finding.text for finding in of_expiry("entra", account)]
    assert findings == ([f"entra: the certificate in its connection ends on {end:%Y-%m-%d}."] if soon else [])
    assert connected(Entra, graph, domain=TENANT).check().expires == {}


def test_a_refused_token_is_fetched_anew(graph: Watched, entra: Entra) -> None:
    assert natives_of(entra, "groups")
    graph.revoke()
    assert natives_of(entra, "groups")
    assert len(graph.asked("/token")) == 2


def test_a_person_signs_in_and_the_newest_sign_in_is_kept(graph: Watched, tmp_path: Path) -> None:
    graph.refresh_tokens["first"] = ANNA
    made = connected(Entra, graph, domain=TENANT, password=None, refresh_token="first")
    assert "person" in made.check().detail
    file = tmp_path / "sign-in.json"
    keeping = {"password": None, "refresh_token": "first", "sign_in_file": str(file)}
    assert connected(Entra, graph, domain=TENANT, **keeping).check().name
    assert file.stat().st_mode & 0o077 == 0
    del graph.refresh_tokens["first"]
    assert connected(Entra, graph, domain=TENANT, **keeping).check().name
    keeping.pop("refresh_token")
    assert connected(Entra, graph, domain=TENANT, **keeping).check().name
    with pytest.raises(AuthError, match="Sign in anew"):
        connected(Entra, graph, domain=TENANT, password=None, refresh_token="revoked").check()
    with pytest.raises(AuthError, match="nobody_has_signed_in"):
        connected(Entra, graph, domain=TENANT, password=None, sign_in_file=str(tmp_path / "none")).check()


@pytest.fixture
def ask(graph: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """`landbridge sign-in` in a company that has Entra, by a connection with a file for the sign-in, and a wiki."""
    (tmp_path / "config").mkdir()
    (tmp_path / "mappings").symlink_to(ROOT / "mappings")
    systems = "systems:\n  directory: {connector: entra}\n  dictionary: {connector: mediawiki}\n"
    (tmp_path / "config" / "systems.yaml").write_text(systems)

    def ask(system: str, *words: str, **extra: str) -> Said:
        told = {"tenant": TENANT, "domain": TENANT, "authority": graph.url, **extra}
        given = {"conn_type": "landbridge_entra", "host": graph.url, "login": CLIENT, "extra": told}
        monkeypatch.setenv("AIRFLOW_CONN_DIRECTORY", json.dumps(given))
        return said("sign-in", system, "--home", str(tmp_path), *words)

    return ask


def test_somebody_signs_in_with_a_code(graph: Watched, ask: Callable[..., Said], tmp_path: Path) -> None:
    file = str(tmp_path / "sign-in.json")
    refused = ask("directory", sign_in_file=file)
    assert refused.code == Exit.CREDENTIALS and "AADSTS7000218" in refused.err
    graph.at_the_browser = ANNA
    found = ask("directory", "--json", sign_in_file=file)
    assert (found.code, found.data) == (Exit.OK, {"system": "directory", "file": file})
    assert "enter ABCD" in found.err
    assert Path(file).stat().st_mode & 0o077 == 0
    made = connected(Entra, graph, domain=TENANT, password=None, sign_in_file=file)
    assert "person" in made.check().detail
    assert not [
        token for token in (*graph.access, *graph.refresh_tokens.keys() - {"device"}) if token in found.out + found.err
    ]


def test_where_nobody_can_sign_in_is_said_why(graph: Watched, ask: Callable[..., Said], tmp_path: Path) -> None:
    graph.at_the_browser = ANNA
    for system, extra, message in (
        ("directory", {"refresh_token": "first"}, "names no sign_in_file"),
        ("directory", {"sign_in_file": str(tmp_path / "nowhere" / "file")}, "cannot be written"),
        ("dictionary", {}, "nobody signs in to a system of mediawiki"),
        ("nobody", {}, "nobody"),
    ):
        found = ask(system, **extra)
        assert found.code not in (Exit.OK, Exit.MISTAKE) and message in found.err


def test_without_msal_it_is_said_what_to_install(graph: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    made = connected(Entra, graph, domain=TENANT)
    monkeypatch.delitem(sys.modules, "landbridge.http.entra", raising=False)
    monkeypatch.delattr("landbridge.http.entra", raising=False)
    monkeypatch.setitem(sys.modules, "msal", None)
    with pytest.raises(ConfigError, match=r"landbridge\[microsoft\]"):
        made.check()


def test_msal_is_loaded_only_where_somebody_signs_in() -> None:
    """It takes a second, which no command and no other connector has to wait for."""
    code = "import sys, connectors.microsoft365.teams, landbridge.cli.sign_in; print('msal' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def _certificate(days: int = 1) -> tuple[str, str]:
    """Private key and certificate as PEM, and the certificate alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "landbridge")]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=days))
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode() + certificate, certificate


def test_what_cannot_be_kept_leaves_no_token_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from landbridge.http import entra

    def full(*paths: object) -> None:
        raise OSError("No space left on device")

    kept = entra.Kept(str(tmp_path / "sign-in"))
    kept.has_state_changed = True
    kept.save()
    assert [one.name for one in tmp_path.iterdir()] == ["sign-in"]
    kept.has_state_changed = True
    monkeypatch.setattr(entra.os, "replace", full)
    with pytest.raises(ConfigError, match="cannot be written"):
        kept.save()
    assert [one.name for one in tmp_path.iterdir()] == ["sign-in"]
