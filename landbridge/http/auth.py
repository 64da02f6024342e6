"""How a request is signed. No signer shows its secret in a repr, a log or an error."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from requests import PreparedRequest
from requests.auth import AuthBase

from landbridge.errors import ConfigError

MARGIN = 60.0  # seconds before its end at which a token is no longer used


@dataclass(frozen=True)
class Token:
    """A bearer token and for how many seconds it is good, None where nobody said."""

    value: str = field(repr=False)
    lifetime: float | None = None


@runtime_checkable
class Renews(Protocol):
    """A signer that can replace a refused secret."""

    def secret(self) -> str:
        """The secret that the next request would be signed with."""

    def renew(self, refused: str) -> bool:
        """Replace `refused`; False where there is nothing newer, so that another try is pointless."""


def checked(value: str, name: str) -> str:
    """A header value; `requests` would put an unfit one into its error message."""
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigError(
            f"The {name} is empty or holds blanks at an end, line breaks or non-ASCII characters.",
            remedy="Paste it again into the connection, without a line break at its end.",
        )
    return value


class Anonymous(AuthBase):
    """No credentials; given explicitly, it keeps `requests` from reading them out of a .netrc file."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class Header(AuthBase):
    """A secret in a header of its own, such as `X-Api-Key`."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, checked(value, f"secret for the header {name}")

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers[self._name] = self._value
        return request


class Basic(Header):
    """Login and password as UTF-8 (RFC 7617); `requests` itself fails on letters outside Latin-1."""

    def __init__(self, login: str, password: str) -> None:
        pair = base64.b64encode(f"{login}:{password}".encode()).decode("ascii")
        super().__init__("Authorization", f"Basic {pair}")


class BearerToken(AuthBase):
    """A bearer token, fetched when first needed, before its end and once more when refused."""

    def __init__(self, provider: Callable[[], str | Token], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._provider, self._clock = provider, clock
        self._lock = threading.Lock()
        self._value, self._ends = "", 0.0

    @classmethod
    def fixed(cls, token: str) -> BearerToken:
        """A token that never changes."""
        return cls(lambda: token)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.secret()}"
        return request

    def secret(self) -> str:
        # One thread fetches, the others wait for it: sixteen workers must not ask for sixteen tokens.
        with self._lock:
            if not self._value or self._clock() >= self._ends:
                self._fetch()
            return self._value

    def renew(self, refused: str) -> bool:
        with self._lock:
            if self._value == refused:
                self._fetch()
            return self._value != refused

    def _fetch(self) -> None:
        found = self._provider()
        token = found if isinstance(found, Token) else Token(found)
        self._value = checked(token.value, "bearer token")
        lifetime = float("inf") if token.lifetime is None else token.lifetime
        self._ends = self._clock() + max(lifetime - MARGIN, lifetime / 2)
