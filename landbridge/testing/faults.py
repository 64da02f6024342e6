"""What can go wrong between a client and a system, each as one fault for `FaultProxy`.

A fault that answers by itself keeps the request from the server. Put `applied` around it, and the server has done what
it was asked for before its answer is lost: the case that makes duplicates.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from landbridge.http import get_path
from landbridge.testing.exchange import Asked, Fault, Reply, Server, Wire

SIGN_IN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
# Longer than any client waits.
FOR_EVER = 3600.0


def refuse(status: int, body: bytes = b"{}", media_type: str = "application/json", **headers: str) -> Fault:
    """Answer with this status; underscores of header names stand for hyphens."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    reply = Reply(status, (("Content-Type", media_type), *named), body)
    return lambda asked, server: reply


def too_many(after: float | None = None, *, as_date: bool = False) -> Fault:
    """429; `after` is the Retry-After in seconds, said as an HTTP date where `as_date`, left out where None."""
    if after is None:
        return refuse(429)
    if not as_date:
        return refuse(429, Retry_After=f"{after:g}")

    def dated(asked: Asked, server: Server) -> Reply:
        moment = datetime.now(UTC)
        headers = (("Date", _http_date(moment)), ("Retry-After", _http_date(moment + timedelta(seconds=after))))
        return Reply(429, headers, b"")

    return dated


def server_error(status: int = 502) -> Fault:
    """A gateway's answer: 5xx with a page instead of JSON."""
    return refuse(status, b"<html><body>Bad gateway</body></html>", "text/html")


def html(status: int = 200) -> Fault:
    """A sign-in or maintenance page that stands before the system, with a success as status."""
    return refuse(status, SIGN_IN_PAGE, "text/html; charset=utf-8")


def expired() -> Fault:
    """410: the cursor, token or link is no longer known."""
    return refuse(410, b'{"error": "The token has expired."}')


def silence(seconds: float = FOR_EVER) -> Fault:
    """Say nothing for so long, then end the connection: the client's timeout."""
    return lambda asked, server: Reply(504, wire=Wire(silence=seconds, cut=-1))


def reset() -> Fault:
    """End the connection by a TCP reset, before any answer."""
    return lambda asked, server: Reply(502, wire=Wire(cut=-1))


def applied(fault: Fault) -> Fault:
    """The server does what it is asked for; its answer is lost, and the client meets the fault instead."""

    def both(asked: Asked, server: Server) -> Reply:
        reply = server(asked)
        # A fault that shapes the true answer must not ask for it a second time: the write would be done twice.
        return fault(asked, lambda again: reply)

    return both


def cut(after: int | float = 0.5) -> Fault:
    """The true answer, reset after so many bytes of its body (a fraction: of its length)."""

    def midway(asked: Asked, server: Server) -> Reply:
        reply = server(asked)
        count = int(len(reply.body) * after) if isinstance(after, float) else after
        return replace(reply, wire=Wire(cut=count))

    return midway


def wrong_length(by: int = 10) -> Fault:
    """A Content-Length that is wrong: above 0 the connection ends too early, below 0 the body is cut off."""
    return lambda asked, server: replace(server(asked), wire=Wire(lie=by))


def drip(pause: float = 0.01) -> Fault:
    """The true answer in small pieces, with a pause of so many seconds between them."""
    return lambda asked, server: replace(server(asked), wire=Wire(drip=pause))


def slow(seconds: float) -> Fault:
    """The true answer, late."""

    def late(asked: Asked, server: Server) -> Reply:
        time.sleep(seconds)
        return server(asked)

    return late


def ignore(*params: str) -> Fault:
    """A server that ignores these parameters: filters, change times, pages."""
    return lambda asked, server: server(asked.without(*params))


def normalise(*fields: str, change: Callable[[str], str] = str.upper) -> Fault:
    """A server that changes the texts it is given, at these paths of the request's JSON, before it keeps them."""

    def changed(asked: Asked, server: Server) -> Reply:
        value = asked.json() if asked.body.lstrip()[:1] in (b"{", b"[") else None
        for path in fields:
            head, _, name = path.rpartition(".")
            holder = get_path(value, head)
            if isinstance(holder, dict) and isinstance(holder.get(name), str):
                holder[name] = change(holder[name])
        return server(asked if value is None else asked.with_json(value))

    return changed


def wrong_clock(seconds: float) -> Fault:
    """A server whose clock is ahead (below 0: behind): its Date header and the ISO times in its answers are shifted."""

    def shifted(asked: Asked, server: Server) -> Reply:
        reply = server(asked)
        if date := reply.header("Date"):
            reply = reply.with_header("Date", _http_date(parsedate_to_datetime(date) + timedelta(seconds=seconds)))
        return replace(reply, body=_ISO.sub(lambda found: _moved(found, seconds), reply.body))

    return shifted


_ISO = re.compile(rb"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d")


def _moved(found: re.Match[bytes], seconds: float) -> bytes:
    moment = datetime.fromisoformat(found[0].decode()) + timedelta(seconds=seconds)
    return moment.isoformat(sep=found[1].decode(), timespec="seconds").encode()


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
