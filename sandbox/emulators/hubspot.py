"""HubSpot's CRM API: objects, search, associations, owners, pipelines; its limits and its errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from sandbox.company import Company
from sandbox.emulators.base import Emulator, Limits, Reply, Request, route
from sandbox.emulators.hubspot_answers import (
    Row,
    in_order,
    limited,
    names,
    page,
    refusal,
    refused,
    standard_error,
    test,
)
from sandbox.emulators.hubspot_data import CLOSED, PIPELINES, PROPERTIES, REQUIRED, TYPES
from sandbox.emulators.system import EmulatedSystem

SEARCH_ENDS = 10_000
_STAGES = {
    "lead": "appointmentscheduled",
    "opportunity": "qualifiedtobuy",
    "converted": "closedwon",
    "lost": "closedlost",
}


class HubSpot(EmulatedSystem):
    name: ClassVar[str] = "hubspot"
    emulator: ClassVar[str] = "sandbox.emulators.hubspot:HubSpotEmulator"
    connection: ClassVar[str] = "hubspot"


class HubSpotEmulator(Emulator):
    """One account; `burst` calls in ten seconds, `searches` in one, `index_delay` seconds until a search sees a write."""

    name: ClassVar[str] = "hubspot"
    portal = 24_000_001

    def __init__(self, *, token: str = "token", clock: Callable[[], float] = time.time) -> None:
        super().__init__(token=token, clock=clock)
        self.burst, self.searches, self.daily, self.index_delay = 190, 5, 650_000, 0.0
        self.scopes = [
            "oauth", "tickets", "crm.objects.owners.read", "crm.objects.contacts.read", "crm.objects.contacts.write",
            "crm.objects.companies.read", "crm.objects.deals.read", "crm.objects.deals.write",
        ]  # fmt: skip
        # Made by hand in the account, by property and object; its values are unique for tickets and deals.
        self.custom = {name: {"landbridge_marker"} for name in ("tickets", "deals", "notes")}
        self.objects: dict[str, dict[str, Row]] = {name: {} for name in PROPERTIES}
        self.owners: list[Row] = []
        self.links: dict[tuple[str, str, str], dict[str, set[int]]] = {}
        self._limits, self._last_id = Limits(clock), 24_000_000_000

    def seed(self, company: Company) -> None:
        owners: dict[str, str] = {}
        companies: dict[str, str] = {}
        contacts: dict[str, str] = {}
        for deal in company.opportunities:
            person = company.by_number[deal.owner]
            if deal.owner not in owners:
                owners[deal.owner] = self.add_owner(person.email, person.given, person.family)
            if deal.customer not in companies:
                companies[deal.customer] = self.add("companies", name=deal.customer)
            if deal.contact_email not in contacts:
                given, _, family = deal.contact.partition(" ")
                contacts[deal.contact_email] = self.add(
                    "contacts", email=deal.contact_email, firstname=given, lastname=family,
                    associatedcompanyid=companies[deal.customer],
                )  # fmt: skip
            common = {"hubspot_owner_id": owners[deal.owner]}
            held = self.add(
                "deals", dealname=deal.subject, amount=str(deal.amount), pipeline="default",
                dealstage=_STAGES[deal.status], **common,
            )  # fmt: skip
            asked = self.add("tickets", subject=deal.subject, hs_pipeline="0", hs_pipeline_stage="1", **common)
            for name, id in (("deals", held), ("tickets", asked)):
                self.link(name, id, "companies", companies[deal.customer])
                self.link(name, id, "contacts", contacts[deal.contact_email])
            for text in deal.notes:
                note = self.add("notes", hs_note_body=f"<p>{text}</p>", hs_timestamp=self.now(), **common)
                self.link("notes", note, "tickets", asked)

    # What people do in HubSpot's own pages

    def add_owner(self, email: str, given: str = "", family: str = "") -> str:
        id, now = self._new_id(), self.now()
        self.owners.append(
            {"id": id, "email": email, "type": "PERSON", "firstName": given, "lastName": family, "userId": int(id),
             "createdAt": now, "updatedAt": now, "archived": False}
        )  # fmt: skip
        return id

    def add(self, name: str, /, **properties: str | None) -> str:
        id, now = self._new_id(), self.now()
        born = "hs_createdate" if name == "notes" else "createdate"
        said = {"hs_object_id": id, born: now, **properties}
        self.objects[name][id] = {"id": id, "properties": said, "createdAt": now, "archived": False}
        self.change(name, id)
        return id

    def change(self, name: str, id: str, /, **properties: str | None) -> None:
        row, now = self.objects[name][id], self.now()
        said: Row = row["properties"]
        said |= {key: value or None for key, value in properties.items()} | {"hs_lastmodifieddate": now}
        if name == "contacts":
            said["lastmodifieddate"] = now
        if name == "tickets":
            said["closed_date"] = (said.get("closed_date") or now) if said.get("hs_pipeline_stage") in CLOSED else None
        if name == "deals":
            said["hs_is_closed"] = str(said.get("dealstage") in CLOSED).lower()
        row["updatedAt"] = now

    def archive(self, name: str, id: str) -> None:
        self.objects[name][id] |= {"archived": True, "archivedAt": self.now()}

    def merge(self, name: str, winner: str, loser: str) -> None:
        del self.objects[name][loser]
        self.change(name, winner, hs_merged_object_ids=loser)

    def link(self, name: str, id: str, to: str, other: str) -> None:
        forth, back = TYPES[name, to]
        self.links.setdefault((name, id, to), {}).setdefault(other, set()).add(forth)
        self.links.setdefault((to, other, name), {}).setdefault(id, set()).add(back)

    def now(self) -> str:
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # Calls

    def admit(self, request: Request) -> Reply | None:
        if request.token != self.token:
            return refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        if request.path.endswith("/search") and self._limits.wait("search", self.searches, 1):
            return limited("SECONDLY", "You have reached your secondly limit.")
        if self._limits.wait("burst", self.burst, 10):
            return limited("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        if self._limits.wait("daily", self.daily, 86_400):
            return limited("DAILY", "You have reached your daily limit.")
        return None

    def unknown(self, request: Request) -> Reply:
        return refusal(404, "OBJECT_NOT_FOUND", "Unable to find this address.")

    @route("POST", "/oauth/v2/private-apps/get/access-token-info")
    def token_info(self, request: Request) -> Reply:
        return Reply({"userId": 1, "hubId": self.portal, "appId": 2, "scopes": self.scopes})

    @route("GET", "/crm/v3/owners/")
    def list_owners(self, request: Request) -> Reply:
        wanted = request.params.get("archived") == "true"
        return page(request, [row for row in self.owners if row["archived"] is wanted], most=500)

    @route("GET", "/crm/v3/pipelines/{object}")
    def list_pipelines(self, request: Request) -> Reply:
        return Reply({"results": PIPELINES[request.values["object"]]})

    @route("GET", "/crm/v3/properties/{object}/{property}")
    def get_property(self, request: Request) -> Reply:
        name, object = request.values["property"], request.values["object"]
        if name not in PROPERTIES[object] | self.custom.get(object, set()):
            raise refused(404, "OBJECT_NOT_FOUND", "property does not exist")
        return Reply(
            {"name": name, "label": name, "description": "", "type": "string", "fieldType": "text",
             "groupName": "information", "options": [], "hasUniqueValue": self._is_unique(object, name)}
        )  # fmt: skip

    @route("GET", "/crm/v3/objects/{object}")
    def list_objects(self, request: Request) -> Reply:
        wanted = request.params.get("archived") == "true"
        rows = [row for row in self._rows(request) if row["archived"] is wanted]
        return page(request, [self._shown(row, names(request)) for row in rows], most=100)

    @route("POST", "/crm/v3/objects/{object}")
    def create(self, request: Request) -> Reply:
        name, said = request.values["object"], request.json["properties"]
        self._check(name, said, new=True)
        id = self.add(name, **said)
        for one in request.json.get("associations") or []:
            self._associate(name, id, one["types"][0]["associationTypeId"], one["to"]["id"])
        return Reply(self._shown(self.objects[name][id], None), 201)

    @route("GET", "/crm/v3/objects/{object}/{id}")
    def get_object(self, request: Request) -> Reply:
        return Reply(self._shown(self._one(request), names(request)))

    @route("PATCH", "/crm/v3/objects/{object}/{id}")
    def update(self, request: Request) -> Reply:
        row, said = self._one(request), request.json["properties"]
        self._check(request.values["object"], said, id=row["id"])
        self.change(request.values["object"], row["id"], **said)
        return Reply(self._shown(row, list(said)))

    @route("DELETE", "/crm/v3/objects/{object}/{id}")
    def delete(self, request: Request) -> Reply:
        row = self.objects[request.values["object"]].get(request.values["id"])
        if row and not row["archived"]:
            self.archive(request.values["object"], row["id"])
        return Reply(None, 204)

    @route("POST", "/crm/v3/objects/{object}/search")
    def search(self, request: Request) -> Reply:
        asked = request.json
        limit, start = int(asked.get("limit", 10)), int(asked.get("after", 0))
        if limit > 200 or start + limit > SEARCH_ENDS:
            raise refused(400, "VALIDATION_ERROR", "There was a problem with the request.")
        indexed = self.clock() - self.index_delay
        rows = [
            row for row in self._rows(request)
            if not row["archived"]
            and datetime.fromisoformat(row["updatedAt"]).timestamp() <= indexed
            and any(all(map(test(row), group["filters"])) for group in asked["filterGroups"])
        ]  # fmt: skip
        rows.sort(key=lambda row: int(row["id"]), reverse=not in_order(asked.get("sorts")))
        found = [self._shown(row, asked.get("properties") or []) for row in rows[start : start + limit]]
        more = {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(rows) else {}
        return Reply({"total": len(rows), "results": found, **more})

    @route("POST", "/crm/v3/objects/{object}/batch/read")
    def batch_read(self, request: Request) -> Reply:
        held = self.objects[request.values["object"]]
        rows = [
            held[one["id"]] for one in request.json["inputs"] if one["id"] in held and not held[one["id"]]["archived"]
        ]
        return Reply(self._batch([self._shown(row, request.json["properties"]) for row in rows]))

    @route("POST", "/crm/v4/associations/{object}/{to}/batch/read")
    def read_associations(self, request: Request) -> Reply:
        found, none = [], []
        for one in request.json["inputs"]:
            targets = self._targets(request.values["object"], one["id"], request.values["to"])
            if targets:
                found.append({"from": {"id": one["id"]}, "to": targets})
            else:
                none.append(standard_error(one["id"]))
        errors = {"numErrors": len(none), "errors": none} if none else {}
        return Reply(self._batch(found) | errors, 207 if none else 200)

    @route("GET", "/crm/v4/objects/{object}/{id}/associations/{to}")
    def list_associations(self, request: Request) -> Reply:
        values = request.values
        return page(request, self._targets(values["object"], values["id"], values["to"]), most=500)

    @route("PUT", "/crm/v4/objects/{object}/{id}/associations/{to}/{other}")
    def associate(self, request: Request) -> Reply:
        name, id, other = (request.values[key] for key in ("object", "id", "other"))
        self._associate(name, id, request.json[0]["associationTypeId"], other)
        ids = {"fromObjectTypeId": "0-5", "fromObjectId": id, "toObjectTypeId": "0-2", "toObjectId": other}
        return Reply({**ids, "labels": []}, 201)

    @route("DELETE", "/crm/v4/objects/{object}/{id}/associations/{to}/{other}")
    def dissociate(self, request: Request) -> Reply:
        name, id, to, other = (request.values[key] for key in ("object", "id", "to", "other"))
        self.links.get((name, id, to), {}).pop(other, None)
        self.links.get((to, other, name), {}).pop(id, None)
        return Reply(None, 204)

    # Steps of the above

    def _new_id(self) -> str:
        self._last_id += 7
        return str(self._last_id)

    def _rows(self, request: Request) -> list[Row]:
        if request.values["object"] not in self.objects:
            raise refused(400, "VALIDATION_ERROR", "Unable to infer object type")
        return list(self.objects[request.values["object"]].values())

    def _one(self, request: Request) -> Row:
        by = request.params.get("idProperty", "hs_object_id")
        for row in self._rows(request):
            if not row["archived"] and row["properties"].get(by) == request.values["id"]:
                return row
        raise refused(404, "OBJECT_NOT_FOUND", "Object not found.")

    def _is_unique(self, name: str, property: str) -> bool:
        return name != "notes" and property in self.custom.get(name, ())

    def _check(self, name: str, said: Row, *, new: bool = False, id: str = "") -> None:
        known = PROPERTIES[name] | self.custom.get(name, set())
        if wrong := [key for key in said if key not in known]:
            told = f'Property values were not valid: [{{"error":"PROPERTY_DOESNT_EXIST","name":"{wrong[0]}"}}]'
            raise refused(400, "VALIDATION_ERROR", told)
        if new and (lacking := REQUIRED.get(name, set()) - said.keys()):
            told = f"Error creating: required properties were not set: {sorted(lacking)}"
            raise refused(400, "VALIDATION_ERROR", told)
        for key in filter(lambda key: self._is_unique(name, key), said):
            if any(row["properties"].get(key) == said[key] and row["id"] != id for row in self.objects[name].values()):
                raise refused(409, "CONFLICT", f"A record with that {key} exists already.")

    def _associate(self, name: str, id: str, type: int, other: str) -> None:
        to = next((target for (source, target), ids in TYPES.items() if source == name and type in ids), "")
        if other not in self.objects.get(to, {}):
            raise refused(400, "VALIDATION_ERROR", "No such object to associate.")
        self.link(name, id, to, other)

    def _targets(self, name: str, id: str, to: str) -> list[Row]:
        linked = self.links.get((name, id, to), {})
        held = {other: types for other, types in linked.items() if not self.objects[to][other]["archived"]}
        return [
            {"toObjectId": other, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": one} for one in types]}
            for other, types in held.items()
        ]

    def _shown(self, row: Row, names: list[str] | None) -> Row:
        said = row["properties"]
        always = ("hs_object_id", "createdate", "hs_lastmodifieddate")
        wanted = said if names is None else {key: said.get(key) for key in (*always, *names)}
        return {**row, "properties": dict(wanted)}

    def _batch(self, results: list[Row]) -> Row:
        return {"status": "COMPLETE", "results": results, "startedAt": self.now(), "completedAt": self.now()}
