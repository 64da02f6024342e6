"""What a person has to decide. One question per kind and subject; asked once, and again only when the facts changed.

Only who holds the log changes a decision, so nobody need lock its row, which others would take in another order. An answer
about a brake takes the brake's lock too, before the log: who has that counts and holds without being answered meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from landbridge.errors import ConfigError
from landbridge.store import audit, brakes, bulk, locks
from landbridge.store.clock import now
from landbridge.store.tables import decision

# open → decided (by a person) → applied (by the engine); closed where the matter went away by itself.
ANSWERED = ("decided", "applied")
# Not the same: a record that a person has unlinked. Its answer may be changed, which is how an unlink is undone.
APART = "apart"
BRAKE = "brake"


class Decision(NamedTuple):
    """A question and, once answered, who answered what; `details["fingerprint"]` stands for the facts it is about."""

    id: int
    kind: str
    subject: str
    flow: str | None
    target: str | None
    entity: str | None
    record: int | None
    question: str
    options: list[str]
    details: dict[str, Any]
    state: str
    answer: str | None
    decided_by: str | None
    decided_at: str | None
    at: str


_DECISION = select(*(decision.c[name] for name in Decision._fields))
_FIND = _DECISION.where(decision.c.kind == bindparam("kind"), decision.c.subject == bindparam("subject"))
_ALL = _DECISION.where(decision.c.kind == bindparam("kind"), decision.c.subject.in_(bindparam("some", expanding=True)))
_REOPENED: dict[str, Any] = {"state": "open", "answer": None, "decided_by": None, "decided_at": None}
_REPLACE = (
    decision.update()
    .where(decision.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in Decision._fields if name != "id"})
)


class Question(NamedTuple):
    """What a person is to be asked; `details` hold the `fingerprint` of the facts that it is about."""

    kind: str
    subject: str
    question: str
    options: Sequence[str]
    details: Mapping[str, Any]
    flow: str | None = None
    target: str | None = None
    entity: str | None = None
    record: int | None = None


def ask(
    conn: Connection,
    kind: str,
    subject: str,
    question: str,
    options: Sequence[str],
    details: Mapping[str, Any],
    *,
    flow: str | None = None,
    target: str | None = None,
    entity: str | None = None,
    record: int | None = None,
) -> int:
    """The question's id. An answered one is asked again only where `details` have another `fingerprint`."""
    ask_all(conn, [Question(kind, subject, question, options, details, flow, target, entity, record)])
    found = find(conn, kind, subject)
    assert found is not None
    return found.id


def ask_all(conn: Connection, questions: Iterable[Question]) -> None:
    """Likewise for many, each subject once."""
    wanted = list(questions)
    locks.exclusive(conn, locks.LOG)
    kinds = {one.kind for one in wanted}
    known = {kind: find_all(conn, kind, (one.subject for one in wanted if one.kind == kind)) for kind in kinds}
    changed = [found for one in wanted if (found := asked(known[one.kind].get(one.subject), one)) is not None]
    new = [one._asdict() for one in changed if not one.id]
    for row in new:
        del row["id"]
    if new:
        conn.execute(decision.insert(), new)
    if again := [one._asdict() | {"of": one.id} for one in changed if one.id]:
        conn.execute(_REPLACE, again)


def asked(known: Decision | None, one: Question) -> Decision | None:
    """What asking makes of it, with 0 for the id of a new one; None where the answer that is known still holds."""
    if known and known.state in ANSWERED and known.details.get("fingerprint") == one.details.get("fingerprint"):
        return None
    words: dict[str, Any] = one._asdict() | {"options": list(one.options), "details": dict(one.details)}
    if known is not None and known.state == "open":
        return known._replace(**words)
    return Decision(id=known.id if known else 0, at=now(), **_REOPENED, **words)


def decide(conn: Connection, id: int, answer: str, by: str, about: str | None = None) -> Decision:
    """Record a person's answer, once, and in the audit. Raises ConfigError where it cannot be one.

    `about` is the fingerprint that the person saw: an answer holds for those facts, and not for what came since.
    """
    if (known := get(conn, id)) is not None and known.kind == BRAKE and known.target:
        brakes.alone(conn, known.target)
    locks.exclusive(conn, locks.LOG)
    asked = get(conn, id)
    if asked is None:
        raise ConfigError(f"There is no decision {id}.", remedy="See `landbridge decide` for those that are open.")
    if asked.state != "open" and not (asked.kind == APART and asked.answer != answer):
        state = f"already answered with {asked.answer!r}" if asked.state in ANSWERED else "closed"
        raise ConfigError(f"Decision {id} is {state}.", remedy="It is asked again when the facts change.")
    if about is not None and about != asked.details.get("fingerprint"):
        raise ConfigError(f"Decision {id} is about something else by now.", remedy="Look at it again, then answer.")
    if answer not in asked.options:
        offered = ", ".join(asked.options)
        raise ConfigError(f"{answer!r} is no answer to decision {id}.", remedy=f"Choose one of {offered}.")
    decided: dict[str, Any] = {"state": "decided", "answer": answer, "decided_by": by, "decided_at": now()}
    conn.execute(decision.update().where(decision.c.id == id).values(**decided))
    audit.append(conn, by, "decide", f"decision:{id}", {"kind": asked.kind, "about": asked.subject, "answer": answer})
    return asked._replace(**decided)


