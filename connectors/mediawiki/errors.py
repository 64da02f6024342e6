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
from landbridge.http import Answer, Meaning, Meanings
from landbridge.http.answer import READS
from landbridge.http.redaction import CODE

RIGHTS = "Give the account the rights that the connector's README lists, and the bot password the grants."
BLOCKED = "Ask an administrator of the wiki to unblock Landbridge's account."
MEANINGS = Meanings(
    # The login has ended: the client signs in anew, once.
    Meaning(AuthError, "assertuserfailed assertnameduserfailed", "the wiki does not know this login any more."),
    Meaning(AuthError, "badtoken", "the session has ended."),
    Meaning(AuthError, "mustbeloggedin notloggedin", "a login is needed."),
    Meaning(AuthError, "blocked", "the account is blocked.", BLOCKED),
    Meaning(AuthError, "autoblocked", "this machine's address is blocked.", BLOCKED),
    Meaning(ScopeError, "readapidenied", "the account may not read this wiki.", RIGHTS),
    Meaning(ScopeError, "writeapidenied", "the account may not write by the API.", RIGHTS),
    Meaning(ScopeError, "permissiondenied", "the account lacks a right.", RIGHTS),
    Meaning(ScopeError, "cantcreate", "the account may not create pages.", RIGHTS),
    Meaning(ScopeError, "cantdelete", "the account may not delete pages.", RIGHTS),
    Meaning(ScopeError, "cantmove", "the account may not move pages.", RIGHTS),
    Meaning(RecordError, "protectedpage", "the page is protected.", "Unprotect it, or let Landbridge's group edit it."),
    Meaning(RecordError, "cascadeprotected", "the page is protected with the page that shows it.", "Unprotect it."),
    Meaning(RecordError, "protectedtitle", "this title is protected against creation.",
            "Unprotect it, or use another path."),
    Meaning(NotFound, "missingtitle nosuchpageid", "the page is not there."),
    Meaning(NotFound, "pagedeleted", "the page was deleted meanwhile."),
    Meaning(RecordError, "articleexists", "a page with this title is there already.",
            "Rename that page, or use another path in the flow."),
    Meaning(RecordError, "editconflict", "somebody has changed the same lines meanwhile.",
            "After the next read the flow decides anew, by edited_by_people."),
    Meaning(RecordError, "contenttoobig", "the text is longer than this wiki allows.",
            "Raise $wgMaxArticleSize, or shorten."),
    Meaning(ConfigError, "badtags", "the change tag does not exist.",
            "Make it on Special:Tags, or empty the connection's tag."),
    Meaning(TransientError, "badcontinue", "the wiki does not go on from where the reading was.", "Read again."),
    Meaning(TransientError, "readonly", "the wiki is read-only for now."),
    Meaning(RateLimited, "maxlag ratelimited", "the wiki asks to wait ({})."),
)  # fmt: skip


def error_of(answer: Answer) -> LandbridgeError | None:
    """None leaves it to the status; what an error says in words is never used, for it may name people."""
    body: Any = answer.json()
    found = body.get("error") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        return None
    code = str(found.get("code") or "")
    if code.startswith("internal_api_error"):
        return TransientError(f"{answer.where}: the wiki failed inside.", uncertain=answer.method not in READS)
    refused = RecordError(f"{answer.where}: the wiki refuses{f' ({code})' if CODE.fullmatch(code) else ''}.")
    return MEANINGS.of(answer, code) or refused
