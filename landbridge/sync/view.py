"""What planning looks at: entities, their records and what belongs to them, loaded once per transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeVar

from landbridge.model import Audience, Scope, attachment_fields, ref_fields
from landbridge.store.deliveries import Delivery
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row
from landbridge.sync.company import Company
from landbridge.sync.known import Stored
from landbridge.sync.marks import bare, marks_on
from landbridge.sync.refs import is_ref, record_in, references
from landbridge.sync.routes import PLACES, Flow, Route

T = TypeVar("T")


class View:
    """A reading cache over what is known; it never writes."""

    def __init__(self, known: Stored, company: Company) -> None:
        self.known, self.company, self.conn = known, company, known.conn
        self._entities: dict[str, EntityRow | None] = {}
        self._rows: dict[str, list[Row]] = {}
        self._keys: dict[tuple[str, str, str], Row | None] = {}
        self._deliveries: dict[str, list[Delivery]] = {}
        self._disputed: dict[str, set[str]] = {}
        self._left: dict[str, dict[str, dict[str, str]]] = {}
        self._replies: dict[str, list[str]] = {}
        self._spaces: dict[tuple[str, str], str] = {}
        self._once: dict[tuple[str, ...], Any] = {}

    def prefetch(self, ids: list[str], *, threads: bool = False, lock: bool = False) -> None:
        """What planning these will ask for, in sets; `lock`: their deliveries until the transaction ends."""
        self._deliveries.update(self.known.deliveries_of(ids, lock=lock))
        self.load(ids)
        near = self._referred(ids)
        self.load(near)
        self.load(self._referred(near))
        self._load_deliveries(near)
        self._disputed.update(self.known.disputed(ids))
        self._load_left(ids)
        opening = ("message", "document") if threads else ()
        roots = [one for one in ids if (found := self._entities[one]) and found.kind in opening]
        self._replies.update(self.known.referrers_of(roots, "thread"))
        self.load([reply for root in roots for reply in self._replies[root]])

    def _referred(self, ids: list[str]) -> list[str]:
        found: set[str] = set()
        for one in ids:
            entity = self._entities[one]
            for targets in references(ref_fields(entity.kind), entity.data).values() if entity else ():
                found.update(targets)
        return sorted(found)

    def load(self, ids: list[str]) -> None:
        """Fetch many at once."""
        wanted = [one for one in ids if one not in self._entities]
        found = self.known.entities(wanted)
        self._entities.update({one: found.get(one) for one in wanted})
        self._keep(self.known.records_of(wanted))

    def _keep(self, found: dict[str, list[Row]]) -> None:
        self._rows.update(found)
        self._keys.update({(row.system, row.stream, row.key): row for rows in found.values() for row in rows})

    def _load_deliveries(self, ids: list[str]) -> None:
        self._deliveries.update(self.known.deliveries_of([one for one in ids if one not in self._deliveries]))

    def _load_left(self, ids: list[str]) -> None:
        """Only of what has files."""
        found = [entity for one in ids if (entity := self._entities[one]) and one not in self._left]
        having = [one.id for one in found if any(one.data.get(name) for name in attachment_fields(one.kind))]
        self._left.update(self.known.left_files(having) if having else {})

    def left_files(self, entity: str, target: str) -> dict[str, str]:
        """The files of this entity that the target did not take, with the reason."""
        if entity not in self._left:
            self._left.update(self.known.left_files([entity]))
        return self._left[entity].get(target, {})

    def entity(self, entity: Any) -> EntityRow | None:
        if not isinstance(entity, str):
            return None
        if entity not in self._entities:
            self.load([entity])
        return self._entities[entity]

    def rows(self, entity: str) -> list[Row]:
        if entity not in self._rows:
            self._keep(self.known.records_of([entity]))
        return self._rows[entity]

    def record(self, entity: Any, target: str) -> Row | None:
        """The live record that shows the entity in "system/stream"."""
        system, _, stream = target.partition("/")
        return record_in(self.rows(entity), system, stream) if isinstance(entity, str) else None

    def by_key(self, system: str, stream: str, key: str) -> Row | None:
        place = (system, stream, key)
        if place not in self._keys:
            self._keys[place] = self.known.record(*place)
        return self._keys[place]

    def delivery(self, target: str, entity: str, shape: str) -> Delivery | None:
        self._load_deliveries([entity])
        return next((one for one in self._deliveries[entity] if (one.target, one.shape) == (target, shape)), None)

    def disputed(self, entity: str) -> set[str]:
        """The fields about which a question is open."""
        if entity not in self._disputed:
            self._disputed.update(self.known.disputed([entity]))
        return self._disputed[entity]

    def space(self, route: Route, data: dict[str, Any], find: Callable[[Route, dict[str, Any]], str]) -> str:
        """The space that the route's template names for this data; `find` is asked once for each name."""
        name = (route.system, route.templates["space"](data))
        if name not in self._spaces:
            self._spaces[name] = find(route, data)
        return self._spaces[name]

    def once(self, name: tuple[str, ...], look_up: Callable[[], T]) -> T:
        """What many of those that are planned together ask for alike."""
        if name not in self._once:
            self._once[name] = look_up()
        found: T = self._once[name]
        return found

    def origin_of(self, entity: EntityRow) -> Row | None:
        """The record that the entity first came from, gone or not."""
        return next((row for row in self.rows(entity.id) if row.role == "source"), None)

    def standing_in(self, places: Collection[str]) -> list[str]:
        """The ids of all that refers to one of them as its space or thread."""
        found = (self.known.referrers_of(places, field).values() for field in PLACES if places)
        return list(dict.fromkeys(source for those in found for sources in those for source in sources))

    # --- what belongs together ---------------------------------------------------------------------------------

    def thread(self, root: str) -> list[EntityRow]:
        """The live messages of a thread in order, the root left out."""
        if root not in self._replies:
            self._replies.update(self.known.referrers_of([root], "thread"))
        ids = self._replies[root]
        self.load(ids)
        found = [
            one
            for one in (self.entity(source) for source in ids)
            if one and one.kind == "message" and not one.deleted_at
        ]
        return sorted(found, key=lambda one: (str(one.data.get("sent_at") or ""), one.id))

    def marks(self, root: str) -> set[str]:
        """The reactions on the answers of a thread; one that was accepted counts as marked so."""
        return set().union(*(marks_on(message.data) for message in self.thread(root)))

    def chosen(self, message: EntityRow, mark: str, target: str) -> bool:
        """Is it marked as the answer, in a thread of which the target ("system/stream") has accepted none yet?

        Forums accept one: where several are marked, the first stays.
        """
        thread = message.data.get("thread")
        return (
            bare(mark) in marks_on(message.data)
            and isinstance(thread, str)
            and not any(self._accepted(one, target) for one in self.thread(thread))
        )

    def _accepted(self, message: EntityRow, target: str) -> bool:
        row = self.record(message.id, target)
        return bool(message.data.get("accepted") or (row and (row.claim or {}).get("accepted")))

    def person_name(self, person: Any) -> str:
        """A person's name for text that outlives the account; the id tells nothing, so "someone" where unknown."""
        found = self.entity(person)
        return _called(found.data if found else {}) or "someone"

    def by_kind(self, system: str, kind: str, key: str) -> Row | None:
        """A record of the system's one stream of this kind."""
        stream = self.company.stream_of_kind(system, kind)
        return self.by_key(system, stream.partition("/")[2], key) if stream else None

    def account_name(self, system: str, key: str) -> str:
        """As the system itself calls somebody whom the company does not know; the key where it does not either."""
        row = self.by_kind(system, "person", key)
        return (_called(row.claim or {}) if row else "") or key

    def room_name(self, system: str, key: str) -> str:
        """Of a room of the system that everyone may see; a closed one is not named elsewhere."""
        row = self.by_kind(system, "space", key)
        claim = (row.claim or {}) if row else {}
        return str(claim.get("name") or "unknown") if claim.get("visibility") == "public" else "unknown"

    def author_name(self, entity: EntityRow) -> str:
        """A colleague as the company calls them; what a guest calls themselves counts only where nobody knows them."""
        author = entity.data.get("author")
        guest = None if self.entity(author) else entity.data.get("guest")
        return str(guest or self.person_name(author))

    def with_marks(self, entity: EntityRow) -> dict[str, Any]:
        """The entity's data, and for what opens a thread its marks, looked up where a condition asks for them."""
        if entity.kind == "document" or (entity.kind == "message" and not entity.data.get("thread")):
            return entity.data | {"~marks": partial(self.marks, entity.id)}
        return entity.data

    # --- scope -------------------------------------------------------------------------------------------------

    def in_flow(self, flow: Flow, entity: EntityRow) -> bool:
        """Does a source of the flow say that this entity is there, and does its condition hold?"""
        if entity.deleted_at or (flow.spaces and not self._said_in_one_of(flow.spaces, entity)):
            return False
        for source in flow.scope:
            if source.kind == entity.kind and source.creates and self.record(entity.id, source.stream) is not None:
                return source.only is None or bool(source.only(self.with_marks(entity)))
        return False

    def _said_in_one_of(self, aliases: Collection[str], message: EntityRow) -> bool:
        space = self.entity(message.data.get("space"))
        return space is not None and str(space.data.get("alias") or "").casefold() in aliases

    # --- audience ----------------------------------------------------------------------------------------------

    def audience(self, entity: EntityRow) -> Audience | None:
        """Who may see the entity; None where nobody knows."""
        said = entity.data.get("audience")
        if said:
            return Audience.model_validate(said)
        if entity.kind in ("space", "group", "case"):
            return self.audience_of_place(entity)
        if entity.kind == "message" and (said_in := self._said_in(entity)):
            return said_in
        if entity.kind == "document" and entity.data.get("state") != "published":
            return None
        row = self.origin_of(entity)
        return self.audience_of_system(row.system) if row else None

    def audience_of_system(self, system: str) -> Audience | None:
        scope = self.company.system(system).config.audience
        return Audience(scope=scope) if scope is not Scope.NOBODY else None

    def _said_in(self, message: EntityRow) -> Audience | None:
        """The audience of where a message was said: its room as its own system has it, else what it belongs to."""
        row = self.origin_of(message)
        place = (row.claim or {}).get("space") if row else None
        if row is not None and is_ref(place):
            room = self.by_key(row.system, place["stream"], place["key"])
            if room is not None and room.kind == "space":
                return self.audience_of_record(room)
        container = self.entity(message.data.get("thread")) or self.entity(message.data.get("space"))
        return self.audience(container) if container is not None else None

    def audience_of_place(self, place: EntityRow) -> Audience | None:
        """Who is in a room: the company where anyone of it may join, else the members."""
        return _of_room(place, place.data) if place.kind == "space" else Audience.members(place.id)

    def audience_of_record(self, row: Row) -> Audience | None:
        """Who is in a room as its system has it, whatever it was meant to be: people open rooms and invite guests."""
        place = self.entity(row.entity)
        return _of_room(place, row.claim or {}) if place is not None else None


def _called(data: dict[str, Any]) -> str:
    spelled = " ".join(filter(None, (data.get("name.given"), data.get("name.family"))))
    return str(data.get("display_name") or data.get("name.formatted") or spelled)


def _of_room(place: EntityRow, data: dict[str, Any]) -> Audience | None:
    guests = bool(data.get("guests_present"))
    if data.get("visibility") == "public":
        return Audience(scope=Scope.COMPANY, guests=guests)
    # A room that shows something else (a case, a group) is closed unless it says that it is not.
    known = data.get("visibility") or place.kind != "space"
    return Audience.members(place.id, guests=guests) if known else None
