from __future__ import annotations

from typing import Any

import pytest

from landbridge.errors import ConfigError
from landbridge.store import audit, decisions
from landbridge.store.hub import Hub


def ask(conn: Any, facts: str = "a", question: str = "Who?") -> int:
    return decisions.ask(conn, "match", "record:1", question, ["new", "ignore"], {"fingerprint": facts}, record=1)


def test_a_question_is_asked_once_and_kept_fresh(hub: Hub) -> None:
    with hub.begin() as conn:
        first = ask(conn)
        assert ask(conn, "b", "Who now?") == first
        assert [(one.question, one.details) for one in decisions.open_decisions(conn)] == [
            ("Who now?", {"fingerprint": "b"})
        ]
        assert decisions.answer_of(conn, "match", "record:1") is None


def test_an_answer_counts_until_the_facts_change(hub: Hub) -> None:
    with hub.begin() as conn:
        one = ask(conn)
        assert decisions.decide(conn, one, "new", "vera").answer == "new"
    with hub.begin() as conn:
        assert ask(conn) == one
        assert decisions.open_decisions(conn) == []
        assert decisions.answer_of(conn, "match", "record:1") == ("new", {"fingerprint": "a"})
        assert [found.id for found in decisions.unapplied(conn, ["match"])] == [one]
        decisions.applied(conn, one)
        assert decisions.unapplied(conn, ["match"]) == []
        assert decisions.answer_of(conn, "match", "record:1") == ("new", {"fingerprint": "a"})
        assert ask(conn, "b") == one
        assert decisions.answer_of(conn, "match", "record:1") is None
        assert [found.decided_by for found in decisions.open_decisions(conn)] == [None]


def test_only_one_of_the_offered_answers_is_taken_and_only_once(hub: Hub) -> None:
    with hub.begin() as conn:
        one = ask(conn)
        with pytest.raises(ConfigError, match="new, ignore"):
            decisions.decide(conn, one, "maybe", "vera")
        decisions.decide(conn, one, "new", "vera")
        with pytest.raises(ConfigError, match="already answered"):
            decisions.decide(conn, one, "ignore", "tom")
        with pytest.raises(ConfigError, match="no decision 99"):
            decisions.decide(conn, 99, "new", "vera")
        entry = audit.recent(conn)[0]
        assert (entry.actor, entry.action, entry.details["answer"]) == ("vera", "decide", "new")


def test_a_closed_question_is_asked_anew(hub: Hub) -> None:
    with hub.begin() as conn:
        one = ask(conn)
        decisions.close(conn, "match", "record:1")
        assert decisions.open_decisions(conn) == []
        with pytest.raises(ConfigError, match="closed"):
            decisions.decide(conn, one, "new", "vera")
        assert ask(conn) == one
        assert len(decisions.open_decisions(conn)) == 1
        assert decisions.get(conn, one) == decisions.find(conn, "match", "record:1")
