"""Groups, who is in them, and files of a Discourse forum."""

from __future__ import annotations

from hashlib import sha1
from typing import Any

from sandbox.emulators.base import Emulator, Refused, Reply, Request, route
from sandbox.emulators.discourse_parts import ONE_GROUP, Json, group, member, missing, uploaded

GROUPS_PAGE = 36
MEMBERS_PAGE = 50


class Groups(Emulator):
    """Beside what is said there; `users` is filled by the forum."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.users: dict[str, Json] = {}
        self.groups: dict[int, Json] = {}
        self.files: dict[str, bytes] = {}

    # As people use it

    def add_group(self, name: str, *members: str, automatic: bool = False) -> int:
        number = len(self.groups) + 1
        self.groups[number] = {
            "id": number, "name": name, "full_name": name.title(), "bio_raw": None, "automatic": automatic,
            "members": list(members),
        }  # fmt: skip
        return number

    def keep(self, name: str, content: bytes) -> str:
        """A file that somebody uploads: its short name."""
        short = f"{sha1(content, usedforsecurity=False).hexdigest()[:20]}.{name.rpartition('.')[2]}"
        self.files[short] = content
        return short

    # As programs do

    @route("GET", "/groups.json")
    def group_list(self, request: Request) -> Reply:
        start = int(request.params.get("page", 0)) * GROUPS_PAGE
        found = [group(one) for one in self.groups.values()][start : start + GROUPS_PAGE]
        about = {
            "extras": {"type_filters": []},
            "total_rows_groups": len(self.groups),
            "load_more_groups": "/groups?page=1",
        }
        return Reply({"groups": found} | about)

    @route("GET", "/groups/by-id/{id}.json")
    def one_group(self, request: Request) -> Reply:
        one = {name: value for name, value in group(self._group(request)).items() if name != "display_name"}
        return Reply({"group": one | ONE_GROUP, "extras": {"visible_group_names": []}})

    @route("GET", "/groups/{name}/members.json")
    def members(self, request: Request) -> Reply:
        found = next((one for one in self.groups.values() if one["name"] == request.values["name"]), None)
        if found is None:
            raise missing()
        start, limit = (
            int(request.params.get("offset", 0)),
            min(MEMBERS_PAGE, int(request.params.get("limit", MEMBERS_PAGE))),
        )
        there = [member(self.users[name]) for name in found["members"][start : start + limit]]
        meta = {"total": len(found["members"]), "limit": limit, "offset": start}
        return Reply({"members": there, "owners": [], "meta": meta})

    @route("PUT", "/groups/{id}/members.json")
    def join(self, request: Request) -> Reply:
        found, names = self._group(request), request.json["usernames"].split(",")
        if any(name not in self.users for name in names):
            raise Refused({"errors": ["Nobody of that name."], "error_type": "invalid_parameters"}, 400)
        if any(name in found["members"] for name in names):
            raise Refused({"errors": ["Somebody is in already."]}, 422)
        found["members"] += names
        return Reply({"success": "OK", "usernames": names, "emails": []})

    @route("DELETE", "/groups/{id}/members.json")
    def leave(self, request: Request) -> Reply:
        found, names = self._group(request), request.json["usernames"].split(",")
        gone = [name for name in names if name in found["members"]]
        found["members"] = [name for name in found["members"] if name not in gone]
        skipped = [name for name in names if name not in gone]
        return Reply({"success": "OK", "usernames": gone, "skipped_usernames": skipped})

    @route("POST", "/uploads.json")
    def upload(self, request: Request) -> Reply:
        name, content = uploaded(request)
        short = self.keep(name, content)
        size = {"id": len(self.files), "filesize": len(content), "human_filesize": f"{len(content)} Bytes"}
        about = {"url": f"/uploads/default/original/1X/{short}", "short_path": f"/uploads/short-url/{short}"}
        shape = dict.fromkeys(("width", "height", "thumbnail_width", "thumbnail_height"), 1)
        named = {"original_filename": name, "extension": short.rpartition(".")[2], "short_url": f"upload://{short}"}
        return Reply(size | about | shape | named | {"retain_hours": None, "dominant_color": None, "thumbnail": None})

    @route("GET", "/uploads/short-url/{file}")
    def file_place(self, request: Request) -> Reply:
        return Reply(None, 302, {"Location": f"/uploads/default/original/1X/{request.values['file']}"})

    @route("GET", "/uploads/default/original/1X/{file}")
    def file(self, request: Request) -> Reply:
        if request.values["file"] not in self.files:
            raise missing()
        return Reply(self.files[request.values["file"]])

    def _group(self, request: Request) -> Json:
        found = self.groups.get(int(request.values["id"]))
        if found is None:
            raise missing()
        return found
