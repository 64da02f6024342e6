"""Files that messages of Teams refer to: they lie in the channel's folder in SharePoint."""

from __future__ import annotations

import re

from connectors.microsoft365.graph import Json
from connectors.microsoft365.spaces import CHANNEL, Spaces
from landbridge.connector.files import carried
from landbridge.errors import RecordError

# A folder for each file, named after the message: two of one name do not meet, and a second attempt finds its own.
UPLOAD = "drives/{drive}/items/{folder}:/Landbridge/{own}/{name}:/content"
ITEM = "drives/{drive}/items/{item}"
MAX_FILE = 100 * 2**20
GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# What SharePoint takes in no name.
FORBIDDEN = re.compile(r'["*:<>?/\\|#%\x00-\x1f]|^[\s.~]+|[\s.]+$')


class ChannelFiles(Spaces):
    """Put there by the person who has signed in."""

    def attached(self, team: str, channel: str, attachments: list[Json], marker: str) -> list[Json]:
        """The files as a message refers to them."""
        if not attachments:
            return []
        values = {"team": team, "channel": channel}
        folder = self.person.get(f"{CHANNEL}/filesFolder", path_params=values)
        place = {"drive": folder.part("parentReference.driveId", str), "folder": folder.part("id", str)}
        return [self._put(place | {"own": f"{marker}-{at}"}, one) for at, one in enumerate(attachments)]

    def _put(self, place: Json, attachment: Json) -> Json:
        """A message knows a file by the number in its eTag, and by the address that Office opens."""
        name = FORBIDDEN.sub("_", str(attachment.get("name") or "file"))
        headers = {"Content-Type": attachment.get("media_type") or "application/octet-stream"}
        with carried(self.open_file, attachment, MAX_FILE) as (file, size):
            made = self.person.put(UPLOAD, path_params=place | {"name": name}, data=file, headers=headers)
            if made.part("size", int) != size:
                raise RecordError(f"SharePoint kept {made.part('size', int)} of {size} bytes of an attachment.")
        values = {"drive": place["drive"], "item": made.part("id", str)}
        item = self.person.get(ITEM, path_params=values, params={"$select": "id,name,eTag,webDavUrl"})
        number = GUID.search(item.part("eTag", str))
        if number is None:
            raise RecordError("SharePoint gave an attachment no number by which a message could refer to it.")
        told = {"id": number[0], "contentType": "reference", "name": item.part("name", str)}
        return told | {"contentUrl": item.part("webDavUrl", str)}
