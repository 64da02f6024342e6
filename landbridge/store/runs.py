"""Runs, and where reading stands: cursors and the fences that let only the latest run commit."""

from __future__ import annotations

import os
import platform
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import uuid6
from sqlalchemy import Connection, bindparam, select

from landbridge.errors import Fenced, LandbridgeError
from landbridge.store.clock import now, shared
from landbridge.store.hub import Hub
from landbridge.store.tables import checkpoint, run
from landbridge.store.upsert import insert_for, upsert

_KEY = ("system", "stream", "partition")


class Run(NamedTuple):
    """One read, merge, plan or write; `state` is "running" until it is finished."""

    id: str
    what: str
    subject: str
    started_at: str
    ended_at: str | None
    state: str
    counts: dict[str, Any]
    reason: str | None


class Checkpoint(NamedTuple):
    """Where reading a partition of a stream stands, and with which mapping it was read."""

    system: str
    stream: str
    partition: str
    cursor: Any
    fence: int
    full_at: str | None
    read_at: str | None
    mapping: str | None


# Seconds between two signs of life of a run that gives them, and how long it may be silent before it counts as dead.
# Longer than any request may take: what a run that was only stopped for a while has under way is over by then.
BEAT, SILENT = 10.0, 90.0
_RUN = select(*(run.c[name] for name in Run._fields))
_START = run.insert()
_ALIVE = select(run.c.state, run.c.process, run.c.beat).where(run.c.id == bindparam("of"))
_CHANGE = run.update().where(run.c.id == bindparam("of"))
_CHECKPOINT = select(*(checkpoint.c[name] for name in Checkpoint._fields))
_HERE = [checkpoint.c[name] == bindparam(name) for name in _KEY]
_ONE = _CHECKPOINT.where(*_HERE)
_CURSOR = select(checkpoint.c.cursor).where(*_HERE)
_HOLD = select(checkpoint.c.fence).where(*_HERE).with_for_update()


def _taking(dialect: str) -> Any:
    taken = insert_for(dialect, checkpoint).on_conflict_do_update(
        index_elements=list(_KEY), set_={"fence": checkpoint.c.fence + 1}
    )
    return taken.returning(*(checkpoint.c[name] for name in Checkpoint._fields))


_TAKE = {dialect: _taking(dialect) for dialect in ("sqlite", "postgresql")}


def start(conn: Connection, what: str, subject: str) -> Run:
    begun = Run(str(uuid6.uuid7()), what, subject, now(), None, "running", {}, None)
    conn.execute(_START, begun._asdict() | {"process": this_process(), "beat": shared(conn)})
    return begun


def is_alive(conn: Connection, id: str) -> bool:
    """Does the process that started this run still work on it? Where its process cannot be seen, by its beat."""
    found = conn.execute(_ALIVE, {"of": id}).first()
    if found is None or found.state != "running":
        return False
    host, _, _ = str(found.process).partition(" ")
    here = host == _host()
    if here and found.process != process_named(str(found.process)):
        return False
    return found.beat is not None and bool(found.beat > shared(conn) - SILENT)


class Beating:
    """While inside, the run gives signs of life to all who share the hub, from a thread of its own; `start` was the first."""

    def __init__(self, hub: Hub, id: str) -> None:
        self._hub, self._id, self._over = hub, id, threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"beat {id}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            # A hub that does not answer now may do so next time; by then the run may count as dead, and will notice.
            with suppress(LandbridgeError), self._hub.begin() as conn:
                beat(conn, self._id)


def beat(conn: Connection, id: str) -> None:
    conn.execute(_CHANGE, {"of": id, "beat": shared(conn)})


def finish(conn: Connection, id: str, state: str, counts: dict[str, Any], reason: str | None = None) -> None:
    conn.execute(_CHANGE, {"of": id, "state": state, "counts": counts, "reason": reason, "ended_at": now()})


def get(conn: Connection, id: str) -> Run | None:
    found = conn.execute(_RUN.where(run.c.id == id)).first()
    return Run._make(found) if found else None


def recent(conn: Connection, subject: str | None = None, limit: int = 50) -> list[Run]:
    """Newest first."""
    runs = _RUN.order_by(run.c.started_at.desc(), run.c.id.desc()).limit(limit)
    return [Run._make(row) for row in conn.execute(runs if subject is None else runs.where(run.c.subject == subject))]


def _here(system: str, stream: str, partition: str) -> dict[str, str]:
    return {"system": system, "stream": stream, "partition": partition}


def take_fence(conn: Connection, system: str, stream: str, partition: str = "") -> Checkpoint:
    """Where reading stands; from the commit of this on, no run that started earlier can commit any more."""
    taken = conn.execute(_TAKE[conn.dialect.name], _here(system, stream, partition) | {"fence": 1})
    return Checkpoint._make(taken.one())


def hold_fence(conn: Connection, system: str, stream: str, fence: int, partition: str = "") -> None:
    """Fenced where a later run has started; otherwise none can start until this transaction ends."""
    current = conn.scalar(_HOLD, _here(system, stream, partition))
    if current != fence:
        raise Fenced(
            f"A later run of {system}/{stream} has taken over (fence {current}, ours is {fence}).",
            remedy="Nothing is lost: the later run reads what this one did not commit.",
        )


def cursor(conn: Connection, system: str, stream: str, partition: str = "") -> Any:
    return conn.scalar(_CURSOR, _here(system, stream, partition))


def checkpoint_of(conn: Connection, system: str, stream: str, partition: str = "") -> Checkpoint | None:
    found = conn.execute(_ONE, _here(system, stream, partition)).first()
    return Checkpoint._make(found) if found else None


def checkpoints(conn: Connection, system: str | None = None, limit: int = 1_000) -> list[Checkpoint]:
    rows = _CHECKPOINT.order_by(checkpoint.c.system, checkpoint.c.stream, checkpoint.c.partition).limit(limit)
    if system is not None:
        rows = rows.where(checkpoint.c.system == system)
    return [Checkpoint._make(row) for row in conn.execute(rows)]


def set_cursor(
    conn: Connection,
    system: str,
    stream: str,
    cursor: Any,
    *,
    full_at: str | None = None,
    mapping: str | None = None,
    partition: str = "",
) -> None:
    """`full_at` and `mapping` stay where they are not given."""
    values = {"system": system, "stream": stream, "partition": partition, "cursor": cursor, "read_at": now()}
    if full_at is not None:
        values["full_at"] = full_at
    if mapping is not None:
        values["mapping"] = mapping
    conn.execute(upsert(conn, checkpoint, _KEY, values), values)


def set_full(conn: Connection, system: str, stream: str, at: str, mapping: str, partition: str = "") -> None:
    """A full read with this mapping's version was complete; the cursor stays as it is."""
    values = {
        "system": system, "stream": stream, "partition": partition, "full_at": at, "mapping": mapping, "read_at": now(),
    }  # fmt: skip
    conn.execute(upsert(conn, checkpoint, _KEY, values), values)


def this_process() -> str:
    """Host, process id and start of this process: the id alone is used again by others."""
    return _named(os.getpid())


@cache
def _host() -> str:
    """Name, boot and namespace of process ids: two containers of one name cannot see each other's processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()}:{boot[:8]}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return platform.node()


def process_named(text: str) -> str:
    """The process that has this one's id now, in the same words; equal if it is still the same."""
    pid = text.split(" ")[1]
    return _named(int(pid)) if pid.isdigit() else ""


def _named(pid: int) -> str:
    try:
        # Field 22 of stat, counted after the name in parentheses, which may hold spaces.
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        started = "gone"
    return f"{_host()} {pid} {started}"
