"""Slack's SCIM 2.0 API, by which an administrator's token makes, changes and deactivates accounts.

https://docs.slack.dev/reference/scim-api; user groups go through the Web API here.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.emulators.base import Refused, Reply, Request, route
from sandbox.emulators.slack_web import Web
from sandbox.emulators.slack_workspace import Json

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
COMPARISON = re.compile(r'(\S+) eq "(.*)"', re.IGNORECASE)
MOST = 1000
# A minute, over all apps of an organisation: reads, and writes.
READS, WRITES = 1000, 600


class Provisioning(Web):
    """The same accounts as the Web API's; what only SCIM knows of them stands in `_scim`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.admin_token = f"xoxp-{self.token}"

    def admit(self, request: Request) -> Reply | None:
        if not request.path.startswith("/scim/"):
            return super().admit(request)
        if request.token != self.admin_token:
            return _fault(401, "invalid_authentication")
        kind, most = ("reads", READS) if request.method == "GET" else ("writes", WRITES)
        wait = 0.0 if self.unlimited else self.limits.wait(f"scim {kind}", most, 60.0)
        return _fault(429, "ratelimited", {"Retry-After": str(int(wait) + 1)}) if wait > 0 else None

    @route("GET", "/scim/v2/ServiceProviderConfig")
    def scim_config(self, request: Request) -> Reply:
        able = {
            name: {"supported": name in ("patch", "filter")} for name in ("patch", "filter", "bulk", "sort", "etag")
        }
        return Reply({"schemas": [f"{CORE.rpartition(':core')[0]}:core:2.0:ServiceProviderConfig"], **able})

    @route("GET", "/scim/v2/Users")
    def scim_users(self, request: Request) -> Reply:
        found = [one for one in map(self._shown, self._accounts()) if _meets(one, request.params.get("filter", ""))]
        start = max(1, int(request.params.get("startIndex") or 1))
        count = min(int(request.params.get("count") or 10), MOST)
        page = found[start - 1 : start - 1 + count]
        return Reply({"schemas": [f"{MESSAGES}:ListResponse"], "totalResults": len(found), "itemsPerPage": len(page),
                      "startIndex": start, "Resources": page})  # fmt: skip

    @route("GET", "/scim/v2/Groups")
    def scim_groups(self, request: Request) -> Reply:
        return Reply({"schemas": [f"{MESSAGES}:ListResponse"], "totalResults": 0, "itemsPerPage": 0, "startIndex": 1,
                      "Resources": []})  # fmt: skip

    @route("GET", "/scim/v2/Users/{key}")
    def scim_user(self, request: Request) -> Reply:
        return Reply(self._shown(self._account(request)))

    @route("POST", "/scim/v2/Users")
    def scim_create(self, request: Request) -> Reply:
        body = request.json or {}
        emails = [one["value"] for one in body.get("emails") or () if one.get("value")]
        if not emails:
            raise _refused(400, "no_email")
        name = self._name_of(str(body.get("userName") or emails[0]))
        if any(emails[0].lower() == one["profile"]["email"].lower() for one in self._accounts()):
            raise _refused(409, "email_taken")
        made = self.space.user(name, name, email=emails[0])
        self._apply(made, {**body, "userName": name})
        return Reply(self._shown(made), 201)

    @route("PATCH", "/scim/v2/Users/{key}")
    def scim_patch(self, request: Request) -> Reply:
        account = self._account(request)
        whole = {**self._shown(account)}
        for one in request.json["Operations"]:
            kind, value = str(one["op"]).lower(), one.get("value")
            if kind not in ("add", "replace", "remove"):
                raise _refused(400, "invalid_operation")
            told = {one["path"]: value} if one.get("path") else value
            for path, each in told.items():
                _set(whole, path, None if kind == "remove" else each)
        self._apply(account, whole)
        return Reply(self._shown(account))

    @route("PUT", "/scim/v2/Users/{key}")
    def scim_put(self, request: Request) -> Reply:
        account = self._account(request)
        self._apply(account, request.json)
        return Reply(self._shown(account))

    @route("DELETE", "/scim/v2/Users/{key}")
    def scim_delete(self, request: Request) -> Reply:
        """It deactivates: Slack keeps every account."""
        self._account(request)["deleted"] = True
        return Reply(None, 204)

    # steps of the above

    def _accounts(self) -> list[Json]:
        return [one for one in self.space.users.values() if not one["is_bot"]]

    def _account(self, request: Request) -> Json:
        found = self.space.users.get(request.values["key"])
        if found is None or found["is_bot"]:
            raise _refused(404, "user_not_found")
        return found

    def _name_of(self, wanted: str, besides: str = "") -> str:
        """Small letters, digits and a few signs, at most 21 of them, and nobody else's."""
        name = re.sub(r"[^a-z0-9._-]", "", wanted.partition("@")[0].lower())[:21]
        if not name or any(name == one["name"] and one["id"] != besides for one in self.space.users.values()):
            raise _refused(409, "username_taken")
        return name

    def _apply(self, account: Json, body: Json) -> None:
        """What only SCIM knows is kept as it came."""
        profile, name = account["profile"], body.get("name") or {}
        account["name"] = self._name_of(str(body.get("userName") or account["name"]), account["id"])
        account["deleted"] = str(body.get("active", True)).lower() == "false"
        emails = [one["value"] for one in body.get("emails") or () if one.get("value")]
        full = " ".join(filter(None, (name.get("givenName"), name.get("familyName"))))
        profile["email"] = emails[0] if emails else profile["email"]
        profile["first_name"], profile["last_name"] = name.get("givenName") or "", name.get("familyName") or ""
        profile["title"], profile["display_name"] = body.get("title") or "", body.get("displayName") or ""
        profile["real_name"] = account["real_name"] = full or profile["display_name"] or account["name"]
        only = ("externalId", "phoneNumbers", "locale", "timezone", "preferredLanguage", ENTERPRISE)
        account["_scim"] = {one: body[one] for one in only if body.get(one)}

    def _shown(self, account: Json) -> Json:
        """Without a time of change: Slack's `meta` has none."""
        profile, more = account["profile"], account.get("_scim", {})
        name = {"givenName": profile.get("first_name", ""), "familyName": profile.get("last_name", "")}
        return {
            "schemas": [CORE, *([ENTERPRISE] if ENTERPRISE in more else [])], "id": account["id"], "externalId": "",
            "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00-08:00"},
            "userName": account["name"], "displayName": profile["display_name"], "name": name, "title": profile.get("title", ""),
            "active": not account["deleted"], "emails": [{"value": profile["email"], "primary": True}], "photos": [],
            "groups": [], **more,
        }  # fmt: skip


