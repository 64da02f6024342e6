"""A person at work in the wiki, for the demo and the tests: writes pages, looks at pages and at who changed them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

Item = dict[str, Any]


class MediaWikiError(Exception):
    """The API's own code for what went wrong, such as `editconflict`; MediaWiki answers 200 all the same."""

    def __init__(self, code: str, info: str) -> None:
        super().__init__(f"{code}: {info}")
        self.code = code


@dataclass(frozen=True)
class Page:
    """A page as it is now; `user` and `comment` are those of the last edit."""

    title: str
    page_id: int
    revision: int
    user: str
    timestamp: str
    comment: str
    text: str


class MediaWikiClient:
    """One account's session. A login with @ is a bot password, others are people's own."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.url, self.login = url, login
        self._password = password

    # Pages

    def write(self, title: str, text: str, summary: str = "", **more: Any) -> Item:
        """Creates or replaces; createonly, nocreate, baserevid, bot and tags as in the API."""
        return dict(self.act("edit", title=title, text=text, summary=summary, **more)["edit"])

    def append(self, title: str, text: str, summary: str = "") -> Item:
        return dict(self.act("edit", title=title, appendtext=text, summary=summary)["edit"])

    def page(self, title: str) -> Page | None:
        wanted = "ids|timestamp|user|comment|content"
        page = self.query(titles=title, prop="revisions", rvprop=wanted, rvslots="main")["pages"][0]
        if page.get("missing"):
            return None
        last = page["revisions"][0]
        return Page(
            page["title"], page["pageid"], last["revid"], last["user"], last["timestamp"], last["comment"],
            last["slots"]["main"]["content"],
        )  # fmt: skip

    def history(self, title: str) -> list[Item]:
        """The newest revision first."""
        asked = self.query(titles=title, prop="revisions", rvprop="ids|timestamp|user|comment|tags", rvlimit=50)
        return list(asked["pages"][0].get("revisions", []))

    def titles(self, prefix: str = "") -> list[str]:
        asked = self.query(list="allpages", apprefix=prefix, apnamespace=0, aplimit=500)
        return [page["title"] for page in asked["allpages"]]

    def delete(self, title: str, reason: str = "") -> None:
        self.act("delete", title=title, reason=reason)

    def restore(self, title: str, reason: str = "") -> None:
        self.act("undelete", title=title, reason=reason)

    def move(self, title: str, to: str, reason: str = "") -> None:
        self.act("move", **{"from": title, "to": to, "reason": reason})

    def changes(self, since: str = "") -> list[Item]:
        """The oldest first; a deletion takes the page's earlier entries with it and leaves one of type `log`."""
        props = "title|ids|user|timestamp|comment|flags|tags|loginfo"
        begin = {"rcstart": since} if since else {}
        return list(
            self.query(list="recentchanges", rcprop=props, rcdir="newer", rclimit=500, **begin)["recentchanges"]
        )

    # The API itself

    def query(self, **params: Any) -> Item:
        answer = self._session.get(self._api, params=_form(action="query", **params), timeout=30)
        return dict(_checked(answer).get("query", {}))

    def act(self, action: str, **params: Any) -> Item:
        return self.post(action, token=self._token, **params)

    def post(self, action: str, **params: Any) -> Item:
        """For the actions that ask for a token of their own."""
        return _posted(self._session, self._api, action, **params)

    def ping(self) -> None:
        """Whether the wiki and its database answer at all; needs no account."""
        _checked(requests.get(self._api, params=_form(action="query", meta="siteinfo", titles="Main Page"), timeout=10))

    @property
    def _api(self) -> str:
        return f"{self.url}/api.php"

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        asked = session.get(self._api, params=_form(action="query", meta="tokens", type="login"), timeout=30)
        token = _checked(asked)["query"]["tokens"]["logintoken"]
        if "@" in self.login:
            done = _posted(session, self._api, "login", lgname=self.login, lgpassword=self._password, lgtoken=token)
            result = done["login"]["result"]
        else:
            credentials = {"username": self.login, "password": self._password}
            done = _posted(session, self._api, "clientlogin", logintoken=token, loginreturnurl=self.url, **credentials)
            result = done["clientlogin"]["status"]
        if result not in ("Success", "PASS"):
            raise MediaWikiError("login", f"{self.login} is not let in: {result}.")
        return session

    @cached_property
    def _token(self) -> str:
        return str(self.query(meta="tokens")["tokens"]["csrftoken"])


def _posted(session: requests.Session, api: str, action: str, **params: Any) -> Item:
    return _checked(session.post(api, data=_form(action=action, **params), timeout=30))


def _form(**params: Any) -> dict[str, Any]:
    """In this API a flag is true by being there: what is False is left out."""
    return {"format": "json", "formatversion": 2, **{key: value for key, value in params.items() if value is not False}}


def _checked(response: requests.Response) -> Item:
    response.raise_for_status()
    answer = dict(response.json())
    if "error" in answer:
        raise MediaWikiError(answer["error"]["code"], answer["error"]["info"])
    return answer
