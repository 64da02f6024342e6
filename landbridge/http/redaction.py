"""What of a request may be shown: method, host, path without ids and query. Never a value of a query or a body."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

# A segment that is a word of the API (`wp-json`, `_matrix`, `chat.postMessage`, `v1.0`), not an id or a secret. What
# looks like a word may still be somebody's name: values belong into `path_params`, which are never shown.
WORD = re.compile(r"[_$]?[A-Z]?[a-z]+(?:[._-]?[A-Z][a-z]+|[._-][a-z]+)*\d{0,2}|v?\d(?:\.\d+)?|\{\w+\}")
LONGEST_WORD = 32
# Machine-readable codes such as `rest_post_invalid_id` or `M_FORBIDDEN`: no digits, no blanks, so no person, no token.
CODE = re.compile(r"[A-Za-z][A-Za-z_.-]{1,60}")
CODE_KEYS = ("errcode", "scimType", "code", "error", "category")
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")


def shown_path(path: str) -> str:
    """The path as a template: segments that may be ids, persons or secrets become `{…}`."""
    bare = path.split("?", 1)[0].split("#", 1)[0]
    return "/".join(part if not part or _is_word(part) else "{…}" for part in bare.split("/"))


def _is_word(part: str) -> bool:
    return len(part) <= LONGEST_WORD and WORD.fullmatch(part) is not None


def shown(method: str, url: str) -> str:
    """`GET chat.example.org/api/users/{…}`: how every message names a request."""
    parts = urlsplit(url)
    return f"{method} {parts.netloc.rpartition('@')[2]}{shown_path(parts.path)}"


def media_type(headers: Mapping[str, str]) -> str:
    """The declared media type, if it looks like one: a header is as little to be trusted as a body."""
    declared = headers.get("Content-Type", "").split(";", 1)[0].strip().lower()
    return declared if MEDIA_TYPE.fullmatch(declared) else "no media type"


def error_code(body: bytes) -> str:
    """The vendor's machine-readable error code from a JSON body; never its prose, which may name people."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    if not isinstance(found, dict):
        return ""
    codes = (found.get(key) for key in CODE_KEYS)
    return next((code for code in codes if isinstance(code, str) and CODE.fullmatch(code)), "")


class _WithoutPaths(logging.Filter):
    """urllib3 logs whole addresses; whoever turns on debug logging must not write tokens and names into the task log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(value) for value in record.args)
        return True


def _masked(value: object) -> object:
    if isinstance(value, BaseException):
        return type(value).__name__
    if not isinstance(value, str):
        return value
    scheme, separator, rest = value.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/…" if separator else "/…" if value.startswith("/") else value


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutPaths())
