"""Teams in the Graph emulator: teams, channels, messages, replies, reactions and chats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.company import Company
from sandbox.emulators.base import Reply, Request, route
from sandbox.emulators.graph_directory import made_id
from sandbox.emulators.graph_parts import Json, error, listed, selected, stamp
from sandbox.emulators.graph_sign_in import TENANT, SignIn

CHANNEL = "/v1.0/teams/{team}/channels/{channel}"
MESSAGE = CHANNEL + "/messages/{message}"
FOR_MIGRATION = "Message POST is allowed in application-only context only for import purposes."
SINCE = re.compile(r"lastModifiedDateTime gt (\S+)")
MEMBER = "#microsoft.graph.aadUserConversationMember"


class Teams(SignIn):
    """`messages`: (team, channel) → root id → message with its `replies`; a chat is ("chats", id)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.teams: dict[str, Json] = {}
        self.channels: dict[str, dict[str, Json]] = {}
        self.in_team: dict[str, list[Json]] = {}
        self.chats: dict[str, Json] = {}
        self.messages: dict[tuple[str, str], dict[str, Json]] = {}
        self.hosted: dict[str, bytes] = {}
        self.posts_per_second = 4
        self._moments: set[int] = set()

    def seed(self, company: Company) -> None:
        """One team of everyone; a channel per room, the closed ones private."""
        super().seed(company)
        team = made_id("team")
        self.add_team(team, company.name, [made_id(one.user_name) for one in company.people])
        for room in company.rooms:
            if room.visibility != "direct":
                kind = "standard" if room.visibility == "public" else "private"
                self.add_channel(team, f"19:{room.alias}@thread.tacv2", room.name, description=room.topic, kind=kind)
        keys: dict[str, str] = {}
        for one in company.messages:
            channel = f"19:{one.room}@thread.tacv2"
            if channel in self.channels[team]:
                root = keys.get(one.thread or "")
                row = self.say(team, channel, made_id(one.author), one.text, root=root, at=one.sent.timestamp())
                keys[one.key] = row["id"]
                for emoji, name in one.reactions:
                    self.react(team, channel, row, made_id(name), emoji)

    def add_team(self, id: str, name: str, members: list[str], visibility: str = "public") -> None:
        made = {"id": id, "displayName": name, "visibility": visibility, "isArchived": False, "tenantId": TENANT}
        self.teams[id] = made
        self.in_team[id] = [self.member(one) for one in members]
        self.channels[id] = {}
        self.add_channel(id, f"19:general-{id[:8]}@thread.tacv2", "General")

    def add_channel(self, team: str, id: str, name: str, *, description: str = "", kind: str = "standard") -> None:
        made = {"id": id, "displayName": name, "description": description, "membershipType": kind, "isArchived": False}
        self.channels[team][id] = {**made, "webUrl": f"https://teams.microsoft.com/l/channel/{id}"}
        self.messages[team, id] = {}

    def member(self, user: str, *roles: str) -> Json:
        name = self.users[user]["displayName"]
        return {"@odata.type": MEMBER, "id": f"m-{user}", "userId": user, "displayName": name, "roles": list(roles)}

    def say(self, team: str, channel: str, user: str, text: str, *, root: str | None = None, kind: str = "text",
            at: float | None = None, **more: Any) -> Json:  # fmt: skip
        """As a person does it in the client."""
        moment = self._moment(at)
        who = {"id": user, "displayName": self.users[user]["displayName"], "userIdentityType": "aadUser"}
        row: Json = {
            "id": str(round(moment * 1000)), "replyToId": root, "messageType": "message",
            "createdDateTime": stamp(moment), "lastModifiedDateTime": stamp(moment), "lastEditedDateTime": None,
            "deletedDateTime": None, "subject": None, "importance": "normal", "locale": "en-us", "webUrl": None,
            "from": {"application": None, "device": None, "user": who}, "body": {"contentType": kind, "content": text},
            "channelIdentity": {"teamId": team, "channelId": channel}, "attachments": [], "mentions": [], "reactions": [],
            **more,
        }  # fmt: skip
        chains = self.messages[team, channel]
        if root is None:
            chains[row["id"]] = {**row, "replies": []}
        else:
            chains[root]["replies"].append(row)
        self._touch(team, channel, row, moment, "created")
        return chains[row["id"]] if root is None else row

    def change(self, team: str, channel: str, row: Json, **properties: Any) -> None:
        moment = self._moment(None)
        row |= properties
        self._touch(team, channel, row, moment, "deleted" if "deletedDateTime" in properties else "updated")

    def edit(self, team: str, channel: str, row: Json, text: str) -> None:
        self.change(
            team, channel, row, body={**row["body"], "content": text}, lastEditedDateTime=stamp(self._moment(None))
        )

    def remove(self, team: str, channel: str, row: Json) -> None:
        """Softly: the message stays, its text goes."""
        body = {**row["body"], "content": ""}
        self.change(team, channel, row, body=body, deletedDateTime=stamp(self._moment(None)))

    def react(self, team: str, channel: str, row: Json, user: str, emoji: str) -> None:
        who = {"user": {"id": user, "displayName": None, "userIdentityType": "aadUser"}}
        made = {"reactionType": emoji, "createdDateTime": row["createdDateTime"], "user": who}
        self.change(team, channel, row, reactions=[*row["reactions"], made])

    def add_chat(self, id: str, *members: str, kind: str = "oneOnOne") -> None:
        told = [self.member(one) for one in members]
        self.chats[id] = {"id": id, "chatType": kind, "topic": None, "tenantId": TENANT, "members": told}
        self.messages["chats", id] = {}

    # Teams and channels

    @route("GET", "/v1.0/teams")
    def list_teams(self, request: Request) -> Reply:
        return listed(request, [selected(row, request) for row in self.teams.values()])

    @route("GET", "/v1.0/teams/{team}")
    def get_team(self, request: Request) -> Reply:
        return Reply(self._team(request))

    @route("GET", "/v1.0/teams/{team}/channels")
    def list_channels(self, request: Request) -> Reply:
        return Reply({"value": list(self.channels[self._team(request)["id"]].values())})

    @route("GET", CHANNEL)
    def get_channel(self, request: Request) -> Reply:
        return Reply(self._known(self.channels[self._team(request)["id"]], request.values["channel"]))

    @route("GET", "/v1.0/teams/{team}/members")
    def list_team_members(self, request: Request) -> Reply:
        return listed(request, self.in_team[self._team(request)["id"]])

    @route("GET", f"{CHANNEL}/members")
    def list_channel_members(self, request: Request) -> Reply:
        return listed(request, self.in_team[self._team(request)["id"]][:3])

    # Messages

    @route("GET", f"{CHANNEL}/messages")
    def list_messages(self, request: Request) -> Reply:
        """The newest chain first."""
        rows = sorted(self._chains(request).values(), key=lambda row: str(row["lastModifiedDateTime"]), reverse=True)
        return listed(request, [self._chain(row, request.params) for row in rows], usual=20, most=50)

    @route("GET", f"{CHANNEL}/messages/delta")
    def follow_messages(self, request: Request) -> Reply:
        rows, since = self._chains(request), SINCE.search(request.params.get("$filter", ""))
        there = [id for id, row in rows.items() if not since or row["lastModifiedDateTime"] > since[1]]
        collection = f"{request.values['team']}/{request.values['channel']}"

        def shape(id: str, since: int | None, params: Mapping[str, str]) -> Json | None:
            return self._chain(rows[id], params) if id in rows else None

        return self.deltas.answer(request, collection, there, shape)

    @route("POST", f"{CHANNEL}/messages")
    @route("POST", f"{MESSAGE}/replies")
    def post(self, request: Request) -> Reply:
        person = self._speaker(request)
        team, channel, root = (request.values.get(name) for name in ("team", "channel", "message"))
        if root:
            self._message(request)
        elif self._chains(request) is None:
            raise error(404, "NotFound", "Channel not found.")
        if self.limits.wait(f"post {channel}", self.posts_per_second, 1.0):
            raise error(429, "TooManyRequests", "Too many messages to this channel.", {"Retry-After": "1"})
        sent = request.json
        body, mentions = sent["body"], sent.get("mentions", [])
        if len(str(body["content"]).encode()) > 28 * 1024:
            raise error(413, "RequestEntityTooLarge", "The message is too large.")
        if len(mentions) != body["content"].count("<at id="):
            raise error(400, "BadRequest", "Neither Body nor adaptive card content contains marker for mention.")
        kind = body.get("contentType", "text")
        files = self._files(sent)
        row = self.say(
            str(team), str(channel), person, body["content"], root=root, kind=kind, mentions=mentions, attachments=files
        )
        return Reply({name: value for name, value in row.items() if name != "replies"}, 201)

    @route("GET", MESSAGE)
    @route("GET", f"{MESSAGE}/replies/{{reply}}")
    def get_message(self, request: Request) -> Reply:
        return Reply({name: value for name, value in self._message(request).items() if name != "replies"})

    @route("GET", f"{MESSAGE}/replies")
    def list_replies(self, request: Request) -> Reply:
        return listed(request, self._message(request)["replies"][::-1], usual=20, most=50)

    @route("PATCH", MESSAGE)
    @route("PATCH", f"{MESSAGE}/replies/{{reply}}")
    def update_message(self, request: Request) -> Reply:
        row, sent = self._own(request), request.json
        row |= {"mentions": sent.get("mentions", row["mentions"]), "attachments": self._files(sent)}
        self.edit(request.values["team"], request.values["channel"], row, sent["body"]["content"])
        return Reply(status=204)

    @route("POST", f"{MESSAGE}/softDelete")
    @route("POST", f"{MESSAGE}/replies/{{reply}}/softDelete")
    def soft_delete(self, request: Request) -> Reply:
        self.remove(request.values["team"], request.values["channel"], self._own(request))
        return Reply(status=204)

    @route("GET", f"{MESSAGE}/hostedContents/{{hosted}}/$value")
    @route("GET", f"{MESSAGE}/replies/{{reply}}/hostedContents/{{hosted}}/$value")
    def hosted_content(self, request: Request) -> Reply:
        return Reply(self.hosted[request.values["hosted"]])

    # Chats

    @route("GET", "/v1.0/chats/{chat}")
    def get_chat(self, request: Request) -> Reply:
        return Reply(self._known(self.chats, request.values["chat"]))

    @route("GET", "/v1.0/chats/{chat}/messages")
    def list_chat_messages(self, request: Request) -> Reply:
        self._known(self.chats, request.values["chat"])
        since = SINCE.search(request.params.get("$filter", ""))
        rows = self.messages["chats", request.values["chat"]].values()
        found = [row for row in rows if not since or row["lastModifiedDateTime"] > since[1]]
        found.sort(key=lambda row: str(row["lastModifiedDateTime"]), reverse=True)
        shown = [{name: value for name, value in row.items() if name != "replies"} for row in found]
        return listed(request, shown, usual=20, most=50)

    @route("POST", "/v1.0/chats/{chat}/messages")
    def post_in_chat(self, request: Request) -> Reply:
        person, chat = self._speaker(request), self._known(self.chats, request.values["chat"])
        if person not in {one["userId"] for one in chat["members"]}:
            raise error(403, "Forbidden", "The caller is not a member of this chat.")
        body = request.json["body"]
        row = self.say("chats", chat["id"], person, body["content"], kind=body.get("contentType", "text"))
        return Reply({name: value for name, value in row.items() if name != "replies"}, 201)

    # Steps of the above

    def _moment(self, at: float | None) -> float:
        """Never the same twice: ids are made of it."""
        moment = round((self.clock() if at is None else at) * 1000)
        while moment in self._moments:
            moment += 1
        self._moments.add(moment)
        return moment / 1000

    def _touch(self, team: str, channel: str, row: Json, moment: float, change: str) -> None:
        root = row["replyToId"] or row["id"]
        self.messages[team, channel][root]["lastModifiedDateTime"] = stamp(moment)
        self.deltas.touch(f"{team}/{channel}", root)
        named = f"teams('{team}')/channels('{channel}')/messages('{root}')"
        named += f"/replies('{row['id']}')" if row["replyToId"] else ""
        self.notify(f"teams/{team}/channels/{channel}/messages", change, named, "#Microsoft.Graph.chatMessage")

    def _team(self, request: Request) -> Json:
        return self._known(self.teams, request.values["team"])

    def _chains(self, request: Request) -> dict[str, Json]:
        self._known(self.channels[self._team(request)["id"]], request.values["channel"])
        return self.messages[request.values["team"], request.values["channel"]]

    def _message(self, request: Request) -> Json:
        root = self._known(self._chains(request), request.values["message"])
        if reply := request.values.get("reply"):
            return self._known({row["id"]: row for row in root["replies"]}, reply)
        return root

    @staticmethod
    def _known(rows: Mapping[str, Json], id: str) -> Json:
        if id not in rows:
            raise error(404, "NotFound", "The requested entity does not exist.")
        return rows[id]

    @staticmethod
    def _chain(row: Json, params: Mapping[str, str]) -> Json:
        if "replies" in params.get("$expand", ""):
            return row
        return {name: value for name, value in row.items() if name != "replies"}

    @staticmethod
    def _files(sent: Json) -> list[Json]:
        """Each is referred to in the text by its id."""
        files: list[Json] = sent.get("attachments", [])
        if any(f'<attachment id="{one["id"]}"></attachment>' not in sent["body"]["content"] for one in files):
            raise error(400, "BadRequest", "Attachment is missing in the body.")
        return files

    def _speaker(self, request: Request) -> str:
        person = self.person_of(request)
        if person is None:
            raise error(401, "Unauthorized", FOR_MIGRATION)
        return person

    def _own(self, request: Request) -> Json:
        row = self._message(request)
        if row["from"]["user"]["id"] != self._speaker(request):
            raise error(403, "Forbidden", "Only the sender may change this message.")
        return row
