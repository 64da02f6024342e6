"""SharePoint: sites, and the files of their libraries, followed by delta."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from functools import partial
from operator import itemgetter
from typing import Any

from pydantic import Field

from connectors.microsoft365.accounts import Accounts
from connectors.microsoft365.graph import DELTA, LISTED, GraphConfig, Json, removed
from landbridge.connector import Account, Failure, Item, Stream, apart, lists, reads, resumed

TOLD = "id,name,description,file,folder,root,deleted,size,eTag,createdBy,createdDateTime,lastModifiedDateTime,webUrl"
HEX = re.compile("[0-9A-Fa-f]{64}")
SELECT = {"$select": f"{TOLD},parentReference,publication"}


def _files(site: str, drive: str, raw: Json) -> Iterator[Json]:
    """What is a file, or was one."""
    if "folder" not in raw and "root" not in raw:
        yield raw | {"site": site} | ({"id": f"{drive}/{raw['id']}"} if raw.get("id") else {})


def site(raw: Json) -> Json:
    """Who may see a site is not told here, so it is its members'. Raises KeyError."""
    return {
        "id": raw["id"],
        "name": raw.get("displayName") or raw.get("name"),
        "topic": raw.get("description") or None,
        "url": raw.get("webUrl"),
    }


def document(raw: Json) -> Json:
    """A file as a document whose bytes are its only attachment. Raises KeyError."""
    file, folder = raw["file"], str((raw.get("parentReference") or {}).get("path") or "").partition("root:")[2]
    checksum = str((file.get("hashes") or {}).get("sha256Hash"))
    return {
        "id": raw["id"],
        "site": raw["site"],
        "name": raw["name"],
        "path": f"{folder.strip('/')}/{raw['name']}".lstrip("/"),
        "description": raw.get("description") or None,
        "author": ((raw.get("createdBy") or {}).get("user") or {}).get("id"),
        "created": raw.get("createdDateTime"),
        "version": raw.get("eTag"),
        "draft": (raw.get("publication") or {}).get("level") == "checkout",
        "url": raw.get("webUrl"),
        "files": [
            {
                "name": raw["name"],
                "media_type": file.get("mimeType"),
                "size": raw.get("size"),
                "sha256": checksum.lower() if HEX.fullmatch(checksum) else None,
                "url": raw["id"],
            }
        ],
    }


class SharePointConfig(GraphConfig):
    """Personal sites (OneDrive) are never read."""

    sites: tuple[str, ...] = Field(
        (), description="ids of the sites that are read (host,id,id), for the right Sites.Selected; otherwise all"
    )


class SharePoint(Accounts):
    """The sites of one tenant."""

    system = "sharepoint"
    Config = SharePointConfig
    config: SharePointConfig

    sites = Stream("sites/getAllSites", ("id",), "space", native=site)
    documents = Stream(
        "drives/{drive}/root/delta", ("id",), "document", DELTA, params=SELECT, reports_gone=True, gone=removed,
        native=document,
    )  # fmt: skip

    def check(self) -> Account:
        if self.config.sites:
            return self.account(*((f"sites/{one}", {"$select": "id"}, f"read on {one}") for one in self.config.sites))
        return self.account((self.sites.path, {"$top": 1}, "Sites.Read.All"))

    @lists(sites)
    def all_sites(self) -> Iterator[Json | Failure]:
        if not self.config.sites:
            every = self.client.items(self.sites.path, LISTED)
            yield from (site for site in every if not site.get("isPersonalSite"))
        for site in self.config.sites:
            yield from apart(map(self._site, (site,)))

    @reads(documents)
    def read_documents(self, cursor: Any) -> Iterator[Item]:
        """A library that cannot be read goes on later from where it was."""
        yield from resumed(cursor, "drives", self._drives(), itemgetter(1), self._read_drive)

    def open(self, locator: str) -> Iterator[bytes]:
        """The bytes of a file whose locator is `drive/item`; they come from another host, which sees no token."""
        drive, _, item = locator.partition("/")
        return self.client.stream("drives/{drive}/items/{item}/content", path_params={"drive": drive, "item": item})

    # Steps of the above

    def _read_drive(self, found: tuple[str, str], since: str | None) -> Generator[Item, None, str | None]:
        site, drive = found
        return self.round(self.documents, since, partial(_files, site, drive), {"drive": drive})

    def _site(self, id: str) -> Json:
        return self.client.get("sites/{site}", path_params={"site": id}).part("", dict)

    def _drives(self) -> Iterator[tuple[str, str] | Failure]:
        """Site and drive."""
        for site in self.all_sites():
            if isinstance(site, Failure):
                yield site
                continue
            id = str(site["id"])
            drives = self.client.items("sites/{site}/drives", LISTED, path_params={"site": id})
            yield from apart((id, str(drive["id"])) for drive in drives)
