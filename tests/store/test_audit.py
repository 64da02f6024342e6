from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from landbridge.store import audit
from landbridge.store.hub import Hub


def fill(hub: Hub) -> None:
    with hub.begin() as conn:
        for number in range(5):
            audit.append(
                conn, "vera", "approve", f"plan:{number}", {"n": number, "x": [1.5, 1e16, 1e22, None, "ä\x00"]}
            )


def test_an_untouched_chain_is_whole(hub: Hub) -> None:
    with hub.read() as conn:
        assert audit.verify(conn) is None
    fill(hub)
    with hub.read() as conn:
        assert audit.verify(conn) is None
        newest = audit.recent(conn, 2)
        assert [entry.subject for entry in newest] == ["plan:4", "plan:3"]
        assert audit.last_hash(conn) == newest[0].hash
        assert len(audit.recent(conn, subject="plan:1")) == 1


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE audit SET actor = 'tom' WHERE seq = 3", 3),
        ("UPDATE audit SET details = '{}' WHERE seq = 3", 3),
        ("UPDATE audit SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 1", 1),
        ("UPDATE audit SET hash = previous WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 2),
        ("DELETE FROM audit WHERE seq = 4", 5),
    ],
)
def test_tampering_is_found(hub: Hub, tampering: str, found: int) -> None:
    fill(hub)
    with hub.begin() as conn:
        conn.execute(text(tampering))
        assert audit.verify(conn) == found


def test_appending_at_once_keeps_one_chain(hub: Hub) -> None:
    def append(name: str) -> None:
        for _ in range(5):
            with hub.begin() as conn:
                audit.append(conn, name, "see", "page")

    threads = [threading.Thread(target=append, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with hub.read() as conn:
        assert audit.verify(conn) is None
        assert len(audit.recent(conn)) == 30
