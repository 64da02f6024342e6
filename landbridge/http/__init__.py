"""One HTTP client for all connectors: it signs, throttles, retries, pages and names errors."""

from __future__ import annotations

from landbridge.http.answer import Answer
from landbridge.http.auth import Basic, BearerToken, Header, Token
from landbridge.http.client import Client, latest_request
from landbridge.http.keyset import KeysetPages
from landbridge.http.meanings import Meaning, Meanings
from landbridge.http.multipart import Multipart
from landbridge.http.oauth import Assertion, ClientCredentials, RefreshToken, TokenEndpoint
from landbridge.http.once import Once
from landbridge.http.pages import (
    ContinuePages,
    CursorPages,
    DeltaPages,
    LinkPages,
    Next,
    NumberedPages,
    ODataPages,
    OffsetPages,
    Pages,
    SinglePage,
    get_path,
    getter,
)
from landbridge.http.reading import Page, read_pages
from landbridge.http.retry import Retries
from landbridge.http.throttle import Limit, LocalThrottle, Throttle

__all__ = [
    "Answer",
    "Assertion",
    "Basic",
    "BearerToken",
    "Client",
    "ClientCredentials",
    "ContinuePages",
    "CursorPages",
    "DeltaPages",
    "Header",
    "KeysetPages",
    "Limit",
    "LinkPages",
    "LocalThrottle",
    "Meaning",
    "Meanings",
    "Multipart",
    "Next",
    "NumberedPages",
    "ODataPages",
    "OffsetPages",
    "Once",
    "Page",
    "Pages",
    "RefreshToken",
    "Retries",
    "SinglePage",
    "Throttle",
    "Token",
    "TokenEndpoint",
    "get_path",
    "getter",
    "latest_request",
    "read_pages",
]
