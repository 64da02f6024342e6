"""MediaWiki answers 200 to everything; what happened is in the error's code."""

from __future__ import annotations

from typing import Any

from landbridge.errors import (
    AuthError,
    ConfigError,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import Answer, Meanings, meant
from landbridge.http.answer import READS
from landbridge.http.redaction import CODE
from landbridge.http.retry import retry_after

RIGHTS = "Give the account the rights that the connector's README lists, and the bot password the grants."
BLOCKED = "Ask an administrator of the wiki to unblock Landbridge's account."
MEANINGS: Meanings = {
    # The login has ended: the client signs in anew, once.
    "assertuserfailed": (AuthError, "the wiki does not know this login any more.", ""),
    "assertnameduserfailed": (AuthError, "the wiki does not know this login any more.", ""),
    "badtoken": (AuthError, "the session has ended.", ""),
    "mustbeloggedin": (AuthError, "a login is needed.", ""),
    "notloggedin": (AuthError, "a login is needed.", ""),
    "blocked": (AuthError, "the account is blocked.", BLOCKED),
    "autoblocked": (AuthError, "this machine's address is blocked.", BLOCKED),
    "readapidenied": (ScopeError, "the account may not read this wiki.", RIGHTS),
    "writeapidenied": (ScopeError, "the account may not write by the API.", RIGHTS),
    "permissiondenied": (ScopeError, "the account lacks a right.", RIGHTS),
    "cantcreate": (ScopeError, "the account may not create pages.", RIGHTS),
    "cantdelete": (ScopeError, "the account may not delete pages.", RIGHTS),
    "cantmove": (ScopeError, "the account may not move pages.", RIGHTS),
    "protectedpage": (RecordError, "the page is protected.", "Unprotect it, or let Landbridge's group edit it."),
    "cascadeprotected": (RecordError, "the page is protected with the page that shows it.", "Unprotect it."),
    "protectedtitle": (RecordError, "this title is protected against creation.", "Unprotect it, or use another path."),
    "missingtitle": (NotFound, "the page is not there.", ""),
    "nosuchpageid": (NotFound, "the page is not there.", ""),
    "pagedeleted": (NotFound, "the page was deleted meanwhile.", ""),
    "articleexists": (
        RecordError,
        "a page with this title is there already.",
        "Rename that page, or use another path in the flow.",
    ),
    "editconflict": (
        RecordError,
        "somebody has changed the same lines meanwhile.",
        "After the next read the flow decides anew, by edited_by_people.",
    ),
    "contenttoobig": (RecordError, "the text is longer than this wiki allows.", "Raise $wgMaxArticleSize, or shorten."),
    "badtags": (
        ConfigError,
        "the change tag does not exist.",
        "Make it on Special:Tags, or empty the connection's tag.",
    ),
    "badcontinue": (TransientError, "the wiki does not go on from where the reading was.", "Read again."),
    "readonly": (TransientError, "the wiki is read-only for now.", ""),
}


def error_of(answer: Answer) -> LandbridgeError | None:
    """None leaves it to the status; what an error says in words is never used, for it may name people."""
    body: Any = answer.json()
    found = body.get("error") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        return None
    code = str(found.get("code") or "")
    if code in ("maxlag", "ratelimited"):
        return RateLimited(f"{answer.where}: the wiki asks to wait ({code}).", after=retry_after(answer.headers))
    if code.startswith("internal_api_error"):
        return TransientError(f"{answer.where}: the wiki failed inside.", uncertain=answer.method not in READS)
    refused = RecordError(f"{answer.where}: the wiki refuses{f' ({code})' if CODE.fullmatch(code) else ''}.")
    return meant(answer, code, MEANINGS) or refused
