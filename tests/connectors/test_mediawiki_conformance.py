"""MediaWiki against the conformance suite, on a real wiki."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.mediawiki import connector as module
from connectors.mediawiki.connector import MediaWiki
from landbridge.connector import Stream
from landbridge.connector.items import Native
from landbridge.testing import faults, page_faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox.mediawiki import MediaWiki as Wiki
from tests.servers import brought_up

pytestmark = pytest.mark.server


def says(code: str, **headers: str) -> Fault:
    """The wiki's own way of refusing: a success as status."""
    return faults.refuse(200, b'{"error": {"code": "%s", "info": "Anna may not."}}' % code.encode(), **headers)


class MediaWikiHarness(Harness):
    connector = MediaWiki
    mappings = Path(__file__).parents[2] / "mappings"
    many: ClassVar[int] = 7

    @contextmanager
    def serve(self) -> Iterator[str]:
        with brought_up(Wiki) as self.wiki, pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "AT_ONCE", 3)
            self.anna, self.admin = self.wiki.acting_as("anna.mueller"), self.wiki.admin()
            yield self.wiki.url

    def config(self, url: str) -> dict[str, Any]:
        account = self.wiki.connections()["wiki"]
        return {"host": url, "login": account["login"], "password": account["password"]}

    def add(self, stream: str, text: str) -> str:
        return str(self.anna.write(f"People/{text}", "Written by a person.")["pageid"])

    def change(self, stream: str, key: str, text: str) -> None:
        self.anna.act("edit", pageid=key, text=f"Changed: {text}")

    def remove(self, stream: str, key: str) -> None:
        self.admin.act("delete", pageid=key)

    def keys(self, stream: str) -> set[str]:
        asked = {"list": "allpages", "apfilterredir": "nonredirects", "aplimit": 500}
        return {str(page["pageid"]) for page in self.admin.query(**asked)["allpages"]}

    def native(self, stream: str, text: str) -> Native:
        return {"title": f"Answers/{text}", "text": "Written by Landbridge."}

    def changes(self, stream: str, text: str) -> Native:
        return {"text": f"Changed: {text}"}

    # How a wiki says it

    def path(self, stream: Stream) -> str:
        return "*/api.php"

    def limited(self, after: float | None) -> Fault:
        return says("ratelimited", **({} if after is None else {"Retry_After": f"{after:g}"}))

    def forbidden(self) -> Fault:
        return says("readapidenied")

    def refused(self) -> Fault:
        return says("hookaborted")

    def worn_out(self, stream: str, cursor: Any) -> Any:
        """A wiki keeps its changes for some days."""
        return {"since": "2020-01-01T00:00:00Z"}

    def spoiled(self, stream: Stream) -> Fault:
        """A revision whose text was hidden."""
        return page_faults.with_list("query.pages", lambda found: [_hidden(one) for one in found[:1]] + found[1:])


def _hidden(page: dict[str, Any]) -> dict[str, Any]:
    return page | ({"revisions": [{"revid": 1}]} if page.get("revisions") else {})


class TestMediaWiki(Conformance):
    harness = MediaWikiHarness
