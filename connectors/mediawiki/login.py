"""A session by cookie, made of a bot password."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlencode

from requests import PreparedRequest
from requests.auth import AuthBase

from landbridge.errors import AuthError, RateLimited
from landbridge.http import Client

FORM = {"format": "json", "formatversion": 2}


class Login(AuthBase):
    """Signs in when first needed and again when the session has ended; each write carries the session's token."""

    def __init__(self, api: str, login: str, password: str) -> None:
        self._api, self._login, self._password = api, login, password
        self._client: Client | None = None
        self._token = ""
        self._signing_in = 0  # the thread that does
        # Reentrant: signing in sends requests through the same client, which asks for the secret again.
        self._lock = threading.RLock()

    def use(self, client: Client) -> None:
        """The client that this login signs for; its cookies hold the session."""
        self._client = client

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if request.method == "POST" and self._signing_in != threading.get_ident():
            request.body = f"{request.body!s}&{urlencode({'token': self._token})}"
        return request

    def secret(self) -> str:
        with self._lock:
            if not self._token and not self._signing_in:
                self._sign_in()
            return self._token

    def renew(self, refused: str) -> bool:
        with self._lock:
            if self._signing_in:
                return False
            if self._token == refused:
                self._sign_in()
            return self._token != refused

    def _sign_in(self) -> None:
        self._signing_in = threading.get_ident()
        try:
            self._token = self._still_open() or self._opened()
        finally:
            self._signing_in = 0

    def _still_open(self) -> str:
        """The token of the session that there is: the wiki lets nobody sign in twice in one session."""
        try:
            return self._fetch("csrf", **{"assert": "user"}) if self._token else ""
        except AuthError:
            return ""

    def _opened(self) -> str:
        data = {"lgname": self._login, "lgpassword": self._password, "lgtoken": self._fetch("login")}
        answer = self._called.post(self._api, data={**FORM, "action": "login", **data})
        result = answer.part("login", dict).get("result")
        if result == "Throttled":
            raise RateLimited("The wiki takes no more logins for now.")
        if result != "Success":
            raise AuthError("The wiki refuses the login.", remedy="Check the bot password (login: Account@name).")
        return self._fetch("csrf", **{"assert": "user"})

    def _fetch(self, kind: str, **more: str) -> str:
        asked: dict[str, Any] = {**FORM, "action": "query", "meta": "tokens", "type": kind, **more}
        return self._called.get(self._api, params=asked).part(f"query.tokens.{kind}token", str)

    @property
    def _called(self) -> Client:
        assert self._client is not None
        return self._client