def _meets(shown: Json, condition: str) -> bool:
    if not condition:
        return True
    found = COMPARISON.fullmatch(condition)
    if found is None:
        raise _refused(400, "invalid_filter")
    held = {"userName": shown["userName"], "externalId": shown["externalId"], "email": shown["emails"][0]["value"]}
    if found[1] not in held:
        raise _refused(400, "invalid_filter")
    return bool(str(held[found[1]]).lower() == found[2].lower())


def _set(whole: Json, path: str, value: Any) -> None:
    """A path is an attribute, one of its parts behind a dot, or one of the extension behind its name and a colon."""
    holder, last = whole, path
    if path.startswith(f"{ENTERPRISE}:"):
        holder, last = whole.setdefault(ENTERPRISE, {}), path.removeprefix(f"{ENTERPRISE}:")
    elif "." in path and not path.startswith("urn:"):
        first, _, last = path.partition(".")
        holder = whole.setdefault(first, {})
    if value is None:
        holder.pop(last, None)
    else:
        holder[last] = value


def _fault(status: int, detail: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"schemas": [f"{MESSAGES}:Error"], "detail": detail, "status": str(status)}
    return Reply(body, status, headers or {})


def _refused(status: int, detail: str) -> Refused:
    return Refused(_fault(status, detail).body, status)
