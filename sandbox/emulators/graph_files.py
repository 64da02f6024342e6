"""SharePoint in the Graph emulator: sites, libraries and files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from sandbox.company import Company
from sandbox.emulators.base import Reply, Request, route
from sandbox.emulators.graph_directory import made_id
from sandbox.emulators.graph_parts import Json, error, listed, selected, stamp
from sandbox.emulators.graph_teams import Teams

HOST = "halbrueck.sharepoint.com"


class Files(Teams):
    """`items`: drive → item id → item; the bytes of files lie in `contents`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sites: dict[str, Json] = {}
        self.drives: dict[str, str] = {}
        self.items: dict[str, dict[str, Json]] = {}
        self.contents: dict[str, bytes] = {}

    def seed(self, company: Company) -> None:
        """A site per department, with the news it wrote as text files."""
        super().seed(company)
        for department in company.departments:
            drive = self.add_site(department.name)
            for post in company.posts:
                author = company.by_user_name[post.author]
                if author.department == department.code:
                    self.put(drive, f"news {post.number}.html", post.html.encode(), author=made_id(post.author))

    def add_site(self, name: str, *, personal: bool = False) -> str:
        """Its id; its library."""
        site, drive = f"{HOST},{made_id(name)},{made_id(name + ' web')}", f"b!{made_id(name + ' drive')}"
        url = f"https://{HOST}/sites/{made_id(name)[:8]}"
        self.sites[site] = {"id": site, "name": name, "displayName": name, "webUrl": url, "isPersonalSite": personal}
        self.drives[drive], self.items[drive] = site, {}
        return drive

    def put(self, drive: str, path: str, data: bytes, *, author: str) -> Json:
        """A new file, or a new version of one."""
        folder, _, name = path.rpartition("/")
        id, now = f"01{made_id(drive + path)[:13].upper()}", stamp(self.clock())
        version = self.items[drive].get(id, {}).get("version", 0) + 1
        self.contents[id] = data
        number = made_id(drive + path).upper()
        row = {
            "id": id, "name": name, "size": len(data), "eTag": f'"{{{number}}},{version}"', "version": version,
            "createdDateTime": now, "lastModifiedDateTime": now,
            "createdBy": {"user": {"id": author, "displayName": self.users[author]["displayName"]}},
            "webUrl": f"{self.sites[self.drives[drive]]['webUrl']}/Documents/{path}",
            "parentReference": {"driveId": drive, "path": f"/drives/{drive}/root:{'/' if folder else ''}{folder}"},
            "file": {"mimeType": "text/html", "hashes": {"sha256Hash": hashlib.sha256(data).hexdigest().upper()}},
        }  # fmt: skip
        self.items[drive][id] = row
        self.deltas.touch(drive, id)
        return row

    def erase(self, drive: str, id: str) -> None:
        del self.items[drive][id]
        self.deltas.touch(drive, id)

    @route("GET", "/v1.0/sites/getAllSites")
    def list_sites(self, request: Request) -> Reply:
        return listed(request, self.sites.values())

    @route("GET", "/v1.0/sites/{site}")
    def get_site(self, request: Request) -> Reply:
        return Reply(self._site(request))

    @route("GET", "/v1.0/sites/{site}/drives")
    def list_drives(self, request: Request) -> Reply:
        site = self._site(request)["id"]
        mine = (drive for drive, owner in self.drives.items() if owner == site)
        return listed(request, [{"id": drive, "name": "Documents", "driveType": "documentLibrary"} for drive in mine])

    @route("GET", "/v1.0/drives/{drive}/root/delta")
    def follow_files(self, request: Request) -> Reply:
        rows = self._known(self.items, request.values["drive"])

        def shape(id: str, since: int | None, params: Mapping[str, str]) -> Json:
            if id == "root":
                return {"id": "root", "name": "root", "root": {}, "folder": {"childCount": len(rows)}}
            if id not in rows:
                return {"id": id, "name": "", "deleted": {"state": "deleted"}}
            return {name: value for name, value in rows[id].items() if name != "version"}

        return self.deltas.answer(request, request.values["drive"], ["root", *rows], shape, name="token")

    @route("GET", "/v1.0/drives/{drive}/items/{item}/content")
    def download(self, request: Request) -> Reply:
        """Elsewhere, where no token is asked for."""
        self._known(self._known(self.items, request.values["drive"]), request.values["item"])
        elsewhere = request.origin.replace("127.0.0.1", "localhost")
        return Reply(None, 302, {"Location": f"{elsewhere}/download/{request.values['item']}"})

    @route("GET", "/v1.0/shares/{share}/driveItem/content")
    def download_shared(self, request: Request) -> Reply:
        """By the address of the file, which is what a message of Teams says of it."""
        coded = request.values["share"].removeprefix("u!")
        address = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
        items = [row for rows in self.items.values() for row in rows.values() if row["webUrl"] == address]
        elsewhere = request.origin.replace("127.0.0.1", "localhost")
        if not items:
            raise error(404, "itemNotFound", "The sharing link no longer exists.")
        return Reply(None, 302, {"Location": f"{elsewhere}/download/{items[0]['id']}"})

    @route("GET", "/v1.0/teams/{team}/channels/{channel}/filesFolder")
    def channel_folder(self, request: Request) -> Reply:
        """Of the library that comes with each team."""
        self._chains(request)
        name = f"Team {request.values['team']}"
        drive = f"b!{made_id(name + ' drive')}"
        if drive not in self.drives:
            self.add_site(name)
        folder = {
            "id": f"folder-{made_id(request.values['channel'])[:8]}",
            "name": "General",
            "folder": {"childCount": 0},
        }
        return Reply(folder | {"parentReference": {"driveId": drive, "driveType": "documentLibrary"}})

    @route("PUT", "/v1.0/drives/{drive}/items/{folder}:/Landbridge/{own}/{name}:/content")
    def upload(self, request: Request) -> Reply:
        drive, path = request.values["drive"], f"General/Landbridge/{request.values['own']}/{request.values['name']}"
        self._known(self.items, drive)
        return Reply(self._item_told(self.put(drive, path, request.body, author=self._speaker(request))), 201)

    @route("GET", "/v1.0/drives/{drive}/items/{item}")
    def get_item(self, request: Request) -> Reply:
        row = self._known(self._known(self.items, request.values["drive"]), request.values["item"])
        # Told only where it is asked for by name.
        return Reply(selected({**self._item_told(row), "webDavUrl": row["webUrl"]}, request))

    @staticmethod
    def _item_told(row: Json) -> Json:
        return {name: value for name, value in row.items() if name != "version"}

    @route("GET", "/download/{item}")
    def downloaded(self, request: Request) -> Reply:
        if request.token:
            raise error(400, "invalidRequest", "The token was shown to the wrong host.")
        return Reply(self.contents[request.values["item"]])

    def _site(self, request: Request) -> Json:
        return self._known(self.sites, request.values["site"])
