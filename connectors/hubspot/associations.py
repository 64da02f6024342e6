"""Associations (v4): which records belong to a record."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.hubspot.objects import CrmObject, Linked, association
from landbridge.connector import Native
from landbridge.http import Client, CursorPages

PAGES = CursorPages("after", "paging.next.after", items="results", size_param="limit", size=500)


class Associations:
    """Searches do not tell them, and lists only some of them: they are asked for apart, a page of records at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def of(self, kind: CrmObject, ids: list[str]) -> dict[str, dict[str, str | None]]:
        """By id, the record that stands for each association; one call for each kind of it."""
        found: dict[str, dict[str, str | None]] = {id: dict.fromkeys(kind.links) for id in ids}
        for name, link in kind.links.items() if ids else ():
            answer = self._client.post(
                "crm/v4/associations/{from}/{to}/batch/read",
                path_params={"from": kind.name, "to": link.to},
                json={"inputs": [{"id": id} for id in ids]},
                safe=True,
            )
            # 207 where some have none: those are listed as errors, and not needed.
            for one in answer.part("results", list):
                found[str(one["from"]["id"])][name] = _preferred(one["to"], link.type)
        return found

    def change(self, kind: CrmObject, key: str, wanted: Linked) -> None:
        """The old one is taken away: a record has one customer, whatever HubSpot would allow."""
        names = wanted.keys() & kind.links.keys()
        linked = self.of(kind, [key])[key] if names else {}
        for name in names:
            self._replace(kind, key, name, linked[name], wanted[name])

    def newest(self, kind: str, key: str, to: str, count: int) -> list[str]:
        """Ids of what was associated with a record last."""
        place = {"from": kind, "key": key, "to": to}
        pages = self._client.pages("crm/v4/objects/{from}/{key}/associations/{to}", PAGES, path_params=place)
        ids: Iterable[int] = (int(one["toObjectId"]) for page in pages for one in page.items)
        return [str(id) for id in sorted(ids, reverse=True)[:count]]

    def _replace(self, kind: CrmObject, key: str, name: str, old: str | None, new: str | None) -> None:
        link = kind.links[name]
        path = "crm/v4/objects/{from}/{key}/associations/{to}/{other}"
        place = {"from": kind.name, "key": key, "to": link.to}
        if old and old != new:
            self._client.delete(path, path_params={**place, "other": old})
        if new and old != new:
            self._client.put(path, path_params={**place, "other": new}, json=[association(link.type)])


def _preferred(targets: list[Native], type: int) -> str | None:
    """Of a record's associations the one of the type, else the oldest; None where there is none."""
    told = ((target, {one["typeId"] for one in target["associationTypes"]}) for target in targets)
    ids = sorted((type not in types, int(target["toObjectId"])) for target, types in told)
    return str(ids[0][1]) if ids else None
