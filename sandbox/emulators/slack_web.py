"""What every method of Slack's Web API shares: sign-in, limits, arguments, pages and errors with 200."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from sandbox.emulators.base import Emulator, Limits, Refused, Reply, Request, route
from sandbox.emulators.slack_workspace import BOT_USER, Json, Workspace

SCOPES = (
    "users:read,users:read.email,channels:read,groups:read,channels:history,groups:history,reactions:read,files:read,"
    "files:write,chat:write,chat:write.customize,channels:manage,groups:write,channels:join,reactions:write,"
    "usergroups:read,usergroups:write"
)
PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
ERRORS = {
    "users": "user_not_found",
    "channels": "channel_not_found",
    "files": "file_not_found",
    "groups": "no_such_subteam",
}
FEW = 15
M = TypeVar("M", bound=Callable[..., Json])


def api(method: str, tier: int) -> Callable[[M], M]:
    """Marks what answers a method; tier 0 is posting, one message a second per channel."""

    def mark(handler: M) -> M:
        handler.__api__ = (method, tier)  # type: ignore[attr-defined]
        return handler

    return mark


class Web(Emulator):
    """One workspace. `unlimited` leaves the tiers out, for those who test something else.

    `narrow`: as Slack treats apps that are sold outside its Marketplace. People sign in with tokens of their own
    (`person_token`) and have no limits: tiers count what apps do.
    """

    methods: ClassVar[dict[str, tuple[str, int]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        handlers = ((name, getattr(getattr(cls, name), "__api__", None)) for name in dir(cls))
        cls.methods = {told[0]: (name, told[1]) for name, told in handlers if told}

    def __init__(self, *, narrow: bool = False, unlimited: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.narrow, self.unlimited = narrow, unlimited
        self.app_token = f"xapp-{self.token}"
        self.space = Workspace(self.clock)
        self.limits = Limits(self.clock)
        self.scopes = SCOPES

    def admit(self, request: Request) -> Reply | None:
        """Slack says these with 200; only who is over a limit is told by the status."""
        if not request.path.startswith("/api/"):
            return None
        listens, user = request.path.endswith("/apps.connections.open"), self.user_of(request.token)
        if (request.token != self.app_token) if listens else (user is None):
            return Reply({"ok": False, "error": "invalid_auth" if request.token else "not_authed"})
        if user not in (None, BOT_USER):
            return fault("account_inactive") if self.space.users[str(user)]["deleted"] else None
        method = request.path.removeprefix("/api/")
        args = arguments(request)
        tier = self.methods.get(method, ("", 4))[1]
        key, count, seconds = method, PER_MINUTE.get(tier, 0), 60.0
        if tier == 0:
            key, count, seconds = f"{method} {args.get('channel')}", 1, 1.0
        if self.narrow and method in ("conversations.history", "conversations.replies"):
            count = 1
        wait = 0.0 if self.unlimited and not self.narrow else self.limits.wait(key, count, seconds)
        if wait > 0:
            return Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(int(wait) + 1)})
        return None

    @route("GET", "/api/{method}")
    @route("POST", "/api/{method}")
    def call(self, request: Request) -> Reply:
        name = self.methods.get(request.values["method"], ("", 0))[0]
        if not name:
            return fault("unknown_method")
        handler: Callable[[Json], Json] = getattr(self, name)
        said = handler({**arguments(request), "_origin": request.origin, "_user": self.user_of(request.token)})
        return Reply({"ok": True, **said}, 200, {"X-OAuth-Scopes": self.scopes})

    def person_token(self, user: str) -> str:
        """What somebody's own client signs in with."""
        return f"xoxp-{user}-{self.token}"

    def user_of(self, token: str) -> str | None:
        """Who signs in with it: the app's bot, or the person whose token it is."""
        if token == self.token:
            return BOT_USER
        return next((user for user in self.space.users if token == self.person_token(user)), None)

    # steps of the above

    def one(self, kind: str, key: Any) -> Json:
        found: Json | None = getattr(self.space, kind).get(key)
        if found is None:
            raise refused(ERRORS[kind])
        return found

    def channel(self, args: Json, *, write: bool = False) -> Json:
        channel = self.one("channels", args.get("channel"))
        if who(args) not in channel["_members"]:
            if channel["is_private"]:
                raise refused("channel_not_found")
            if write:
                raise refused("not_in_channel")
        return channel

    def seen_channel(self, channel: Json, args: Json) -> Json:
        shown = {name: value for name, value in channel.items() if not name.startswith("_")}
        return {**shown, "is_member": who(args) in channel["_members"], "num_members": len(channel["_members"])}


def who(args: Json) -> str:
    """The account that calls."""
    return str(args.get("_user") or BOT_USER)


def fault(code: str) -> Reply:
    return Reply({"ok": False, "error": code})


def refused(code: str) -> Refused:
    return Refused({"ok": False, "error": code}, 200)


def arguments(request: Request) -> Json:
    """Slack takes them from the address, a form or JSON."""
    if "json" in request.headers.get("Content-Type", ""):
        return {**request.params, **(request.json or {})}
    return {**request.params, **request.form}


def page(name: str, found: list[Any], args: Json, most: int | None = None) -> Json:
    """One page; the cursor tells where the next begins."""
    limit = min(int(args.get("limit") or 100), most or 1000)
    cursor = str(args.get("cursor") or "0")
    if not cursor.removeprefix("next:").isdecimal():
        raise refused("invalid_cursor")
    start = int(cursor.removeprefix("next:"))
    following = f"next:{start + limit}" if start + limit < len(found) else ""
    return {name: found[start : start + limit], "response_metadata": {"next_cursor": following}}


def changed(record: Json, values: Json) -> Json:
    record.update(values)
    return record
