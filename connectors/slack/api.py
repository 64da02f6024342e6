"""What all streams of Slack share: the connection, its limits, and what `ok: false` means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, SecretStr

from connectors.slack.limits import Limits
from landbridge.connector import ConnectionConfig, Finding, Stream, done_already
from landbridge.errors import (
    AuthError,
    ExpiredCursor,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import Answer, BearerToken, Client, CursorPages, Page, Pages, get_path
from landbridge.http.retry import retry_after

Json = dict[str, Any]
PAGE = 200
NEXT = "response_metadata.next_cursor"
CHANNELS = CursorPages(param="cursor", path=NEXT, items="channels", size_param="limit", size=PAGE)
KINDS = {"types": "public_channel,private_channel"}
LIMITED = ("ratelimited", "rate_limited")
# https://docs.slack.dev/reference/methods lists each method's errors; what is not here sets the one record aside.
WORDS: dict[type[LandbridgeError], str] = {
    AuthError: "invalid_auth not_authed account_inactive token_revoked token_expired org_login_required ekm_access_denied"
    " invalid_token team_access_not_granted",
    ScopeError: "missing_scope not_in_channel access_denied restricted_action restricted_action_read_only_channel"
    " restricted_action_thread_only_channel not_allowed_token_type no_permission permission_denied user_is_restricted"
    " plan_upgrade_required paid_teams_only",
    NotFound: "channel_not_found message_not_found thread_not_found user_not_found users_not_found file_not_found"
    " file_deleted no_such_subteam subteam_not_found",
    ExpiredCursor: "invalid_cursor",
    TransientError: "fatal_error internal_error service_unavailable request_timeout team_added_to_org",
}
MEANT = {word: kind for kind, words in WORDS.items() for word in words.split()}
REMEDIES = dict.fromkeys(WORDS[AuthError].split(), "Install the app again and renew the connection's password.") | {
    "not_in_channel": "Invite the app to the channel.",
    "cant_update_message": "Slack lets nobody change what another account has written.",
    "cant_delete_message": "Slack lets an app delete its own messages only.",
    "edit_window_closed": "The workspace lets messages be changed for some time only.",
    "name_taken": "Give one of the two channels another name.",
    "is_archived": "Unarchive the channel in Slack.",
}


class SlackConfig(ConnectionConfig):
    """One workspace, by the bot token of an app that the company has made for itself."""

    host: str = Field("https://slack.com", pattern=r"^https?://", description="https://slack.com, or slack-gov.com")
    password: SecretStr = Field(description="Bot User OAuth Token of the app (xoxb-…)")
    app_token: SecretStr | None = Field(
        None, description="app-level token for Socket Mode (xapp-…), for landbridge watch"
    )
    signing_secret: SecretStr | None = Field(None, description="of the app; checks what Slack sends us (watch --http)")
    join: Literal["public", "never"] = Field("never", description="public: enters every public channel to read it")
    history_from: date | None = Field(None, description="nothing that was said before this day is read")
    reread_days: int = Field(
        7, ge=1, le=90, description="how far back each read looks for edits, replies and reactions"
    )


def refusal(answer: Answer) -> LandbridgeError | None:
    """Slack says with 200 what others say with a status."""
    if answer.status != 200 or "/api/" not in answer.url or answer.part("ok", bool):
        return None
    code = answer.code
    where = f"{answer.where}: Slack refused ({code or 'without a reason'})."
    if code in LIMITED:
        return RateLimited(where, after=retry_after(answer.headers))
    error = MEANT.get(code, RecordError if code else TransientError)(where, remedy=_remedy(answer))
    error.code = code
    if isinstance(error, TransientError):
        error.uncertain = answer.method != "GET"
    return error


def _remedy(answer: Answer) -> str:
    needed = get_path(answer.json(), "needed")
    if (
        answer.code == "missing_scope"
        and isinstance(needed, str)
        and needed.replace(":", "").replace(".", "").isalpha()
    ):
        return f"Give the app the scope {needed} and install it again."
    return REMEDIES.get(answer.code, "")


class Api(Finding):
    """Calls as the app's bot: reading by GET, writing by POST with JSON."""

    Config = SlackConfig
    config: SlackConfig

    rooms = Stream("api/conversations.list", ("id",), "space", CHANNELS, params=KINDS)

    def make_client(self, token: BearerToken | None = None) -> Client:
        """As the app's bot, or with another token."""
        auth = token or BearerToken.fixed(self.config.password.get_secret_value())
        return Client(
            self.config.host.rstrip("/"), auth=auth, throttle=self.throttle, error_map=refusal,
            hosts=("files.slack.com",),
        )  # fmt: skip

    @cached_property
    def limits(self) -> Limits:
        return Limits(self.throttle)

    @cached_property
    def signed_in(self) -> Answer:
        """Who we are; the scopes that the app has stand in its headers."""
        answer = self.ask("auth.test")
        if not get_path(answer.json(), "bot_id"):
            raise AuthError("The token is a person's.", remedy="Use the app's Bot User OAuth Token (xoxb-…).")
        return answer

    @cached_property
    def ours(self) -> frozenset[str]:
        """By which Slack says that a message is the app's: its bot, or the bot's account."""
        return frozenset((self.signed_in.part("bot_id", str), self.me))

    @property
    def me(self) -> str:
        return self.signed_in.part("user_id", str)

    def link(self, channel: str, ts: str = "", thread: str | None = None) -> str:
        """As Slack's own permalinks."""
        inside = f"/p{ts.replace('.', '')}" if ts else ""
        of_thread = f"?thread_ts={thread}&cid={channel}" if thread and ts and thread != ts else ""
        return f"{self.signed_in.part('url', str)}archives/{channel}{inside}{of_thread}"

    def ask(self, method: str, **params: Any) -> Answer:
        return self.client.get(f"api/{method}", params=params, limit=self.limits.of(method))

    def paged(self, method: str, pages: Pages, params: Mapping[str, Any]) -> Iterator[Page]:
        return self.client.pages(f"api/{method}", pages, params=params, limit=self.limits.of(method))

    def pages_of(self, stream: Stream, since: str) -> Iterator[Page]:
        """Each method has a limit of its own."""
        return self.paged(stream.path.removeprefix("api/"), stream.pages, stream.params)

    def listed(self, stream: Stream) -> Iterator[Json]:
        for page in self.pages_of(stream, ""):
            yield from page.items

    def told(self, method: str, body: Json, *, safe: bool = True) -> Answer:
        """A write; `safe` as the client's."""
        return self.client.post(
            f"api/{method}", json=body, safe=safe, limit=self.limits.of(method, str(body.get("channel", ""))),
            headers={"Content-Type": "application/json; charset=utf-8"},
        )  # fmt: skip

    def tell(self, method: str, body: Json, *, fine: Collection[str] = (), safe: bool = True) -> Answer | None:
        """A write; None where Slack says one of the words in `fine`, by which nothing was left to do."""
        with done_already(*fine):
            return self.told(method, body, safe=safe)
        return None
