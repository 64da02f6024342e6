"""Tokens of Microsoft Entra by msal: as the application, or as the person who has signed in once.

`python -m connectors.microsoft365.sign_in TENANT CLIENT FILE` lets a person sign in and keeps the sign-in in FILE.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import msal
import requests
from cryptography.x509 import load_pem_x509_certificate

from landbridge.errors import AuthError, ConfigError, LandbridgeError, TransientError
from landbridge.http import Token

if TYPE_CHECKING:
    from connectors.microsoft365.graph import GraphConfig

AUTHORITY = "https://login.microsoftonline.com"
TIMEOUT = 30
PASSING = frozenset({"temporarily_unavailable", "server_error"})


class Application:
    """The application signs in as itself, by its secret or its certificate; a provider for `BearerToken`."""

    def __init__(self, config: GraphConfig, resource: str) -> None:
        self._config, self._scopes = config, [f"{resource}/.default"]

    def __call__(self) -> Token:
        return fetched(self._fetch)

    def _fetch(self) -> Any:
        # msal would answer with the token that was just refused.
        self._app.remove_tokens_for_client()
        return self._app.acquire_token_for_client(self._scopes)

    @cached_property
    def _app(self) -> msal.ConfidentialClientApplication:
        settings = options(self._config.authority, self._config.tenant)
        return msal.ConfidentialClientApplication(self._config.login, client_credential=self._credential(), **settings)

    def _credential(self) -> Any:
        if self._config.certificate is None:
            return self._config.password.get_secret_value() if self._config.password else None
        pem = self._config.certificate.get_secret_value()
        return {"private_key": pem, "public_certificate": _public(pem)}


class Person:
    """Somebody has signed in once; each new refresh token is kept where the connection names a file for it."""

    def __init__(self, config: GraphConfig, resource: str) -> None:
        self._config, self._scopes = config, [f"{resource}/.default"]

    def __call__(self) -> Token:
        return fetched(self._fetch)

    def _fetch(self) -> Any:
        kept = Kept(self._config.sign_in_file)
        settings = options(self._config.authority, self._config.tenant)
        app = msal.PublicClientApplication(self._config.login, token_cache=kept, **settings)
        found = None
        for account in app.get_accounts():
            found = app.acquire_token_silent_with_error(self._scopes, account, force_refresh=True)
        if (found is None or "error" in found) and self._config.refresh_token is not None:
            token = self._config.refresh_token.get_secret_value()
            found = app.acquire_token_by_refresh_token(token, self._scopes)
        kept.save()
        return found or {"error": "nobody_has_signed_in"}


class Kept(msal.SerializableTokenCache):  # type: ignore[misc]
    """msal's tokens in a file that only its owner may read; without a file in memory."""

    def __init__(self, path: str | None) -> None:
        super().__init__()
        self._path = Path(path) if path else None
        try:
            self.deserialize(self._path.read_text() if self._path and self._path.exists() else None)
        except (OSError, ValueError):
            raise ConfigError("The sign_in_file cannot be read.", remedy="Sign in anew to make it.") from None

    def save(self) -> None:
        if self._path is None or not self.has_state_changed:
            return
        # NamedTemporaryFile makes it readable for its owner only; a reader never sees half of it.
        with NamedTemporaryFile("w", dir=self._path.parent, delete=False) as draft:
            draft.write(self.serialize())
        os.replace(draft.name, self._path)


class Loopback(requests.Session):
    """msal speaks https only; a sign-in service on this machine, as the sandbox has one, is plain http."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        plain = str(url).replace("https://", "http://", 1)
        return super().request(method, plain, *args, **{"timeout": TIMEOUT, **kwargs})


def options(authority: str, tenant: str) -> dict[str, Any]:
    """What both kinds of sign-in tell msal; the authority is the company's own choice, so nobody else is asked about it."""
    address = f"{authority.rstrip('/')}/{tenant}"
    own: dict[str, Any] = {"http_client": Loopback()} if address.startswith("http://") else {"timeout": TIMEOUT}
    return {"authority": address.replace("http://", "https://", 1), "instance_discovery": False, **own}


def ends(pem: str) -> datetime:
    """When a certificate ends, in UTC; `pem` is one with which somebody has signed in."""
    return load_pem_x509_certificate(_public(pem).encode()).not_valid_after_utc


def _public(pem: str) -> str:
    return pem[pem.find("-----BEGIN CERTIFICATE-----") :]


def fetched(fetch: Any) -> Token:
    """The token, or the named error; texts of Entra are left out, for they name people."""
    try:
        found = fetch()
    except requests.RequestException as error:
        raise TransientError(f"The sign-in service does not answer ({type(error).__name__}).") from None
    except ValueError:
        # msal's text repeats the answer, and a credential that it cannot parse.
        failure: LandbridgeError = AuthError(
            "There is no sign-in for this tenant, or the certificate is no PEM with its private key.",
            remedy="Check the connection's tenant, authority and certificate.",
        )
    else:
        if isinstance(found, dict) and isinstance(found.get("access_token"), str):
            return Token(found["access_token"], float(found.get("expires_in") or 0) or None)
        failure = refusal(found if isinstance(found, dict) else {})
    raise failure


def refusal(found: dict[str, Any]) -> LandbridgeError:
    code = str(found.get("error") or "no_token")
    if code in PASSING:
        return TransientError(f"The sign-in service is busy ({code}).")
    numbers = ", ".join(f"AADSTS{number}" for number in found.get("error_codes") or () if isinstance(number, int))
    remedy = {
        "invalid_grant": "Sign in anew: the person's sign-in has ended or was revoked.",
        "nobody_has_signed_in": "Give the connection a refresh_token, or a sign_in_file that somebody has signed in to.",
    }.get(code, "Check the connection's login (application id), and that its secret or certificate has not expired.")
    return AuthError(f"No token was issued ({', '.join(filter(None, (code, numbers)))}).", remedy=remedy)


def main(tenant: str, client: str, file: str, authority: str = AUTHORITY) -> int:
    """Shows a code to sign in with in any browser, waits, and keeps the sign-in; 0 where somebody has signed in."""
    kept = Kept(file)
    app = msal.PublicClientApplication(client, token_cache=kept, **options(authority, tenant))
    flow = app.initiate_device_flow(["https://graph.microsoft.com/.default"])
    print(flow.get("message", ""), flush=True)
    found = app.acquire_token_by_device_flow(flow) if "user_code" in flow else flow
    kept.save()
    print(f"Kept in {file}." if "access_token" in found else f"Nobody has signed in ({found.get('error')}).")
    return 0 if "access_token" in found else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
