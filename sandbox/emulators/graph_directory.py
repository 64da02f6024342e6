"""The directory of the Graph emulator: accounts, groups, members and managers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.company import Company
from sandbox.emulators.base import Reply, Request, route
from sandbox.emulators.graph_notifications import Notifications
from sandbox.emulators.graph_parts import Deltas, Json, error, listed, not_there, selected

USER = "#microsoft.graph.user"
NAMESPACE = uuid.UUID("a3c5f0de-4b1c-4f53-9d55-3a8a6b3f9a10")


def made_id(name: str) -> str:
    """The same for the same name, so that seeded ids can be looked up."""
    return str(uuid.uuid5(NAMESPACE, name))


class Directory(Notifications):
    """`bin` holds removed accounts for 30 days; who empties it deletes them for good."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deltas = Deltas(self.clock)
        self.users: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}
        self.members: dict[str, list[str]] = {}
        self.bin: dict[str, Json] = {}
        self.sessions_ended: list[str] = []
        self._moves: list[tuple[int, str, str, bool]] = []

    def seed(self, company: Company) -> None:
        for person in company.people:
            name = person.user_name
            self.add_user(
                made_id(name), displayName=person.full_name, givenName=person.given, surname=person.family,
                userPrincipalName=person.email, mail=person.email, otherMails=[], employeeId=person.number,
                jobTitle=person.title, businessPhones=[person.phone], mobilePhone=person.mobile,
                accountEnabled=True, userType="Member", department=person.department,
            )  # fmt: skip
        for person in company.people:
            if person.manager:
                self.users[made_id(person.user_name)]["manager"] = made_id(company.by_number[person.manager].user_name)
        for department in company.departments:
            group = made_id(department.code)
            self.add_group(group, displayName=department.name, mailNickname=department.code, groupTypes=[])
            self.members[group] = [
                made_id(one.user_name) for one in company.people if one.department == department.code
            ]

    def add_user(self, id: str, **properties: Any) -> Json:
        self.users[id] = {"id": id, **properties}
        self._touch_user(id)
        return self.users[id]

    def add_group(self, id: str, **properties: Any) -> None:
        self.groups[id] = {"id": id, **properties}
        self.members.setdefault(id, [])
        self.deltas.touch("groups", id)

    def set_user(self, id: str, **properties: Any) -> None:
        """As an administrator does it in the portal."""
        self.users[id] |= properties
        self._touch_user(id)

    def remove_user(self, id: str, *, for_good: bool = False) -> None:
        row = self.users.pop(id, None) or self.bin.pop(id)
        if not for_good:
            self.bin[id] = row
        self._touch_user(id, "deleted" if for_good else "updated")
        for group, members in self.members.items():
            if id in members:
                self.move_member(group, id, joins=False)

    def remove_group(self, id: str) -> None:
        del self.groups[id], self.members[id]
        self.deltas.touch("groups", id)

    def move_member(self, group: str, user: str, *, joins: bool) -> None:
        self.members[group].append(user) if joins else self.members[group].remove(user)
        self._moves.append((self.deltas.touch("groups", group), group, user, joins))

    # Accounts

    @route("GET", "/v1.0/users")
    def list_users(self, request: Request) -> Reply:
        return listed(request, [selected(self._shown(row), request) for row in self.users.values()])

    @route("POST", "/v1.0/users")
    def create_user(self, request: Request) -> Reply:
        row: Json = request.json
        needed = {"accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"}
        if missing := needed - row.keys():
            raise error(400, "Request_BadRequest", f"A value is required for property '{min(missing)}'.")
        if any(one["userPrincipalName"] == row["userPrincipalName"] for one in self.users.values()):
            message = "Another object with the same value for property userPrincipalName already exists."
            raise error(400, "Request_BadRequest", message)
        kept = {name: value for name, value in row.items() if name != "passwordProfile"}
        made = self.add_user(str(uuid.uuid4()), **{"userType": "Member", **kept})
        told = ("id", "displayName", "givenName", "surname", "userPrincipalName", "mail", "jobTitle", "mobilePhone")
        return Reply({name: made.get(name) for name in told} | {"businessPhones": made.get("businessPhones", [])}, 201)

    @route("GET", "/v1.0/users/delta")
    def follow_users(self, request: Request) -> Reply:
        return self.deltas.answer(request, "users", self.users, self._changed_user)

    @route("GET", "/v1.0/users/{user}")
    def get_user(self, request: Request) -> Reply:
        row = self._user(request.values["user"])
        found = selected(self._shown(row), request)
        if "manager" in request.params.get("$expand", "") and row.get("manager"):
            found["manager"] = {"@odata.type": USER, "id": row["manager"]}
        return Reply(found)

    @route("PATCH", "/v1.0/users/{user}")
    def update_user(self, request: Request) -> Reply:
        row, sent = self._user(request.values["user"]), request.json
        for name, value in sent.items():
            if value == "":
                raise error(
                    400, "Request_BadRequest", f"Invalid value specified for property '{name}' of resource 'User'."
                )
        if any(row.get(name) != value for name, value in sent.items()):
            self.set_user(row["id"], **sent)
        return Reply(status=204)

    @route("POST", "/v1.0/users/{user}/revokeSignInSessions")
    def end_sessions(self, request: Request) -> Reply:
        self.sessions_ended.append(self._user(request.values["user"])["id"])
        return Reply({"@odata.context": f"{request.origin}/v1.0/$metadata#Edm.Boolean", "value": True})

    @route("PUT", "/v1.0/users/{user}/manager/$ref")
    def set_manager(self, request: Request) -> Reply:
        manager = self._user(request.json["@odata.id"].rpartition("/")[2])
        self.set_user(self._user(request.values["user"])["id"], manager=manager["id"])
        return Reply(status=204)

    @route("DELETE", "/v1.0/users/{user}/manager/$ref")
    def remove_manager(self, request: Request) -> Reply:
        row = self._user(request.values["user"])
        if not row.get("manager"):
            raise not_there("manager")
        self.set_user(row["id"], manager=None)
        return Reply(status=204)

    # Groups

    @route("GET", "/v1.0/groups")
    def list_groups(self, request: Request) -> Reply:
        return listed(request, [selected(row, request) for row in self.groups.values()])

    @route("GET", "/v1.0/groups/delta")
    def follow_groups(self, request: Request) -> Reply:
        return self.deltas.answer(request, "groups", self.groups, self._changed_group)

    @route("GET", "/v1.0/groups/{group}/members")
    def list_members(self, request: Request) -> Reply:
        members = self.members[self._group(request)]
        return listed(
            request, [selected({"@odata.type": USER} | self._shown(self.users[one]), request) for one in members]
        )

    @route("POST", "/v1.0/groups/{group}/members/$ref")
    def add_member(self, request: Request) -> Reply:
        group, user = self._group(request), request.json["@odata.id"].rpartition("/")[2]
        if self.groups[group].get("membershipRule"):
            message = "Insufficient privileges to complete the operation."
            raise error(403, "Authorization_RequestDenied", message)
        if self._user(user)["id"] in self.members[group]:
            message = (
                "One or more added object references already exist for the following modified properties: 'members'."
            )
            raise error(400, "Request_BadRequest", message)
        self.move_member(group, user, joins=True)
        return Reply(status=204)

    @route("DELETE", "/v1.0/groups/{group}/members/{user}/$ref")
    def remove_member(self, request: Request) -> Reply:
        group, user = self._group(request), request.values["user"]
        if user not in self.members[group]:
            raise not_there(user)
        self.move_member(group, user, joins=False)
        return Reply(status=204)

    # Steps of the above

    def _touch_user(self, id: str, change: str = "updated") -> None:
        self.deltas.touch("users", id)
        self.notify("users", change, f"Users/{id}", "#Microsoft.Graph.User")

    def _user(self, key: str) -> Json:
        found = self.users.get(key) or next(
            (row for row in self.users.values() if row["userPrincipalName"] == key), None
        )
        if found is None:
            raise not_there(key)
        return found

    def _group(self, request: Request) -> str:
        if request.values["group"] not in self.groups:
            raise not_there(request.values["group"])
        return request.values["group"]

    @staticmethod
    def _shown(row: Json) -> Json:
        return {name: value for name, value in row.items() if name not in ("manager", "password")}

    def _changed_user(self, id: str, since: int | None, params: Mapping[str, str]) -> Json | None:
        if id in self.bin:
            return {"id": id, "@removed": {"reason": "changed"}}
        if id not in self.users:
            return None
        row = self.users[id]
        names = params.get("$select", "").split(",")
        found = {name: row[name] for name in ["id", *names] if name in row and name != "manager"}
        if since is None and row.get("manager") and "manager" in names:
            found["manager@delta"] = [{"@odata.type": USER, "id": row["manager"]}]
        return found

    def _changed_group(self, id: str, since: int | None, params: Mapping[str, str]) -> Json | None:
        if id not in self.groups:
            return None
        names = params.get("$select", "").split(",")
        found = {name: self.groups[id][name] for name in ["id", *names] if name in self.groups[id]}
        if "members" in names and since is None:
            found["members@delta"] = [{"@odata.type": USER, "id": one} for one in self.members[id]]
        elif "members" in names:
            last = {user: joins for place, group, user, joins in self._moves if group == id and place > (since or 0)}
            found["members@delta"] = [
                {"@odata.type": USER, "id": user, **({} if joins else {"@removed": {"reason": "deleted"}})}
                for user, joins in last.items()
            ]
        return found
