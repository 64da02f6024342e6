"""A dead tool's export of several hundred messages, and a chat and a wiki in memory that speak as Matrix and MediaWiki do."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from landbridge.connector import Stream
from landbridge.testing.memory import Memory

START = 1767225600  # 2026-01-01T00:00:00Z
EVERY = 600  # seconds between two messages
DAY = 86400
# Who still works here, who has left, and an app; Cem has left, and is in no list of users any more.
USERS: list[dict[str, Any]] = [
    {"id": "U1", "name": "ada", "profile": {"real_name": "Ada Łoś", "email": "ada@company.example"}},
    {"id": "U2", "name": "bo", "deleted": True, "profile": {"real_name": "Bo Beck"}},
    {"id": "U3", "name": "dee", "profile": {"real_name": "Dee", "email": "dee@company.example"}},
    {"id": "UB", "name": "build", "is_bot": True, "profile": {"real_name": "Build"}},
]
AUTHORS = ("U1", "U2", "U3", "U9")
CALLED = {"U1": "Ada Łoś", "U2": "Bo Beck", "U3": "Dee", "U9": "Cem Can"}
CHANNELS = ("it-help", "works", "canteen")


def messages(channel: int, count: int) -> list[dict[str, Any]]:
    """Every fifth opens a thread of three replies, of which the last was marked as the answer in every other thread."""
    made = []
    for number in range(count):
        at, place = START + (number * len(CHANNELS) + channel) * EVERY, number % 5
        root = START + ((number - place) * len(CHANNELS) + channel) * EVERY
        user = AUTHORS[number % len(AUTHORS)]
        one: dict[str, Any] = {"type": "message", "user": user, "ts": f"{at}.000100"}
        one["text"] = (
            f"Question {channel}-{number}?"
            if place == 0
            else f"Words {channel}-{number} for <@U2> and @nobody in <#Cworks>"
        )
        if user == "U9":
            one["user_profile"] = {"real_name": "Cem Can"}
        if place < 4:
            one["thread_ts"] = f"{root}.000100"
        if place == 3 and number % 10 == 3:
            one["reactions"] = [{"name": "white_check_mark", "users": ["U1"], "count": 1}]
        if place == 4:
            one |= {"edited": {"user": user, "ts": f"{at + 60}.000000"}, "text": f"*Better* words {channel}-{number}"}
        if place == 2:
            name = f"plan-{channel}-{number}.txt"
            one["files"] = [{"id": f"F{channel}-{number}", "name": name, "mimetype": "text/plain", "size": len(name)}]
        made.append(one)
    return made


def pack(path: Path, said: dict[str, list[dict[str, Any]]]) -> None:
    """`said`: channel → its messages."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("users.json", json.dumps(USERS, ensure_ascii=False))
        file.writestr("channels.json", json.dumps([{"id": f"C{one}", "name": one} for one in CHANNELS]))
        for channel, found in said.items():
            days: dict[int, list[dict[str, Any]]] = {}
            for one in found:
                days.setdefault(int(float(one["ts"])) // DAY, []).append(one)
                for held in one.get("files", ()):
                    file.writestr(f"__uploads/{held['id']}/{held['name']}", held["name"])
            for day, some in days.items():
                file.writestr(f"{channel}/2026-01-{day - START // DAY + 1:02}.json", json.dumps(some))


class Chat(Memory):
    """As Matrix: accounts, rooms and messages in its natives."""

    system = "matrix"
    users = Stream("users", ("id",), "person", reports_gone=True)
    messages = Stream("messages", ("id",), "message", reports_gone=True)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.state["users"] = {}

    def texts(self) -> list[str]:
        return [str(one["body"]) for one in self.all("messages")]


class Wiki(Memory):
    """As MediaWiki: pages by their title."""

    system = "mediawiki"


# The same short conversation as other tools export it: Ada, who is here, asks, and Bo, who has left, answers.
def pack_mattermost(path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"type": "channel", "channel": {"team": "it", "name": "help", "display_name": "it-help", "type": "O"}},
        {"type": "user", "user": {"username": "ada", "email": "ada@company.example"}},
        {"type": "user", "user": {"username": "bo", "first_name": "Bo", "last_name": "Beck", "delete_at": 1}},
        {"type": "post", "post": {
            "team": "it", "channel": "help", "user": "ada", "message": "Where is it?", "create_at": START * 1000,
            "replies": [{"user": "bo", "message": "There.", "create_at": (START + 60) * 1000}],
        }},
    ]  # fmt: skip
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("import.jsonl", "\n".join(map(json.dumps, lines)))


def pack_yammer(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("Users.csv", "id,name,email,state\n7,Ada,ada@company.example,active\n8,Bo Beck,,soft_delete\n")
        file.writestr("Groups.csv", "id,name,description,private\n31,it-help,,false\n")
        file.writestr(
            "Messages.csv",
            "id,replied_to_id,thread_id,group_id,sender_id,sender_name,body,message_type,created_at\n"
            "10,,10,31,7,Ada,Where is it?,update,2026-01-01T00:00:00.000Z\n"
            "11,10,10,31,8,Bo Beck,There.,update,2026-01-01T00:01:00.000Z\n",
        )
