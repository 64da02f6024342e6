"""Exchanges against what Microsoft publishes: its OpenAPI description, and the pairs of its documentation beside it."""

from __future__ import annotations

import importlib.util
import json
import re
import warnings
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import unquote

from sandbox.emulators.base import Reply, Request
from tests.shared import SHARED

PUBLIC = "https://graph.microsoft.com"
DOCS = "https://learn.microsoft.com/graph/api"
# In neither of the two, though its pages document them.
BESIDES = {
    ("POST", "/v1.0/users/*/revokeSignInSessions"): f"{DOCS}/user-revokesigninsessions",
    ("PATCH", "/v1.0/teams/*/channels/*/messages/*/replies/*"): f"{DOCS}/chatmessage-update",
    ("GET", "/v1.0/teams/*/channels/*/messages/*/hostedContents/*/$value"): f"{DOCS}/chatmessagehostedcontent-get",
    ("GET", "/v1.0/drives/*/items/*/content"): f"{DOCS}/driveitem-get-content",
    ("PUT", "/v1.0/drives/*/items/*:/Landbridge/*/*:/content"): f"{DOCS}/driveitem-put-content",
    ("GET", "/v1.0/shares/*/driveItem/content"): f"{DOCS}/shares-get",
}


def problems_of(exchanges: Iterable[tuple[Request, Reply]]) -> list[str]:
    """What Microsoft would not know or would answer otherwise; nothing where its descriptions are not at hand."""
    if not SHARED.is_dir():
        return []
    found = (
        f"{request.method} {request.path}: {problem}"
        for request, reply in exchanges
        if request.path.startswith("/v1.0/")
        for problem in _check(request, reply)
    )
    return list(dict.fromkeys(found))


def _check(request: Request, reply: Reply) -> list[str]:
    url = PUBLIC + request.url.removeprefix(request.origin)
    asked = (request.method, url, dict(request.headers), request.body)
    problems = _contract("strict").check(*asked)
    if problems and ("no such path" in problems[0] or "not defined for" in problems[0]):
        return [] if _documented(request.method, request.path) else problems
    if reply.status == 400 and problems:  # asked wrongly on purpose, and refused
        return []
    told: list[str] = _contract("lenient").check(*asked, reply.status, dict(reply.sent_headers), reply.content)
    return list(dict.fromkeys([*problems, *told]))


@cache
def _contract(kind: str) -> Any:
    path = SHARED / "contracts" / "contract.py"
    spec = importlib.util.spec_from_file_location("contract", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its files open
        return module.Contract(str(path.parent / "graph" / f"graph-v1.0-2026-08.{kind}.json"))


@cache
def documented() -> list[dict[str, Any]]:
    """Request and response pairs of Microsoft's documentation."""
    path = SHARED / "samples" / "graph" / "graph-v1_0-proxy-mocks.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["mocks"]
    return found


@cache
def _documented(method: str, path: str) -> bool:
    if any(method == known and _like(pattern, path) for known, pattern in BESIDES):
        return True
    pairs = (pair["request"] for pair in documented())
    return any(
        pair.get("method", "GET") == method and _like(pair["url"].removeprefix(PUBLIC).partition("?")[0], path)
        for pair in pairs
    )


def _like(pattern: str, path: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]+"), unquote(path)) is not None
