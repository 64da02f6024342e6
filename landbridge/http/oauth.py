"""OAuth 2 tokens without a person present (RFC 6749 §4.4 and §6, RFC 7523), as providers for `BearerToken`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from landbridge.errors import AuthError, LandbridgeError, TransientError
from landbridge.http.answer import Answer
from landbridge.http.auth import Basic, Token
from landbridge.http.client import Client
from landbridge.http.redaction import error_code
from landbridge.http.retry import USUAL, Retries


@dataclass(frozen=True)
class TokenEndpoint:
    """Where tokens are issued; `in_body` is for servers that take the client's secret as a form field only, or need none."""

    url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    in_body: bool = False
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool | str = True
    retries: Retries = USUAL

    def ask(self, form: Mapping[str, str]) -> dict[str, Any]:
        secret = {"client_secret": self.client_secret} if self.client_secret else {}
        named = {"client_id": self.client_id, **secret} if self.in_body else {}
        auth = None if self.in_body else Basic(self.client_id, self.client_secret)
        with Client(self.url, auth=auth, verify=self.verify, retries=self.retries, error_map=refusal) as client:
            try:
                answer = client.post("", data={**form, **named, **self.extra}, safe=True)
                found = answer.json()
            except TransientError as error:
                error.uncertain = False  # nothing was written: the call that needs the token was never sent
                raise
        if not isinstance(found, dict) or not isinstance(found.get("access_token"), str):
            raise AuthError(f"{answer.where}: the answer holds no access_token.")
        return found


@dataclass(frozen=True)
class ClientCredentials:
    """The application signs in as itself."""

    endpoint: TokenEndpoint
    scope: str = ""

    def __call__(self) -> Token:
        scope = {"scope": self.scope} if self.scope else {}
        return _token(self.endpoint.ask({"grant_type": "client_credentials", **scope}))


@dataclass(frozen=True)
class Assertion:
    """The application vouches for a user by a signed statement (RFC 7523); `make` signs a fresh one."""

    endpoint: TokenEndpoint
    make: Callable[[], str]

    def __call__(self) -> Token:
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return _token(self.endpoint.ask({"grant_type": grant, "assertion": self.make()}))


class RefreshToken:
    """A person once consented. `rotated` is told each new refresh token and must keep it: the old one is void."""

    def __init__(
        self, endpoint: TokenEndpoint, refresh_token: str, *, rotated: Callable[[str], None] | None = None
    ) -> None:
        self._endpoint, self._refresh_token, self._rotated = endpoint, refresh_token, rotated

    def __call__(self) -> Token:
        found = self._endpoint.ask({"grant_type": "refresh_token", "refresh_token": self._refresh_token})
        newer = found.get("refresh_token")
        if isinstance(newer, str) and newer != self._refresh_token:
            self._refresh_token = newer
            if self._rotated is not None:
                self._rotated(newer)
        return _token(found)


def refusal(answer: Answer) -> LandbridgeError | None:
    """A token endpoint says with 400 what others say with 401."""
    if answer.status not in (400, 401, 403):
        return None
    return AuthError(f"{answer.where}: no token was issued ({error_code(answer.body) or answer.status}).")


def _token(found: Mapping[str, Any]) -> Token:
    try:
        return Token(found["access_token"], float(found["expires_in"]))
    except (KeyError, TypeError, ValueError):
        return Token(found["access_token"])
