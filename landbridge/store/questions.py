"""The decisions that a transaction may meet, looked up in sets; what it asks and closes is written at its end."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from landbridge.store import decisions
from landbridge.store.decisions import Decision, Question


class Questions:
    """What was asked or closed here is seen so at once, and written by `flush`."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._known: dict[tuple[str, str], Decision | None] = {}
        # (kind, entity) of which all is known; the subject begins with the entity.
        self._whole: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], Question] = {}
        self._closed: dict[tuple[str, str], None] = {}
        self._applied: dict[tuple[str, str], int] = {}

    def load(self, kind: str, subjects: Iterable[str]) -> None:
        wanted = [subject for subject in set(subjects) if (kind, subject) not in self._known]
        self._known.update(dict.fromkeys((kind, subject) for subject in wanted))
        for subject, found in decisions.find_all(self._conn, kind, wanted).items():
            self._known[kind, subject] = found

    def load_of(self, kind: str, entities: Iterable[str]) -> None:
        """All about these, where the subjects of the kind begin with the entity."""
        wanted = [entity for entity in set(entities) if (kind, entity) not in self._whole]
        for found in decisions.of_entities(self._conn, kind, wanted):
            self._known.setdefault((kind, found.subject), found)
        self._whole.update((kind, entity) for entity in wanted)

    def find(self, kind: str, subject: str) -> Decision | None:
        if (kind, subject) not in self._known:
            if (kind, subject.partition(":")[0]) in self._whole:
                return None
            self.load(kind, [subject])
        return self._known[kind, subject]

    def answer_of(self, kind: str, subject: str) -> Decision | None:
        """The question, where a person has answered it."""
        found = self.find(kind, subject)
        answered = found is not None and found.state in decisions.ANSWERED and found.answer is not None
        return found if answered else None

    def is_open(self, kind: str, subject: str) -> bool:
        """Does it wait for a person, or its answer to be carried out?"""
        found = self.find(kind, subject)
        return found is not None and found.state in ("open", "decided")

    def are_apart(self, record: int, entity: str) -> bool:
        """Has a person said that the record does not belong to it?"""
        found = self.find(decisions.APART, decisions.apart_subject(record, entity))
        return found is not None and found.answer == decisions.APART

    def load_apart(self, pairs: Iterable[tuple[int, str]]) -> None:
        """What `are_apart` will be asked about these records and entities."""
        self.load(decisions.APART, (decisions.apart_subject(record, entity) for record, entity in pairs))

    def ask(self, one: Question) -> None:
        """What is answered already is asked again only where the facts are others."""
        key = (one.kind, one.subject)
        self._closed.pop(key, None)
        self._asked[key] = one
        if (found := decisions.asked(self.find(*key), one)) is not None:
            self._known[key] = found

    def close(self, kind: str, subject: str) -> None:
        """The matter went away by itself."""
        key = (kind, subject)
        self._asked.pop(key, None)
        self._closed[key] = None
        if (found := self.find(*key)) is not None:
            self._known[key] = found._replace(**decisions.closed())

    def foresee(self, one: Question, answer: str) -> None:
        """Seen as if a person had given this answer; never written."""
        asked = decisions.asked(None, one)
        assert asked is not None  # where nothing is known, all is asked
        self._known[one.kind, one.subject] = asked._replace(state="applied", answer=answer)

    def applied(self, answered: Iterable[Decision]) -> None:
        """These answers are carried out."""
        for one in answered:
            self._known[one.kind, one.subject] = one._replace(state="applied")
            self._applied[one.kind, one.subject] = one.id

    def changed(self, kind: str) -> dict[str, bool]:
        """Subject → is it open now? Of those that were asked, closed or carried out here."""
        keys = (*self._asked, *self._closed, *self._applied)
        return {subject: self.is_open(kind, subject) for of, subject in keys if of == kind}

    def flush(self) -> None:
        decisions.applied(self._conn, *self._applied.values())
        for kind in {kind for kind, _ in self._closed}:
            decisions.close(self._conn, kind, *(subject for one, subject in self._closed if one == kind))
        if self._asked:
            decisions.ask_all(self._conn, self._asked.values())
        self._asked.clear()
        self._closed.clear()
        self._applied.clear()
