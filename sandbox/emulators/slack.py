"""Slack's Web API: accounts, channels, threads, reactions, files and user groups of one workspace, with its limits.

`narrow`: as Slack treats apps that are sold outside its Marketplace. What people do in the client, `space` does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

from sandbox.company import Company
from sandbox.emulators.base import Emulator, Limits, Refused, Reply, Request, route
from sandbox.emulators.slack_workspace import BOT, BOT_USER, TEAM, Json, Workspace
from sandbox.emulators.system import EmulatedSystem

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


class Slack(Emulator):
    """`unlimited` leaves the tiers out, for those who test something else."""

    name = "slack"

    def __init__(self, *, narrow: bool = False, unlimited: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.narrow, self.unlimited = narrow, unlimited
        self.space = Workspace(self.clock)
        self.limits = Limits(self.clock)
        self.scopes = SCOPES
        self._uploads: dict[str, Json] = {}
        self._numbers = itertools.count(1)

    def seed(self, company: Company) -> None:
        self.space.fill(company)

    def admit(self, request: Request) -> Reply | None:
        """Slack says these with 200; only who is over a limit is told by the status."""
        if not request.path.startswith("/api/"):
            return None
        if request.token != self.token:
            return Reply({"ok": False, "error": "invalid_auth" if request.token else "not_authed"})
        method = request.path.removeprefix("/api/")
        args = arguments(request)
        tier = METHODS.get(method, ("", 4))[1]
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
        name = METHODS.get(request.values["method"], ("", 0))[0]
        if not name:
            return fault("unknown_method")
        handler: Callable[[Json], Json] = getattr(self, name)
        said = handler({**arguments(request), "_origin": request.origin})
        return Reply({"ok": True, **said}, 200, {"X-OAuth-Scopes": self.scopes})

    # whoever asks

    @api("auth.test", 4)
    def auth_test(self, args: Json) -> Json:
        return {"url": "https://halbrueck.slack.com/", "team": "Halbrück", "user": "landbridge", "team_id": TEAM,
                "user_id": BOT_USER, "bot_id": BOT, "is_enterprise_install": False}  # fmt: skip

    # people

    @api("users.list", 2)
    def users_list(self, args: Json) -> Json:
        return page("members", list(self.space.users.values()), args) | {"cache_ts": int(self.clock())}

    @api("users.info", 4)
    def users_info(self, args: Json) -> Json:
        return {"user": self._one("users", args.get("user"))}

    @api("usergroups.list", 2)
    def usergroups_list(self, args: Json) -> Json:
        every = args.get("include_disabled") in ("true", True)
        return {"usergroups": [one for one in self.space.groups.values() if every or not one["date_delete"]]}

    @api("usergroups.create", 2)
    def usergroups_create(self, args: Json) -> Json:
        if any(args["name"] == one["name"] for one in self.space.groups.values()):
            raise Refused({"ok": False, "error": "name_already_exists"}, 200)
        return {"usergroup": self.space.group(args["name"], args.get("handle", ""), args.get("description", ""))}

    @api("usergroups.update", 2)
    def usergroups_update(self, args: Json) -> Json:
        group = self._one("groups", args.get("usergroup"))
        return {
            "usergroup": _set(group, {name: args[name] for name in ("name", "handle", "description") if name in args})
        }

    @api("usergroups.disable", 2)
    def usergroups_disable(self, args: Json) -> Json:
        return self._switch(args, off=True)

    @api("usergroups.enable", 2)
    def usergroups_enable(self, args: Json) -> Json:
        return self._switch(args, off=False)

    @api("usergroups.users.update", 2)
    def usergroups_users_update(self, args: Json) -> Json:
        group = self._one("groups", args.get("usergroup"))
        users = [user for user in str(args.get("users", "")).split(",") if user]
        if not users:
            raise Refused({"ok": False, "error": "no_users_provided"}, 200)
        for user in users:
            self._one("users", user)
        return {"usergroup": _set(group, {"users": users, "user_count": len(users)})}

    def _switch(self, args: Json, *, off: bool) -> Json:
        group = self._one("groups", args.get("usergroup"))
        if bool(group["date_delete"]) is off:
            raise Refused({"ok": False, "error": "already_disabled" if off else "already_enabled"}, 200)
        return {"usergroup": _set(group, {"date_delete": int(self.clock()) if off else 0})}

    # channels

    @api("conversations.list", 2)
    def conversations_list(self, args: Json) -> Json:
        kinds = str(args.get("types", "public_channel"))
        shown = [self._seen(one) for one in self.space.channels.values()
                 if ("private_channel" in kinds and BOT_USER in one["_members"] if one["is_private"] else
                     "public_channel" in kinds) and not one["is_im"]]  # fmt: skip
        return page("channels", shown, args)

    @api("conversations.info", 3)
    def conversations_info(self, args: Json) -> Json:
        return {"channel": self._seen(self._channel(args))}

    @api("conversations.members", 4)
    def conversations_members(self, args: Json) -> Json:
        return page("members", self._channel(args)["_members"], args)

    @api("conversations.join", 3)
    def conversations_join(self, args: Json) -> Json:
        channel = self._channel(args)
        if BOT_USER not in channel["_members"]:
            channel["_members"].append(BOT_USER)
        return {"channel": self._seen(channel)}

    @api("conversations.create", 2)
    def conversations_create(self, args: Json) -> Json:
        name = str(args.get("name", ""))
        if not name or name != name.lower() or any(char in name for char in " .,!"):
            raise Refused({"ok": False, "error": "invalid_name_specials"}, 200)
        if any(name == one["name"] for one in self.space.channels.values()):
            raise Refused({"ok": False, "error": "name_taken"}, 200)
        private = args.get("is_private") in (True, "true")
        return {"channel": self._seen(self.space.channel(name, [BOT_USER], creator=BOT_USER, private=private))}

    @api("conversations.rename", 2)
    def conversations_rename(self, args: Json) -> Json:
        return {
            "channel": self._seen(
                _set(self._channel(args, write=True), {"name": args["name"], "name_normalized": args["name"]})
            )
        }

    @api("conversations.setTopic", 2)
    def conversations_set_topic(self, args: Json) -> Json:
        topic = {"value": args["topic"], "creator": BOT_USER, "last_set": int(self.clock())}
        return {"channel": self._seen(_set(self._channel(args, write=True), {"topic": topic}))}

    @api("conversations.archive", 2)
    def conversations_archive(self, args: Json) -> Json:
        channel = self._channel(args)
        if channel["is_archived"]:
            raise Refused({"ok": False, "error": "already_archived"}, 200)
        _set(channel, {"is_archived": True})
        return {}

    @api("conversations.unarchive", 2)
    def conversations_unarchive(self, args: Json) -> Json:
        channel = self._channel(args)
        if not channel["is_archived"]:
            raise Refused({"ok": False, "error": "not_archived"}, 200)
        _set(channel, {"is_archived": False})
        return {}

    @api("conversations.invite", 3)
    def conversations_invite(self, args: Json) -> Json:
        channel, user = self._channel(args, write=True), self._one("users", args.get("users"))["id"]
        if user in channel["_members"]:
            raise Refused({"ok": False, "error": "already_in_channel"}, 200)
        channel["_members"].append(user)
        return {"channel": self._seen(channel)}

    @api("conversations.kick", 3)
    def conversations_kick(self, args: Json) -> Json:
        channel = self._channel(args, write=True)
        if args["user"] not in channel["_members"]:
            raise Refused({"ok": False, "error": "not_in_channel"}, 200)
        channel["_members"].remove(args["user"])
        return {}

    # messages

    @api("conversations.history", 3)
    def conversations_history(self, args: Json) -> Json:
        channel = self._channel(args, write=True)
        roots = [one for one in self.space.messages[channel["id"]]
                 if one.get("thread_ts", one["ts"]) == one["ts"] or one.get("subtype") == "thread_broadcast"]  # fmt: skip
        return {**self._said(roots[::-1], args), "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}

    @api("conversations.replies", 3)
    def conversations_replies(self, args: Json) -> Json:
        channel = self._channel(args, write=True)
        asked = self.space.find(channel["id"], str(args.get("ts")))
        if asked is None:
            raise Refused({"ok": False, "error": "thread_not_found"}, 200)
        whole = asked.get("thread_ts", asked["ts"]) == asked["ts"]
        return self._said(self.space.thread(channel["id"], asked["ts"]) if whole else [asked], args)

    @api("chat.postMessage", 0)
    def chat_post_message(self, args: Json) -> Json:
        channel = self._channel(args, write=True)
        if not args.get("text") and not args.get("blocks"):
            raise Refused({"ok": False, "error": "no_text"}, 200)
        shown = {name: args[name] for name in ("blocks", "metadata", "username") if args.get(name)}
        more = {"subtype": "bot_message"} if "username" in args else {}
        raw = self.space.say(channel["id"], BOT_USER, args.get("text", ""), args.get("thread_ts"),
                             bot_id=BOT, **more, **shown)  # fmt: skip
        return {"channel": channel["id"], "ts": raw["ts"], "message": _without(raw, "metadata")}

    @api("chat.update", 3)
    def chat_update(self, args: Json) -> Json:
        channel, raw = self._own(args, "cant_update_message")
        _set(raw, {name: args[name] for name in ("text", "blocks", "metadata") if name in args})
        if not raw.get("blocks"):
            raw.pop("blocks", None)
        _set(raw, {"edited": {"user": BOT_USER, "ts": self.space.now()}})
        return {"channel": channel["id"], "ts": raw["ts"], "text": raw["text"], "message": _without(raw, "metadata")}

    @api("chat.delete", 3)
    def chat_delete(self, args: Json) -> Json:
        channel, raw = self._own(args, "cant_delete_message")
        self.space.remove(channel["id"], raw["ts"])
        return {"channel": channel["id"], "ts": raw["ts"]}

    # files

    @api("files.info", 4)
    def files_info(self, args: Json) -> Json:
        return {"file": {**self._one("files", args.get("file")), "url_private_download": f"{args['_origin']}/files/{args['file']}"},
                "comments": []}  # fmt: skip

    @api("files.getUploadURLExternal", 4)
    def files_get_upload_url(self, args: Json) -> Json:
        number = f"F{next(self._numbers):010}"
        self._uploads[number] = {"name": args["filename"], "size": int(args["length"]), "bytes": b""}
        return {"upload_url": f"{args['_origin']}/upload/{number}", "file_id": number}

    @api("files.completeUploadExternal", 4)
    def files_complete_upload(self, args: Json) -> Json:
        done = []
        for wanted in args["files"]:
            upload = self._uploads.pop(wanted["id"], None)
            if upload is None or len(upload["bytes"]) != upload["size"]:
                raise Refused({"ok": False, "error": "file_not_found"}, 200)
            done.append(self.space.file(wanted["id"], wanted.get("title") or upload["name"], upload["bytes"]))
        if args.get("channel_id"):
            channel = self._channel({"channel": args["channel_id"]}, write=True)["id"]
            self.space.say(channel, BOT_USER, args.get("initial_comment", ""), args.get("thread_ts"),
                           bot_id=BOT, subtype="file_share", files=done)  # fmt: skip
        return {"files": done}

    @route("POST", "/upload/{number}")
    def upload(self, request: Request) -> Reply:
        self._uploads[request.values["number"]]["bytes"] = request.body
        return Reply(b"OK - %d" % len(request.body))

    @route("GET", "/files/{number}")
    def download(self, request: Request) -> Reply:
        if request.token != self.token:
            return Reply(b"<html>sign in</html>", 200, {"Content-Type": "text/html"})
        return Reply(self.space.contents[request.values["number"]])

    # steps of the above

    def _one(self, kind: str, key: Any) -> Json:
        found: Json | None = getattr(self.space, kind).get(key)
        if found is None:
            raise Refused({"ok": False, "error": ERRORS[kind]}, 200)
        return found

    def _channel(self, args: Json, *, write: bool = False) -> Json:
        channel = self._one("channels", args.get("channel"))
        if BOT_USER not in channel["_members"]:
            if channel["is_private"]:
                raise Refused({"ok": False, "error": "channel_not_found"}, 200)
            if write:
                raise Refused({"ok": False, "error": "not_in_channel"}, 200)
        return channel

    def _own(self, args: Json, refusal: str) -> tuple[Json, Json]:
        channel = self._channel(args, write=True)
        raw = self.space.find(channel["id"], str(args.get("ts")))
        if raw is None or raw.get("subtype") == "tombstone":
            raise Refused({"ok": False, "error": "message_not_found"}, 200)
        if raw.get("bot_id") != BOT:
            raise Refused({"ok": False, "error": refusal}, 200)
        return channel, raw

    def _seen(self, channel: Json) -> Json:
        shown = {name: value for name, value in channel.items() if not name.startswith("_")}
        return {**shown, "is_member": BOT_USER in channel["_members"], "num_members": len(channel["_members"])}

    def _said(self, found: list[Json], args: Json) -> Json:
        oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or 1e12)
        root = args.get("ts")
        some = [one for one in found if one["ts"] == root or oldest < float(one["ts"]) < latest]
        limit = FEW if self.narrow else None
        answer = page("messages", [self.space.shown(one) for one in some], args, limit)
        if args.get("include_all_metadata") != "true":
            answer["messages"] = [_without(one, "metadata") for one in answer["messages"]]
        more = bool(answer["response_metadata"]["next_cursor"])
        return {**(answer if more else _without(answer, "response_metadata")), "has_more": more}


METHODS: dict[str, tuple[str, int]] = {
    handler.__api__[0]: (name, handler.__api__[1])
    for name, handler in vars(Slack).items()
    if hasattr(handler, "__api__")
}


class SlackSystem(EmulatedSystem):
    name = "slack"
    emulator = "sandbox.emulators.slack:Slack"
    connection = "slack"


def fault(code: str) -> Reply:
    return Reply({"ok": False, "error": code})


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
        raise Refused({"ok": False, "error": "invalid_cursor"}, 200)
    start = int(cursor.removeprefix("next:"))
    following = f"next:{start + limit}" if start + limit < len(found) else ""
    return {name: found[start : start + limit], "response_metadata": {"next_cursor": following}}


def _set(record: Json, values: Json) -> Json:
    record.update(values)
    return record


def _without(record: Json, name: str) -> Json:
    return {key: value for key, value in record.items() if key != name}
