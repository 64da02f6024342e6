"""What WordPress's error codes mean where its status tells something else."""

from __future__ import annotations

from typing import Any

from landbridge.errors import (
    AuthError,
    ConfigError,
    IncompleteRead,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
)
from landbridge.http import Answer, Meaning, Meanings, get_path

TAKEN = "Link or rename the account that has it, then try again."
NOT_OPEN = "Open the post for comments, or drop this delivery."
MEANINGS = Meanings(
    Meaning(ConfigError, "rest_no_route", "this site has no such REST route.",
            "Check the connection's address, and that no plugin closes the REST API."),
    Meaning(RecordError, "existing_user_login", "another account has this login.", TAKEN),
    Meaning(RecordError, "existing_user_email", "another account has this e-mail address.", TAKEN),
    Meaning(RecordError, "rest_comment_closed", "the post is closed for comments.", NOT_OPEN),
    Meaning(RecordError, "rest_comment_draft_post", "the post is a draft.", NOT_OPEN),
    Meaning(RecordError, "rest_comment_trash_post", "the post is in the trash.", NOT_OPEN),
    Meaning(RecordError, "rest_trash_not_supported", "this site has no trash to delete to.",
            "Set EMPTY_TRASH_DAYS above 0, or delete it by hand."),
    Meaning(RecordError, "rest_user_invalid_role", "the role does not exist, or Landbridge may not give it.",
            "Check default_role of the connection."),
    # Nothing to remove where application passwords are switched off.
    Meaning(NotFound, "application_passwords_disabled", "application passwords are switched off."),
    Meaning(NotFound, "application_passwords_disabled_for_user", "this account may have no application passwords."),
    Meaning(IncompleteRead, "rest_post_invalid_page_number", "posts were removed while they were read.", "Read again."),
    # It takes one comment in 15 seconds from an account that does not moderate.
    Meaning(RateLimited, "comment_flood", "WordPress finds the comments too quick.", after=15.0),
)  # fmt: skip


def error_of(answer: Answer) -> LandbridgeError | None:
    """None leaves it to the status; the text of an answer is never used, for it may name people."""
    if answer.status < 400:
        return None
    found: Any = answer.json()
    code = found.get("code") if isinstance(found, dict) else None
    if code == "rest_invalid_param":
        return _refused_value(answer, found)
    return MEANINGS.of(answer, code)


def _refused_value(answer: Answer, found: Any) -> LandbridgeError | None:
    """Statuses of posts that an account may not see are refused as if they were misspelt."""
    details = get_path(found, "data.details")
    statuses = {get_path(detail, "data.status") for detail in details.values()} if isinstance(details, dict) else set()
    if 401 in statuses:
        return AuthError(f"{answer.where}: the login is refused.")
    return ScopeError(f"{answer.where}: the account may not see this.") if 403 in statuses else None
