"""WordPress against the conformance suite, on a real site with an administrator at work in it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.wordpress import reading
from connectors.wordpress.connector import WordPress
from landbridge.connector.items import Native
from landbridge.testing import faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox.wordpress import WordPress as Site
from tests.servers import brought_up

pytestmark = pytest.mark.server

LIVE: dict[str, dict[str, str]] = {"posts": {"status": reading.LIVE}, "comments": {"status": "approve"}, "users": {}}


def says(status: int, code: str) -> Fault:
    """The site's own way of refusing."""
    answer = {"code": code, "message": "Anna may not.", "data": {"status": status}}
    return faults.refuse(status, json.dumps(answer).encode())


class WordPressHarness(Harness):
    connector = WordPress
    mappings = Path(__file__).parents[3] / "mappings"
    exempt: ClassVar[dict[str, str]] = {
        "expired_cursor": "a cursor is a time or an id, WordPress itself expires none",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(Site) as self.site, pytest.MonkeyPatch.context() as patch:
            # So that a few records are several pages.
            patch.setattr(reading, "OLDEST_LAST", replace(reading.OLDEST_LAST, size=40))
            self.admin = self.site.admin()
            self.post = self.admin.posts()[0]["id"]
            yield self.site.url

    def config(self, url: str) -> dict[str, Any]:
        account = self.site.connections()["intranet"]
        return {"host": url, "login": account["login"], "password": account["password"]}

    def add(self, stream: str, text: str) -> str:
        return str(self.admin.call("POST", stream, self._new(stream, text)).json()["id"])

    def change(self, stream: str, key: str, text: str) -> None:
        field = {"posts": "title", "comments": "content", "users": "name"}[stream]
        self.admin.call("POST", f"{stream}/{key}", {field: text})

    def remove(self, stream: str, key: str) -> None:
        """As people do: posts and comments go to the trash."""
        self.admin.call("DELETE", f"{stream}/{key}", **({"force": "true", "reassign": 1} if stream == "users" else {}))

    def keys(self, stream: str) -> set[str]:
        asked = {"context": "edit", "_fields": "id", **LIVE[stream]}
        return {str(row["id"]) for row in self.admin.everything(stream, **asked)}

    def native(self, stream: str, text: str) -> Native:
        number = text.rpartition(" ")[2]
        if stream == "users":
            return {"username": f"n{number}", "name": text, "email": f"n{number}@halbrueck.example"}
        said = {"content": f"<p>{text}</p>"}
        return {"post": self.post, **said} if stream == "comments" else {"title": text, "status": "publish", **said}

    def changes(self, stream: str, text: str) -> Native:
        return (
            {"content": f"<p>{text}</p>"}
            if stream == "comments"
            else {"posts": {"title": text}}.get(stream, {"name": text})
        )

    # How WordPress says it

    def forbidden(self) -> Fault:
        return says(403, "rest_forbidden")

    def refused(self) -> Fault:
        return says(400, "rest_invalid_param")

    # Steps of the above

    def _new(self, stream: str, text: str) -> dict[str, Any]:
        if stream == "posts":
            return {"title": text, "content": "<p>Written by a person.</p>", "status": "publish"}
        if stream == "comments":
            return {"post": self.post, "content": text}
        name = f"c{text.rpartition(' ')[2]}"
        access = {"username": name, "password": secrets.token_urlsafe(), "email": f"{name}@halbrueck.example"}
        return {"name": text, **access}


class TestWordPress(Conformance):
    harness = WordPressHarness
