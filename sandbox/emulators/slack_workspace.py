"""One Slack workspace: what is in it, and what people do in it."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable
from mimetypes import guess_type
from typing import Any

from sandbox.company import Company, Person

Json = dict[str, Any]
TEAM, BOT, BOT_USER = "T05V9J9TL4D", "B0LANDBRIDGE", "U0LANDBRIDGE"
KEPT = ("users", "channels", "groups", "files", "messages")
NAMES = {"✅": "white_check_mark", "📌": "pushpin", "👍": "+1", "🎉": "tada", "❤️": "heart", "👀": "eyes", "🙏": "pray"}


class Workspace:
    """Objects in the form in which Slack shows them; fields that begin with an underscore are not shown."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.users: dict[str, Json] = {}
        self.channels: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}
        self.files: dict[str, Json] = {}
        self.contents: dict[str, bytes] = {}
        self.messages: dict[str, list[Json]] = defaultdict(list)
        self._stamp = 0
        # Who is told what happens: (channel, event).
        self.tell: Callable[[str, Json], None] = lambda channel, event: None
        self.user("landbridge", "Landbridge", id=BOT_USER, is_bot=True)

    def fill(self, company: Company) -> None:
        """Those in the chat, its rooms with the app in the open ones, and what was said."""
        people = {person.user_name: self.person(person)["id"] for person in company.in_chat()}
        rooms, events = {}, {}
        for room in company.rooms:
            members = [people[name] for name in room.members if name in people]
            if room.visibility == "public":
                members.append(BOT_USER)
            made = self.channel(room.alias, members, creator=members[0], private=room.visibility != "public")
            made["is_im"] = room.visibility == "direct"
            made["topic"]["value"] = room.topic
            rooms[room.alias] = made["id"]
        for one in company.messages:
            ts = f"{one.sent.timestamp():.6f}"
            raw = self.say(rooms[one.room], people[one.author], one.text, events.get(one.thread), ts=ts)
            events[one.key] = raw["ts"]
            for emoji, name in one.reactions:
                self.react(rooms[one.room], raw["ts"], NAMES.get(emoji, "+1"), people[name])

    def kept(self) -> Json:
        """All that is in it, as JSON."""
        contents = {id: base64.b64encode(data).decode() for id, data in self.contents.items()}
        return {**{name: dict(getattr(self, name)) for name in KEPT}, "contents": contents, "stamp": self._stamp}

    def restore(self, kept: Json) -> None:
        for name in KEPT:
            getattr(self, name).update(kept[name])
        self.contents.update({id: base64.b64decode(data) for id, data in kept["contents"].items()})
        self._stamp = kept["stamp"]

    # what there is

    def person(self, person: Person) -> Json:
        told = {"first_name": person.given, "last_name": person.family, "title": person.title, "phone": person.phone}
        return self.user(person.user_name, person.full_name, email=person.email, **told)

    def user(
        self, name: str, real_name: str, *, id: str = "", email: str = "", is_bot: bool = False, **profile: str
    ) -> Json:
        id = id or f"U{len(self.users):09}"
        shown = {"real_name": real_name, "real_name_normalized": real_name, "display_name": "", "display_name_normalized": "",
                 "email": email, "image_72": f"https://avatars.slack-edge.com/{id}.png", "team": TEAM,
                 "avatar_hash": id, "status_text": "", "status_emoji": "", **profile}  # fmt: skip
        flags = dict.fromkeys(
            ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted"), False
        )
        self.users[id] = {
            "id": id, "team_id": TEAM, "name": name, "deleted": False, "color": "757575", "real_name": real_name,
            "tz": "Europe/Berlin", "tz_label": "Central European Time", "tz_offset": 3600, "profile": shown, **flags,
            "is_bot": is_bot, "is_app_user": False, "updated": int(self.clock()), "locale": "de-DE",
        }  # fmt: skip
        return self.users[id]

    def channel(self, name: str, members: list[str], *, creator: str, private: bool = False) -> Json:
        id, now = f"C{len(self.channels) + 1:09}", int(self.clock())
        said = {"value": "", "creator": "", "last_set": 0}
        self.channels[id] = {
            "id": id, "name": name, "name_normalized": name, "is_channel": not private, "is_group": private,
            "is_im": False, "is_mpim": False, "is_private": private, "is_archived": False, "is_general": False,
            "is_shared": False, "is_org_shared": False, "is_ext_shared": False, "is_pending_ext_shared": False,
            "pending_shared": [], "created": now, "creator": creator, "unlinked": 0, "topic": dict(said),
            "purpose": dict(said), "previous_names": [], "_members": list(dict.fromkeys(members)),
        }  # fmt: skip
        return self.channels[id]

    def group(self, name: str, handle: str, description: str, users: tuple[str, ...] = ()) -> Json:
        id, now = f"S{len(self.groups) + 1:09}", int(self.clock())
        self.groups[id] = {
            "id": id, "team_id": TEAM, "is_usergroup": True, "is_subteam": True, "is_external": False, "name": name,
            "handle": handle, "description": description, "date_create": now, "date_update": now, "date_delete": 0,
            "auto_provision": False, "auto_type": None, "created_by": BOT_USER, "updated_by": BOT_USER, "deleted_by": None,
            "enterprise_subteam_id": "", "prefs": {"channels": [], "groups": []}, "users": list(users), "user_count": len(users),
        }  # fmt: skip
        return self.groups[id]

    def file(self, id: str, name: str, contents: bytes) -> Json:
        kind = guess_type(name)[0] or "application/octet-stream"
        self.contents[id] = contents
        self.files[id] = {"id": id, "created": int(self.clock()), "name": name, "title": name, "size": len(contents),
                          "mimetype": kind, "filetype": name.rpartition(".")[2], "mode": "hosted",
                          "is_external": False}  # fmt: skip
        return self.files[id]

    # what people do

    def say(self, channel: str, user: str, text: str, thread: str | None = None, *, ts: str = "", **more: Any) -> Json:
        raw = {"type": "message", "user": user, "ts": ts or self.now(), "text": text, "team": TEAM, **more}
        root = self.find(channel, thread) if thread else None
        if root is not None:
            raw["thread_ts"] = root["thread_ts"] = root["ts"]
        self.messages[channel].append(raw)
        self.messages[channel].sort(key=lambda one: one["ts"])
        self.tell(channel, without(raw, "metadata"))
        return raw

    def edit(self, channel: str, ts: str, text: str) -> None:
        raw = self._of(channel, ts)
        raw.update(text=text, edited={"user": raw["user"], "ts": self.now()})
        raw.pop("blocks", None)
        self.changed(channel, raw)

    def changed(self, channel: str, raw: Json) -> None:
        shown = without(raw, "metadata")
        self.tell(
            channel,
            {"type": "message", "subtype": "message_changed", "hidden": True, "ts": self.now(), "message": shown},
        )

    def react(self, channel: str, ts: str, name: str, user: str) -> None:
        found = self._of(channel, ts).setdefault("reactions", [])
        one = next((one for one in found if one["name"] == name), None)
        if one is None:
            found.append(one := {"name": name, "users": [], "count": 0})
        if user not in one["users"]:
            one["users"].append(user)
            one["count"] += 1
            item = {"type": "message", "channel": channel, "ts": ts}
            self.tell(channel, {"type": "reaction_added", "user": user, "reaction": name, "item": item})

    def unreact(self, channel: str, ts: str, name: str, user: str) -> None:
        raw = self._of(channel, ts)
        for one in raw.get("reactions", ()):
            if one["name"] == name and user in one["users"]:
                one["users"].remove(user)
                one["count"] -= 1
        raw["reactions"] = [one for one in raw.get("reactions", ()) if one["users"]]

    def remove(self, channel: str, ts: str) -> None:
        """The root of a thread leaves a stone behind."""
        raw = self._of(channel, ts)
        if raw.get("thread_ts") == ts and len(self.thread(channel, ts)) > 1:
            kept = {"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT",
                    "hidden": True, "ts": ts, "thread_ts": ts}  # fmt: skip
            raw.clear()
            raw.update(kept)
        else:
            self.messages[channel].remove(raw)
        self.tell(
            channel,
            {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": self.now(), "deleted_ts": ts},
        )

    # what can be seen

    def find(self, channel: str, ts: str) -> Json | None:
        return next((one for one in self.messages[channel] if one["ts"] == ts), None)

    def thread(self, channel: str, ts: str) -> list[Json]:
        return [one for one in self.messages[channel] if one["ts"] == ts or one.get("thread_ts") == ts]

    def shown(self, raw: Json) -> Json:
        """The root of a thread says how many replies there are."""
        if raw.get("thread_ts") != raw["ts"]:
            return raw
        channel = next(id for id, said in self.messages.items() if any(raw is one for one in said))
        replies = self.thread(channel, raw["ts"])[1:]
        if not replies:
            return {name: value for name, value in raw.items() if name != "thread_ts"}
        people = list(dict.fromkeys(one["user"] for one in replies))
        return {**raw, "reply_count": len(replies), "reply_users": people, "reply_users_count": len(people),
                "latest_reply": replies[-1]["ts"]}  # fmt: skip

    def now(self) -> str:
        """Slack's times are also the numbers of messages, so none is given twice."""
        self._stamp = max(self._stamp + 1, int(self.clock() * 1e6))
        return f"{self._stamp // 10**6}.{self._stamp % 10**6:06}"

    def _of(self, channel: str, ts: str) -> Json:
        found = self.find(channel, ts)
        if found is None:
            raise KeyError(ts)
        return found


def without(record: Json, name: str) -> Json:
    return {key: value for key, value in record.items() if key != name}
