"""Tokens of Microsoft Entra by msal, which takes a second to load: as the application, or as a person who signed in once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import msal
import requests
from cryptography.x509 import load_pem_x509_certificate

from landbridge.errors import AuthError, ConfigError, LandbridgeError, TransientError
from landbridge.http import tape
from landbridge.http.auth import Token

TIMEOUT = 30
PASSING = frozenset({"temporarily_unavailable", "server_error"})
ANEW = "`landbridge sign-in` with the system's name lets a person sign in."
REMEDIES = {
    "authorization_declined": f"Nobody has signed in. {ANEW}",
    "expired_token": f"Nobody has signed in while the code was good. {ANEW}",
    "invalid_grant": f"Sign in anew: the person's sign-in has ended or was revoked. {ANEW}",
    "nobody_has_signed_in": f"Give the connection a refresh_token, or a sign_in_file. {ANEW}",
}
OTHERWISE = "Check the connection's login (application id), and that its secret or certificate has not expired."


@dataclass(frozen=True)
class Registration:
    """An application of a tenant, and what it and a person sign in with; `file` keeps what a person has signed in to."""

    authority: str
    tenant: str
    client: str
    secret: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    file: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What all sign-ins tell msal; the authority is the company's own choice, so nobody else is asked about it."""
        address = f"{self.authority.rstrip('/')}/{self.tenant}"
        own: dict[str, Any] = {"http_client": Loopback()} if address.startswith("http://") else {"timeout": TIMEOUT}
        return {"authority": address.replace("http://", "https://", 1), "instance_discovery": False, **own}

    def public(self, kept: Kept) -> msal.PublicClientApplication:
        """The application where a person signs in."""
        return msal.PublicClientApplication(self.client, token_cache=kept, **self.options)


class Application:
    """The application signs in as itself, by its secret or its certificate; a provider for `BearerToken`."""

    def __init__(self, registration: Registration, resource: str) -> None:
        self._registration, self._scopes = registration, [f"{resource}/.default"]

    def __call__(self) -> Token:
        return fetched(self._fetch)

    def _fetch(self) -> Any:
        # msal would answer with the token that was just refused.
        self._app.remove_tokens_for_client()
        return self._app.acquire_token_for_client(self._scopes)

    @cached_property
    def _app(self) -> msal.ConfidentialClientApplication:
        of = self._registration
        credential: Any = of.secret
        if of.certificate is not None:
            credential = {"private_key": of.certificate, "public_certificate": _public(of.certificate)}
        return msal.ConfidentialClientApplication(of.client, client_credential=credential, **of.options)


class Person:
    """Somebody has signed in once; each new refresh token is kept where the connection names a file for it."""

    def __init__(self, registration: Registration, resource: str) -> None:
        self._registration, self._scopes = registration, [f"{resource}/.default"]

    def __call__(self) -> Token:
        return fetched(self._fetch)

    def _fetch(self) -> Any:
        kept = Kept(self._registration.file)
        app = self._registration.public(kept)
        found = None
        for account in app.get_accounts():
            found = app.acquire_token_silent_with_error(self._scopes, account, force_refresh=True)
        if (found is None or "error" in found) and self._registration.refresh_token is not None:
            found = app.acquire_token_by_refresh_token(self._registration.refresh_token, self._scopes)
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
            raise ConfigError(
                "The sign_in_file cannot be read.", remedy=f"Remove it, and sign in anew. {ANEW}"
            ) from None

    def save(self) -> None:
        if self._path is None or not self.has_state_changed:
            return
        # NamedTemporaryFile makes it readable for its owner only; a reader never sees half of it.
        try:
            with ExitStack() as stack:
                draft = stack.enter_context(NamedTemporaryFile("w", dir=self._path.parent, delete=False))
                stack.callback(Path(draft.name).unlink, missing_ok=True)  # what could not be kept holds a token, too
                draft.write(self.serialize())
                draft.flush()
                os.replace(draft.name, self._path)
        except OSError as error:
            raise ConfigError(
                f"The sign_in_file cannot be written ({type(error).__name__}).",
                remedy="Name one in a folder that is there, and that this process may write to.",
            ) from None


class Loopback(requests.Session):
    """msal speaks https only; a sign-in service on this machine, as the sandbox has one, is plain http."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        plain = str(url).replace("https://", "http://", 1)
        return super().request(method, plain, *args, **{"timeout": TIMEOUT, **kwargs})


def ends(pem: str) -> datetime:
    """When a certificate ends, in UTC; `pem` is one with which somebody has signed in."""
    return load_pem_x509_certificate(_public(pem).encode()).not_valid_after_utc


def _public(pem: str) -> str:
    return pem[pem.find("-----BEGIN CERTIFICATE-----") :]


def sign_in(registration: Registration, resource: str, show: Callable[[str], None]) -> None:
    """Shows a code to sign in with in any browser, waits, and keeps the sign-in in the registration's file."""
    kept = Kept(registration.file)

    def wait() -> Any:
        app = registration.public(kept)
        flow = app.initiate_device_flow([f"{resource}/.default"])
        if "user_code" not in flow:
            return flow
        show(str(flow.get("message")))
        return app.acquire_token_by_device_flow(flow)

    fetched(wait)
    kept.save()


def fetched(fetch: Callable[[], Any]) -> Token:
    """The token, or the named error; texts of Entra are left out, for they name people."""
    if tape.alone():
        return Token("opens-nothing", None)
    try:
        found = fetch()
    except requests.RequestException as error:
        raise TransientError(
            f"The sign-in service does not answer ({type(error).__name__}).",
            remedy="See whether the connection's authority is right, and can be reached from here.",
        ) from None
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
    remedy = REMEDIES.get(code, OTHERWISE)
    return AuthError(f"No token was issued ({', '.join(filter(None, (code, numbers)))}).", remedy=remedy)
