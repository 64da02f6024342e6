"""Viva Engage in the Graph emulator: communities as Graph has them, conversations as the older API has them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from sandbox.company import Company
from sandbox.emulators.base import Refused, Reply, Request, route
from sandbox.emulators.graph_directory import made_id
from sandbox.emulators.graph_files import Files
from sandbox.emulators.graph_parts import Json, listed

PAGE = 20


class Engage(Files):
    """`threads_shown` is how many messages of one thread a feed shows at most, `engage_calls` how many in 30 seconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.communities: dict[str, Json] = {}
        self.said: dict[int, Json] = {}
        self.numbers: dict[str, int] = {}
        self.uploaded: dict[str, bytes] = {}
        self.threads_shown, self.engage_calls = 100, 10
        self._numbers = iter(range(2_000_000, 10_000_000))

    def seed(self, company: Company) -> None:
        super().seed(company)
        for user in self.users:
            self.number(user)
        community = self.add_community("All Company")
        for post in company.posts:
            root = self.tell(community, made_id(post.author), post.title)
            for comment in post.comments:
                self.tell(community, made_id(comment.author), comment.text, thread=root["id"])

    def number(self, user: str) -> int:
        """By which the older API knows an account."""
        if user not in self.numbers:
            self.numbers[user] = 36_000_000 + len(self.numbers)
        return self.numbers[user]

    def add_community(self, name: str, privacy: str = "public") -> str:
        told = {"_type": "Group", "id": str(next(self._numbers))}
        id = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
        group = made_id(f"community {name}")
        self.communities[id] = {
            "id": id, "displayName": name, "description": "", "privacy": privacy, "groupId": group,
        }  # fmt: skip
        return id

    def tell(self, community: str, user: str, text: str, *, thread: int | None = None, **more: Any) -> Json:
        id, moment = next(self._numbers), datetime.fromtimestamp(self.clock(), UTC)
        number = int(json.loads(base64.urlsafe_b64decode(community + "=="))["id"])
        self.said[id] = {
            "id": id, "sender_id": self.number(user), "replied_to_id": thread, "thread_id": thread or id,
            "created_at": moment.strftime("%Y/%m/%d %H:%M:%S +0000"), "group_id": number, "sender_type": "user",
            "message_type": "update", "body": {"parsed": text, "plain": text, "rich": text}, "system_message": False,
            "direct_message": False, "web_url": f"https://www.yammer.com/halbrueck.example/messages/{id}", **more,
        }  # fmt: skip
        return self.said[id]

    def file(self, name: str, data: bytes, address: str | None = None) -> Json:
        """As a message tells of it; in SharePoint where it has an address there."""
        id = next(self._numbers)
        self.uploaded[str(id)] = data
        kept = {"storage_type": "SHAREPOINT", "sharepoint_web_url": address} if address else {"storage_type": "AZURE"}
        url = f"https://www.yammer.com/api/v1/uploaded_files/{id}"
        return {
            "id": id, "type": "file", "name": name, "content_type": "text/plain", "size": len(data), "url": url,
            "download_url": f"{url}/download", "real_type": "uploaded_file", **kept,
        }  # fmt: skip

    def admit(self, request: Request) -> Reply | None:
        if request.path.startswith("/api/v1/"):
            if not self.access.get(request.token):
                return Reply({"error": "invalid_token"}, 401)
            if any(request.path.startswith(f"/api/v1/{place}") for place in self.rights_taken):
                return Reply({"error": "forbidden"}, 403)
            if self.limits.wait("engage", self.engage_calls, 30.0):
                return Reply(b"Rate limited due to excessive requests.", 429)
        return super().admit(request)

    @route("GET", "/v1.0/employeeExperience/communities")
    def list_communities(self, request: Request) -> Reply:
        return listed(request, self.communities.values())

    @route("GET", "/api/v1/users.json")
    def list_people(self, request: Request) -> Reply:
        start = (int(request.params.get("page", "1")) - 1) * 50
        return Reply([self._person(user) for user in list(self.numbers)[start : start + 50]])

    @route("GET", "/api/v1/users/current.json")
    def current(self, request: Request) -> Reply:
        return Reply(self._person(str(self.person_of(request))))

    @route("GET", "/api/v1/messages/in_group/{group}.json")
    def feed(self, request: Request) -> Reply:
        shown: dict[int, int] = {}
        rows = []
        for row in sorted(self.said.values(), key=lambda row: int(row["id"]), reverse=True):
            shown[row["thread_id"]] = shown.get(row["thread_id"], 0) + 1
            if str(row["group_id"]) == request.values["group"] and shown[row["thread_id"]] <= self.threads_shown:
                rows.append(row)
        return self._told(request, rows)

    @route("GET", "/api/v1/messages/in_thread/{thread}.json")
    def thread(self, request: Request) -> Reply:
        rows = [row for row in self.said.values() if str(row["thread_id"]) == request.values["thread"]]
        return self._told(request, rows[::-1])

    @route("POST", "/api/v1/messages.json")
    def post_message(self, request: Request) -> Reply:
        form, me = request.form, str(self.person_of(request))
        root = self.said.get(int(form.get("replied_to_id", 0)))
        if "replied_to_id" in form and root is None:
            raise Refused({"error": "not_found"}, 404)
        group = str(root["group_id"]) if root else form["group_id"]
        community = next(
            id for id in self.communities if json.loads(base64.urlsafe_b64decode(id + "=="))["id"] == group
        )
        row = self.tell(community, me, form["body"], thread=root["thread_id"] if root else None)
        return Reply({"messages": [row], "references": [], "meta": {}}, 201)

    @route("DELETE", "/api/v1/messages/{message}")
    def delete_said(self, request: Request) -> Reply:
        row = self.said.get(int(request.values["message"]))
        if row is None:
            raise Refused({"error": "not_found"}, 404)
        if row["sender_id"] != self.numbers[str(self.person_of(request))]:
            raise Refused({"error": "forbidden"}, 403)
        del self.said[row["id"]]
        return Reply(status=200)

    @route("GET", "/api/v1/uploaded_files/{file}/download")
    def download_uploaded(self, request: Request) -> Reply:
        """Elsewhere, where no token is asked for."""
        file = request.values["file"]
        if file not in self.uploaded:
            raise Refused({"error": "not_found"}, 404)
        self.contents[file] = self.uploaded[file]
        return Reply(None, 302, {"Location": f"{request.origin.replace('127.0.0.1', 'localhost')}/download/{file}"})

    def _told(self, request: Request, rows: list[Json]) -> Reply:
        older = int(request.params.get("older_than", 10**12))
        found = [row for row in rows if int(row["id"]) < older]
        page = found[:PAGE]
        sizes = {
            row["thread_id"]: sum(one["thread_id"] == row["thread_id"] for one in self.said.values()) for row in page
        }
        references = [{"type": "thread", "id": id, "stats": {"updates": size}} for id, size in sizes.items()]
        return Reply({"messages": page, "references": references, "meta": {"older_available": len(found) > PAGE}})

    def _person(self, user: str) -> Json:
        row = self.users[user]
        state = "active" if row.get("accountEnabled") else "suspended"
        return {
            "type": "user", "id": self.number(user), "full_name": row["displayName"], "state": state,
            "email": row.get("mail") or row["userPrincipalName"], "guest": False, "aad_guest": False,
        }  # fmt: skip
