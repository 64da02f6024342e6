"""Promise 1 in reading: killed at every boundary, whatever system is read, nothing that changed there is passed over."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable

import ldap
import pytest
from sqlalchemy import select

from landbridge.store import tables
from landbridge.store.hub import Hub
from landbridge.testing import crashpoints
from sandbox.company import halbrueck
from sandbox.slapd import person_dn
from tests.system import killed
from tests.system.conftest import Real

pytestmark = pytest.mark.server


def a_title_changes(real: Real, stamp: str) -> None:
    kept = json.loads((real.root / "connections.json").read_text())["directory"]
    session = ldap.initialize(kept["host"])
    session.simple_bind_s(kept["login"], kept["password"])
    session.modify_s(person_dn(halbrueck().people[0]), [(ldap.MOD_REPLACE, "title", [stamp.encode()])])
    session.unbind_s()


def somebody_says_it(real: Real, stamp: str) -> None:
    client = real.day.chat.acting_as(real.day.reader.user_name)
    client.say(client.join("it-help"), stamp)


def somebody_drafts_it(real: Real, stamp: str) -> None:
    real.day.wordpress.acting_as(real.day.writer.user_name).write_post(stamp, "<p>To do.</p>", "it", status="draft")


CHANGES: dict[str, Callable[[Real, str], None]] = {
    "directory/people": a_title_changes,
    "chat/messages": somebody_says_it,
    "intranet/posts": somebody_drafts_it,
}


@pytest.mark.parametrize("source", CHANGES)
def test_1_a_read_that_is_killed_anywhere_passes_nothing_over(real: Real, hub_url: str, source: str) -> None:
    kept = str(real.root / "connections.json")
    work = (killed.reads, str(real.company.home), kept, hub_url, *source.split("/"))
    crashpoints.boundaries(*work)
    stamp = f"Seen {time.time_ns()}"
    CHANGES[source](real, stamp)
    # From the first boundary on, until a read ends by itself.
    deaths = list(itertools.takewhile(bool, (crashpoints.kill_at(at, *work) for at in itertools.count(1))))
    assert any("_commit: before commit" in name for name in deaths)
    hub = Hub(hub_url)
    with hub.read() as conn:
        claims = [json.dumps(claim) for claim in conn.execute(select(tables.record.c.claim)).scalars()]
    hub.close()
    assert sum(stamp in claim for claim in claims) == 1