def find(conn: Connection, kind: str, subject: str) -> Decision | None:
    found = conn.execute(_FIND, {"kind": kind, "subject": subject}).first()
    return Decision._make(found) if found else None


def find_all(conn: Connection, kind: str, subjects: Iterable[str]) -> dict[str, Decision]:
    """Subject → its decision, where there is one."""
    found: dict[str, Decision] = {}
    for chunk in bulk.chunks(sorted(set(subjects))):
        found.update((row.subject, Decision._make(row)) for row in conn.execute(_ALL, {"kind": kind, "some": chunk}))
    return found


def of_entities(conn: Connection, kind: str, entities: Iterable[str]) -> list[Decision]:
    found: list[Decision] = []
    for chunk in bulk.chunks(sorted(set(entities))):
        some = _DECISION.where(decision.c.kind == kind, decision.c.entity.in_(chunk))
        found += map(Decision._make, conn.execute(some))
    return found


def get(conn: Connection, id: int) -> Decision | None:
    found = conn.execute(_DECISION.where(decision.c.id == id)).first()
    return Decision._make(found) if found else None


def answer_of(conn: Connection, kind: str, subject: str) -> tuple[str, dict[str, Any]] | None:
    """The answer and the details it was given for; None while there is none."""
    found = find(conn, kind, subject)
    return (found.answer, found.details) if found and found.state in ANSWERED and found.answer is not None else None


def apart_subject(record: int, entity: str) -> str:
    return f"record:{record}:{entity}"


def apart_from(conn: Connection, record: int, entities: Iterable[str]) -> set[str]:
    """Which of these entities a person has said the record does not belong to."""
    subjects = {apart_subject(record, entity): entity for entity in entities}
    said = select(decision.c.subject).where(
        decision.c.kind == APART, decision.c.subject.in_(subjects), decision.c.answer == APART
    )
    return {subjects[str(subject)] for (subject,) in conn.execute(said)} if subjects else set()


def is_open(conn: Connection, kind: str, subject: str) -> bool:
    """Does this question wait for a person, or its answer to be carried out?"""
    found = find(conn, kind, subject)
    return found is not None and found.state in ("open", "decided")


def disputed(conn: Connection, entities: Iterable[str]) -> dict[str, set[str]]:
    """Entity → its fields about which a question waits for a person, or its answer to be carried out."""
    found: dict[str, set[str]] = {entity: set() for entity in entities}
    for chunk in bulk.chunks(sorted(found)):
        waiting = decision.c.entity.in_(chunk) & decision.c.state.in_(("open", "decided"))
        of_fields = select(decision.c.entity, decision.c.subject).where(waiting, decision.c.kind == "conflict")
        for row in conn.execute(of_fields):
            found[row.entity].add(row.subject.partition(":")[2])
    return found


def open_decisions(conn: Connection, limit: int = 100) -> list[Decision]:
    """Oldest question first."""
    waiting = _DECISION.where(decision.c.state == "open").order_by(decision.c.id).limit(limit)
    return [Decision._make(row) for row in conn.execute(waiting)]


def unapplied(conn: Connection, kinds: Sequence[str], limit: int = 500) -> list[Decision]:
    """Answers that the engine has not carried out yet, oldest first."""
    answered = _DECISION.where(decision.c.state == "decided", decision.c.kind.in_(kinds))
    return [Decision._make(row) for row in conn.execute(answered.order_by(decision.c.id).limit(limit))]


def applied(conn: Connection, *ids: int) -> None:
    """The answers are carried out; they keep counting for the same facts."""
    if ids:
        locks.exclusive(conn, locks.LOG)
    for chunk in bulk.chunks(sorted(ids)):
        done = decision.update().where(decision.c.id.in_(chunk), decision.c.state == "decided")
        conn.execute(done.values(state="applied"))


def close(conn: Connection, kind: str, *subjects: str) -> None:
    """The matter went away by itself; should it come back, it is asked anew."""
    locks.exclusive(conn, locks.LOG)
    for chunk in bulk.chunks(sorted(subjects)):
        some = (decision.c.kind == kind) & decision.c.subject.in_(chunk) & (decision.c.state != "closed")
        conn.execute(decision.update().where(some).values(**closed()))


def closed() -> dict[str, Any]:
    """The columns of one that is closed."""
    return _REOPENED | {"state": "closed"}
