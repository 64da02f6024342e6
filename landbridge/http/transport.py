"""Sends one call once: which hosts may see credentials, redirects, and what a broken connection means."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar

from landbridge import boundary
from landbridge.errors import ConfigError, LandbridgeError, RecordError, TransientError
from landbridge.http import tape
from landbridge.http.answer import READS
from landbridge.http.auth import Anonymous
from landbridge.http.call import Call

ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
CHUNK = 64 * 1024
MAX_REDIRECTS = 5
SAME_METHOD = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
DEFAULT_PORTS = {"http": 80, "https": 443}
# ValueError: what `requests` and urllib.parse raise about addresses that a server made up.
BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


class CookieJar(RequestsCookieJar):
    """Sessions iterate their jar without its lock; a copy makes one session safe for many threads."""

    def __iter__(self) -> Iterator[Any]:
        with self._cookies_lock:  # type: ignore[attr-defined]
            return iter(list(super().__iter__()))


class Transport:
    """Holds the connections of one system."""

    def __init__(
        self, base_url: str, *, auth: AuthBase | None, hosts: Collection[str], headers: Mapping[str, str],
        timeout: tuple[float, float], verify: bool | str, connections: int = 32,
    ) -> None:  # fmt: skip
        parts = urlsplit(base_url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
            raise ConfigError(
                "The system's address is not of the form https://host/path without login.",
                remedy="Put the address into the connection's host and the login into its own fields.",
            )
        self._base, self._parts = base_url.rstrip("/"), parts
        self._auth, self._headers = auth or Anonymous(), dict(headers)
        self._timeout, self._verify = timeout, verify
        self._trusted = {_place(parts), *(_place(urlsplit(f"{parts.scheme}://{host}")) for host in hosts)}
        self._session = requests.Session()
        self._session.cookies = CookieJar()
        for scheme in DEFAULT_PORTS:
            self._session.mount(f"{scheme}://", HTTPAdapter(pool_maxsize=connections))
        self._settings: dict[str, Any] = {}

    def address(self, path_or_url: str, *, where: str = "") -> str:
        """The complete address: paths lie below the base, links must stay with the system."""
        if not ABSOLUTE.match(path_or_url):
            path = path_or_url.lstrip("/")
            return f"{self._base}/{path}" if path else self._base
        parts = _split(path_or_url, where or "The client")
        if parts.scheme == "http" and self._parts.scheme == "https" and parts.hostname == self._parts.hostname:
            # A system behind a proxy that ends TLS often does not know that it is reached by https.
            parts = self._parts._replace(path=parts.path, query=parts.query)
        if _place(parts) not in self._trusted:
            raise ConfigError(
                f"{where or 'A link'} leads to another host, {parts.hostname}; credentials are not sent there.",
                remedy="Use the address that the system itself uses, or name this host as one of its own.",
            )
        return urlunsplit(parts)

    def send(self, call: Call) -> requests.Response:
        """The answer with its body unread; redirects are followed where they are harmless."""
        url, params = call.url, call.params
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(call, url, params)
            target = self._session.get_redirect_target(response)
            if target is None:
                return response
            response.close()
            url, params = self._redirected(call, url, target, response.status_code), None
        raise ConfigError(f"{call.where}: more than {MAX_REDIRECTS} redirects.", remedy=_USE_FINAL)

    def body(self, call: Call, response: requests.Response, limit: int) -> bytes:
        """The whole body, decoded. One big read takes half the time of the pieces that `requests` reads."""
        try:
            with response:
                found: bytes = response.raw.read(limit + 1, decode_content=True)
        except BROKEN as error:
            failure = failure_of(error, call, self._timeout)
        else:
            if len(found) <= limit:
                return found
            failure = RecordError(f"{call.where}: the answer is larger than {limit} bytes.")
        raise failure

    def pieces(self, call: Call, response: requests.Response) -> Iterator[bytes]:
        """The body, decoded, piece by piece; it is held nowhere."""
        try:
            yield from response.raw.stream(CHUNK, decode_content=True)
            return
        except BROKEN as error:
            failure = failure_of(error, call, self._timeout)
        raise failure

    def close(self) -> None:
        self._session.close()

    def _send(self, call: Call, url: str, params: Mapping[str, Any] | None) -> requests.Response:
        sent = False
        try:
            prepared = self._session.prepare_request(self._request(call, url, params))
            settings = self._environment(url)
            sent = True
            return self._exchange(call, prepared, settings)
        except BROKEN as error:
            failure = failure_of(error, call, self._timeout, sent=sent)
        # Outside the except block, since the cause names the whole address with its query.
        raise failure

    def _exchange(self, call: Call, prepared: requests.PreparedRequest, settings: dict[str, Any]) -> requests.Response:
        writes = call.method not in READS
        if writes:
            boundary.passed("before the request", call.where)
        send = partial(self._session.send, timeout=self._timeout, allow_redirects=False, **settings)
        response = tape.through(prepared, send)
        if writes:
            boundary.passed("after the request", call.where)
        return response

    def _request(self, call: Call, url: str, params: Mapping[str, Any] | None) -> requests.Request:
        if _place(urlsplit(url)) in self._trusted:
            headers, auth = {**self._headers, **call.headers}, self._auth
        else:
            headers, auth = {}, Anonymous()
        return requests.Request(call.method, url, params=params, data=call.rewound(), headers=headers, auth=auth)

    def _environment(self, url: str) -> dict[str, Any]:
        """Proxies and certificates from the environment, asked for once per host: it is slow."""
        host = urlsplit(url).netloc
        if host not in self._settings:
            self._settings[host] = self._session.merge_environment_settings(url, {}, True, self._verify, None)
        return self._settings[host]  # type: ignore[no-any-return]

    def _redirected(self, call: Call, url: str, location: str, status: int) -> str:
        parts = _split(location, call.where, base=url)
        target = parts.geturl()
        if call.method not in READS and status not in SAME_METHOD:
            # Following it would turn the write into a read that succeeds and writes nothing.
            raise ConfigError(f"{call.where}: {status} redirects a write.", remedy=_USE_FINAL)
        if _place(parts) in self._trusted:
            return target
        if not call.elsewhere or (urlsplit(url).scheme, parts.scheme) == ("https", "http"):
            raise ConfigError(f"{call.where}: {status} redirects to another host, {parts.hostname}.", remedy=_USE_FINAL)
        return target


_USE_FINAL = "Set the connection's address to the final one, or sign in anew if this is a sign-in page."


def failure_of(error: Exception, call: Call, timeout: tuple[float, float], *, sent: bool = True) -> LandbridgeError:
    """What a broken exchange means; the text of `error` is not used, it holds the query."""
    uncertain = sent and call.method not in READS
    chain = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        return ConfigError(f"{call.where}: the server's certificate is not trusted.",
                           remedy="Renew it, or name the company's certificate authority in the connection.")  # fmt: skip
    if isinstance(error, requests.ConnectTimeout):
        return TransientError(f"{call.where}: no connection within {timeout[0]:g} s.")
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in chain):
        return TransientError(f"{call.where}: no connection: refused, or the host's name is not known.",
                              remedy="See whether it runs, and whether the connection's host is right.")  # fmt: skip
    if any(isinstance(cause, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError) for cause in chain):
        return TransientError(f"{call.where}: no answer within {timeout[1]:g} s.", uncertain=uncertain)
    if isinstance(error, ValueError) and (not sent or isinstance(error, requests.RequestException)):
        return ConfigError(f"{call.where}: the request cannot be built ({type(error).__name__}).",
                           remedy="Check address, path and headers for characters that do not belong there.")  # fmt: skip
    return TransientError(f"{call.where}: the connection broke ({type(error).__name__}).", uncertain=uncertain)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it wraps; urllib3 hides the cause in `reason` and in the arguments."""
    seen: list[BaseException] = [error] if error else []
    for found in seen:
        yield found
        inner = [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
        seen.extend(cause for cause in inner if isinstance(cause, BaseException) and cause not in seen)


def _split(url: str, where: str, *, base: str = "") -> SplitResult:
    try:
        return urlsplit(urljoin(base, url))
    except ValueError:
        pass  # its text is the address
    raise TransientError(f"{where}: the system gave a link that is no address.")


def _place(parts: SplitResult) -> tuple[str, str, int]:
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", port or DEFAULT_PORTS.get(parts.scheme, -1)
