"""Slack's Web API: accounts, channels, threads, reactions, files and user groups of one workspace, with its limits.

What people do in the client, `space` does.
"""

from __future__ import annotations

import re

from sandbox.company import Company
from sandbox.emulators.slack_events import Events
from sandbox.emulators.slack_files import Files
from sandbox.emulators.slack_page import Page
from sandbox.emulators.slack_scim import Provisioning
from sandbox.emulators.slack_web import FEW, api, changed, page, refused, who
from sandbox.emulators.slack_workspace import BOT, BOT_USER, TEAM, Json, without
from sandbox.emulators.system import EmulatedSystem
from sandbox.system import Connections

EMOJI_NAME = re.compile(r"[a-z0-9_+'-]{1,60}(::skin-tone-[2-6])?")


class Slack(Events, Files, Page, Provisioning):
    name = "slack"

    def seed(self, company: Company) -> None:
        self.space.fill(company)

    def kept(self) -> Json:
        return self.space.kept()

    def restore(self, kept: Json) -> None:
        self.space.restore(kept)

    # whoever asks

    @api("auth.test", 4)
    def auth_test(self, args: Json) -> Json:
        user = self.space.users[who(args)]
        ours = {"bot_id": BOT} if user["is_bot"] else {}
        return {"url": "https://halbrueck.slack.com/", "team": "Halbrück", "user": user["name"], "team_id": TEAM,
                "user_id": user["id"], **ours, "is_enterprise_install": False}  # fmt: skip

    # people

    @api("users.list", 2)
    def users_list(self, args: Json) -> Json:
        shown = [without(one, "_scim") for one in self.space.users.values()]
        return page("members", shown, args) | {"cache_ts": int(self.clock())}

    @api("users.info", 4)
    def users_info(self, args: Json) -> Json:
        return {"user": without(self.one("users", args.get("user")), "_scim")}

    @api("usergroups.list", 2)
    def usergroups_list(self, args: Json) -> Json:
        every = args.get("include_disabled") in ("true", True)
        return {"usergroups": [one for one in self.space.groups.values() if every or not one["date_delete"]]}

    @api("usergroups.create", 2)
    def usergroups_create(self, args: Json) -> Json:
        if any(args["name"] == one["name"] for one in self.space.groups.values()):
            raise refused("name_already_exists")
        return {"usergroup": self.space.group(args["name"], args.get("handle", ""), args.get("description", ""))}

    @api("usergroups.update", 2)
    def usergroups_update(self, args: Json) -> Json:
        group = self.one("groups", args.get("usergroup"))
        return {
            "usergroup": changed(
                group, {name: args[name] for name in ("name", "handle", "description") if name in args}
            )
        }

    @api("usergroups.disable", 2)
    def usergroups_disable(self, args: Json) -> Json:
        return self._switch(args, off=True)

    @api("usergroups.enable", 2)
    def usergroups_enable(self, args: Json) -> Json:
        return self._switch(args, off=False)

    @api("usergroups.users.update", 2)
    def usergroups_users_update(self, args: Json) -> Json:
        group = self.one("groups", args.get("usergroup"))
        users = [user for user in str(args.get("users", "")).split(",") if user]
        if not users:
            raise refused("no_users_provided")
        for user in users:
            self.one("users", user)
        return {"usergroup": changed(group, {"users": users, "user_count": len(users)})}

    def _switch(self, args: Json, *, off: bool) -> Json:
        group = self.one("groups", args.get("usergroup"))
        if bool(group["date_delete"]) is off:
            raise refused("already_disabled" if off else "already_enabled")
        return {"usergroup": changed(group, {"date_delete": int(self.clock()) if off else 0})}

    # channels

    @api("conversations.list", 2)
    def conversations_list(self, args: Json) -> Json:
        kinds = str(args.get("types", "public_channel"))
        shown = [self.seen_channel(one, args) for one in self.space.channels.values()
                 if ("private_channel" in kinds and who(args) in one["_members"] if one["is_private"] else
                     "public_channel" in kinds) and not one["is_im"]]  # fmt: skip
        return page("channels", shown, args)

    @api("conversations.info", 3)
    def conversations_info(self, args: Json) -> Json:
        return {"channel": self.seen_channel(self.channel(args), args)}

    @api("conversations.members", 4)
    def conversations_members(self, args: Json) -> Json:
        return page("members", self.channel(args)["_members"], args)

    @api("conversations.join", 3)
    def conversations_join(self, args: Json) -> Json:
        channel = self.channel(args)
        if who(args) not in channel["_members"]:
            channel["_members"].append(who(args))
        return {"channel": self.seen_channel(channel, args)}

    @api("conversations.create", 2)
    def conversations_create(self, args: Json) -> Json:
        name = str(args.get("name", ""))
        if not name or name != name.lower() or any(char in name for char in " .,!"):
            raise refused("invalid_name_specials")
        if any(name == one["name"] for one in self.space.channels.values()):
            raise refused("name_taken")
        private = args.get("is_private") in (True, "true")
        made = self.space.channel(name, [who(args)], creator=who(args), private=private)
        return {"channel": self.seen_channel(made, args)}

    @api("conversations.rename", 2)
    def conversations_rename(self, args: Json) -> Json:
        names = {"name": args["name"], "name_normalized": args["name"]}
        return {"channel": self.seen_channel(changed(self.channel(args, write=True), names), args)}

    @api("conversations.setTopic", 2)
    def conversations_set_topic(self, args: Json) -> Json:
        topic = {"value": args["topic"], "creator": who(args), "last_set": int(self.clock())}
        return {"channel": self.seen_channel(changed(self.channel(args, write=True), {"topic": topic}), args)}

    @api("conversations.archive", 2)
    def conversations_archive(self, args: Json) -> Json:
        channel = self.channel(args)
        if channel["is_archived"]:
            raise refused("already_archived")
        changed(channel, {"is_archived": True})
        return {}

    @api("conversations.unarchive", 2)
    def conversations_unarchive(self, args: Json) -> Json:
        channel = self.channel(args)
        if not channel["is_archived"]:
            raise refused("not_archived")
        changed(channel, {"is_archived": False})
        return {}

    @api("conversations.invite", 3)
    def conversations_invite(self, args: Json) -> Json:
        channel, user = self.channel(args, write=True), self.one("users", args.get("users"))["id"]
        if user in channel["_members"]:
            raise refused("already_in_channel")
        channel["_members"].append(user)
        return {"channel": self.seen_channel(channel, args)}

    @api("conversations.kick", 3)
    def conversations_kick(self, args: Json) -> Json:
        channel = self.channel(args, write=True)
        if args["user"] not in channel["_members"]:
            raise refused("not_in_channel")
        channel["_members"].remove(args["user"])
        return {}

    # messages

    @api("conversations.history", 3)
    def conversations_history(self, args: Json) -> Json:
        channel = self.channel(args, write=True)
        roots = [one for one in self.space.messages[channel["id"]]
                 if one.get("thread_ts", one["ts"]) == one["ts"] or one.get("subtype") == "thread_broadcast"]  # fmt: skip
        return {**self._said(roots[::-1], args), "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}

    @api("conversations.replies", 3)
    def conversations_replies(self, args: Json) -> Json:
        channel = self.channel(args, write=True)
        asked = self.space.find(channel["id"], str(args.get("ts")))
        if asked is None:
            raise refused("thread_not_found")
        whole = asked.get("thread_ts", asked["ts"]) == asked["ts"]
        return self._said(self.space.thread(channel["id"], asked["ts"]) if whole else [asked], args)

    @api("chat.postMessage", 0)
    def chat_post_message(self, args: Json) -> Json:
        channel = self.channel(args, write=True)
        if not args.get("text") and not args.get("blocks"):
            raise refused("no_text")
        more = {name: args[name] for name in ("blocks", "metadata") if args.get(name)}
        if who(args) == BOT_USER:
            named = {"subtype": "bot_message"} if "username" in args else {}
            more |= {"bot_id": BOT, **named, **({"username": args["username"]} if args.get("username") else {})}
        raw = self.space.say(channel["id"], who(args), args.get("text", ""), args.get("thread_ts"), **more)
        return {"channel": channel["id"], "ts": raw["ts"], "message": without(raw, "metadata")}

    @api("chat.update", 3)
    def chat_update(self, args: Json) -> Json:
        channel, raw = self._own(args, "cant_update_message")
        changed(raw, {name: args[name] for name in ("text", "blocks", "metadata") if name in args})
        if args.get("file_ids"):
            raw["files"] = [self.one("files", key) for key in args["file_ids"]]
        if not raw.get("blocks"):
            raw.pop("blocks", None)
        changed(raw, {"edited": {"user": who(args), "ts": self.space.now()}})
        self.space.changed(channel["id"], raw)
        return {"channel": channel["id"], "ts": raw["ts"], "text": raw["text"], "message": without(raw, "metadata")}

    @api("chat.delete", 3)
    def chat_delete(self, args: Json) -> Json:
        channel, raw = self._own(args, "cant_delete_message")
        self.space.remove(channel["id"], raw["ts"])
        return {"channel": channel["id"], "ts": raw["ts"]}

    @api("reactions.add", 3)
    def reactions_add(self, args: Json) -> Json:
        raw = self._reacted_to(args)
        if args["name"] in _put(raw, who(args)):
            raise refused("already_reacted")
        self.space.react(args["channel"], raw["ts"], args["name"], who(args))
        return {}

    @api("reactions.remove", 2)
    def reactions_remove(self, args: Json) -> Json:
        raw = self._reacted_to(args)
        if args["name"] not in _put(raw, who(args)):
            raise refused("no_reaction")
        self.space.unreact(args["channel"], raw["ts"], args["name"], who(args))
        return {}

    # steps of the above

    def _reacted_to(self, args: Json) -> Json:
        raw = self.space.find(self.channel(args, write=True)["id"], str(args.get("timestamp")))
        if raw is None or raw.get("subtype") == "tombstone":
            raise refused("message_not_found")
        if not EMOJI_NAME.fullmatch(str(args.get("name", ""))):
            raise refused("invalid_name")
        return raw

    def _own(self, args: Json, refusal: str) -> tuple[Json, Json]:
        channel = self.channel(args, write=True)
        raw = self.space.find(channel["id"], str(args.get("ts")))
        if raw is None or raw.get("subtype") == "tombstone":
            raise refused("message_not_found")
        if not (raw.get("bot_id") == BOT if who(args) == BOT_USER else raw["user"] == who(args)):
            raise refused(refusal)
        return channel, raw

    def _said(self, found: list[Json], args: Json) -> Json:
        oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or 1e12)
        root = args.get("ts")
        if args.get("inclusive") == "true":
            oldest, latest = oldest - 1e-6, latest + 1e-6
        some = [one for one in found if one["ts"] == root or oldest < float(one["ts"]) < latest]
        limit = FEW if self.narrow else None
        answer = page("messages", [self.space.shown(one) for one in some], args, limit)
        if args.get("include_all_metadata") != "true":
            answer["messages"] = [without(one, "metadata") for one in answer["messages"]]
        more = bool(answer["response_metadata"]["next_cursor"])
        return {**(answer if more else without(answer, "response_metadata")), "has_more": more}


def _put(raw: Json, user: str) -> set[str]:
    """Names of the reactions that an account has put on a message."""
    return {one["name"] for one in raw.get("reactions", ()) if user in one["users"]}


class SlackSystem(EmulatedSystem):
    name = "slack"
    emulator = "sandbox.emulators.slack:Slack"
    connection = "slack"

    def connections(self) -> Connections:
        """The app's, and that of the administrator's SCIM token."""
        made, token = super().connections(), self.secret("token")
        made[self.connection]["extra"] = {"app_token": f"xapp-{token}", "signing_secret": f"secret-{token}"}
        accounts = {
            "conn_type": "landbridge_scim",
            "host": f"{self.url}/scim/v2",
            "password": f"xoxp-{token}",
            "extra": {},
        }
        return {**made, f"{self.connection}_accounts": accounts}
