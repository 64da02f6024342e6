"""Slack's files: uploads in three steps, and their bytes for whoever shows the token."""

from __future__ import annotations

import itertools
from typing import Any

from sandbox.emulators.base import Reply, Request, route
from sandbox.emulators.slack_web import Web, api, refused
from sandbox.emulators.slack_workspace import BOT, BOT_USER, Json


class Files(Web):
    """Those of the app; people have theirs by `space.file`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._uploads: dict[str, Json] = {}
        self._numbers = itertools.count(1)

    @api("files.info", 4)
    def files_info(self, args: Json) -> Json:
        return {"file": {**self.one("files", args.get("file")), "url_private_download": f"{args['_origin']}/files/{args['file']}"},
                "comments": []}  # fmt: skip

    @api("files.getUploadURLExternal", 4)
    def files_get_upload_url(self, args: Json) -> Json:
        number = next(one for one in map("F{:010}".format, self._numbers) if one not in self.space.files)
        self._uploads[number] = {"name": args["filename"], "size": int(args["length"]), "bytes": b""}
        return {"upload_url": f"{args['_origin']}/upload/{number}", "file_id": number}

    @api("files.completeUploadExternal", 4)
    def files_complete_upload(self, args: Json) -> Json:
        done = []
        for wanted in args["files"]:
            upload = self._uploads.pop(wanted["id"], None)
            if upload is None or len(upload["bytes"]) != upload["size"]:
                raise refused("file_not_found")
            done.append(self.space.file(wanted["id"], wanted.get("title") or upload["name"], upload["bytes"]))
        if args.get("channel_id"):
            channel = self.channel({**args, "channel": args["channel_id"]}, write=True)["id"]
            self.space.say(channel, BOT_USER, args.get("initial_comment", ""), args.get("thread_ts"),
                           bot_id=BOT, subtype="file_share", files=done)  # fmt: skip
        return {"files": done}

    @api("files.delete", 3)
    def files_delete(self, args: Json) -> Json:
        """Where it was shared its tombstone stays."""
        file = self.one("files", args.get("file"))
        if file["mode"] == "tombstone":
            raise refused("file_deleted")
        file["mode"] = "tombstone"
        return {}

    @route("POST", "/upload/{number}")
    def upload(self, request: Request) -> Reply:
        self._uploads[request.values["number"]]["bytes"] = request.body
        return Reply(b"OK - %d" % len(request.body))

    @route("GET", "/files/{number}")
    def download(self, request: Request) -> Reply:
        if self.user_of(request.token) is None:
            return Reply(b"<html>sign in</html>", 200, {"Content-Type": "text/html"})
        return Reply(self.space.contents[request.values["number"]])
