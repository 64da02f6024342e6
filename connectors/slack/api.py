"""What all streams of Slack share: the connection, its limits, and what `ok: false` means."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, SecretStr

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
from landbridge.http import Answer, BearerToken, Client, CursorPages, Limit, Meaning, Meanings, get_path

Json = dict[str, Any]
PAGE = 200
NEXT = "response_metadata.next_cursor"
CHANNELS = CursorPages(param="cursor", path=NEXT, items="channels", size_param="limit", size=PAGE)
KINDS = {"types": "public_channel,private_channel"}
UTF8 = {"Content-Type": "application/json; charset=utf-8"}
POST = "api/chat.postMessage"
# Calls a minute, and how many of them may come at once; https://docs.slack.dev/apis/web-api/rate-limits
TIER_2, TIER_3, TIER_4 = (Limit.within(60, *tier) for tier in ((20, 5), (50, 10), (100, 20)))
METHODS = {
    TIER_2: "users.list usergroups.list usergroups.create usergroups.update usergroups.enable usergroups.disable"
    " usergroups.users.update conversations.list conversations.create conversations.rename conversations.setTopic"
    " conversations.archive conversations.unarchive reactions.remove",
    TIER_3: "conversations.info conversations.history conversations.replies conversations.join conversations.invite"
    " conversations.kick chat.update chat.delete reactions.add files.delete apps.connections.open",
    TIER_4: "users.info conversations.members files.info auth.test files.getUploadURLExternal"
    " files.completeUploadExternal",
}
LIMITS = {f"api/{method}": limit for limit, methods in METHODS.items() for method in methods.split()} | {
    POST: Limit(1, by="channel")
}
# https://docs.slack.dev/reference/methods lists each method's errors; what is not here sets the one record aside.
MEANINGS = Meanings(
    Meaning(RateLimited, "ratelimited rate_limited"),
    Meaning(AuthError, "invalid_auth not_authed account_inactive token_revoked token_expired org_login_required"
            " ekm_access_denied invalid_token team_access_not_granted",
            remedy="Install the app again and renew the connection's password."),
    Meaning(ScopeError, "missing_scope access_denied restricted_action restricted_action_read_only_channel"
            " restricted_action_thread_only_channel not_allowed_token_type no_permission permission_denied"
            " user_is_restricted plan_upgrade_required paid_teams_only"),
    Meaning(ScopeError, "not_in_channel", remedy="Invite the app to the channel."),
    Meaning(NotFound, "channel_not_found message_not_found thread_not_found user_not_found users_not_found"
            " file_not_found file_deleted no_such_subteam subteam_not_found"),
    Meaning(ExpiredCursor, "invalid_cursor"),
    Meaning(TransientError, "fatal_error internal_error service_unavailable request_timeout team_added_to_org"),
    Meaning(RecordError, "cant_update_message", remedy="Slack lets nobody change what another account has written."),
    Meaning(RecordError, "cant_delete_message", remedy="Slack lets an app delete its own messages only."),
    Meaning(RecordError, "edit_window_closed", remedy="The workspace lets messages be changed for some time only."),
    Meaning(RecordError, "name_taken", remedy="Give one of the two channels another name."),
    Meaning(RecordError, "is_archived", remedy="Unarchive the channel in Slack."),
    otherwise=RecordError, said="Slack refused ({}).",
)  # fmt: skip


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
    error = MEANINGS.of(answer, answer.code, remedy=_scope(answer)) or answer.unlike("a reason", "none")
    if type(error) is TransientError:
        error.uncertain = answer.method != "GET"
    return error


def _scope(answer: Answer) -> str:
    """The remedy where one is missing."""
    needed = get_path(answer.json(), "needed") if answer.code == "missing_scope" else None
    named = isinstance(needed, str) and needed.replace(":", "").replace(".", "").isalpha()
    return f"Give the app the scope {needed} and install it again." if named else ""


class Api(Finding):
    """Calls as the app's bot: reading by GET, writing by POST with JSON."""

    Config = SlackConfig
    config: SlackConfig

    rooms = Stream("api/conversations.list", ("id",), "space", CHANNELS, params=KINDS)

    def make_client(self, token: SecretStr | None = None) -> Client:
        """As the app's bot, or with another token."""
        auth = BearerToken.fixed((token or self.config.password).get_secret_value())
        return Client(
            self.config.host.rstrip("/"), auth=auth, throttle=self.throttle, error_map=refusal, headers=UTF8,
            limits=LIMITS, hosts=("files.slack.com",),
        )  # fmt: skip

    @cached_property
    def signed_in(self) -> Answer:
        """Who we are; the scopes that the app has stand in its headers."""
        answer = self.client.get("api/auth.test")
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

    def channel(self, key: str) -> Json:
        return self.client.get("api/conversations.info", params={"channel": key}).part("channel", dict)

    def link(self, channel: str, ts: str = "", thread: str | None = None) -> str:
        """As Slack's own permalinks."""
        inside = f"/p{ts.replace('.', '')}" if ts else ""
        of_thread = f"?thread_ts={thread}&cid={channel}" if thread and ts and thread != ts else ""
        return f"{self.signed_in.part('url', str)}archives/{channel}{inside}{of_thread}"

    def listed(self, stream: Stream) -> Iterator[Json]:
        return self.client.items(stream.path, stream.pages, params=stream.params)

    def tell(self, method: str, body: Json, *, fine: Collection[str] = ()) -> Answer | None:
        """A write that does the same however often it is sent; None where Slack says a word of `fine`."""
        with done_already(*fine):
            return self.client.post(f"api/{method}", json=body, safe=True)
        return None
