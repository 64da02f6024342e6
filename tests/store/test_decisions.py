from __future__ import annotations

from typing import Any

import pytest

from landbridge.errors import ConfigError
from landbridge.store import audit, decisions
from landbridge.store.decisions import Question
from landbridge.store.hub import Hub
from landbridge.store.questions import Questions


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


def test_what_a_transaction_asks_and_closes_it_sees_at_once_and_others_after_it(hub: Hub) -> None:
    def about(subject: str, facts: str) -> Question:
        return Question("match", subject, "Who?", ["new"], {"fingerprint": facts})

    with hub.begin() as conn:
        ask(conn)
        for subject in ("known", "answered"):
            decisions.ask_all(conn, [about(subject, "a")])
        answered = decisions.find(conn, "match", "answered")
        assert answered
        decisions.decide(conn, answered.id, "new", "vera")
    with hub.begin() as conn:
        questions = Questions(conn)
        questions.ask(about("new", "a"))
        questions.ask(about("known", "b"))
        questions.ask(about("answered", "a"))
        questions.close("match", "record:1")
        questions.close("match", "nobody")
        seen = {one: questions.is_open("match", one) for one in ("new", "known", "record:1", "nobody")}
        assert seen == {"new": True, "known": True, "record:1": False, "nobody": False}
        assert questions.answer_of("match", "answered")
        assert decisions.find(conn, "match", "new") is None
        questions.flush()
    with hub.read() as conn:
        found = decisions.find_all(conn, "match", ["new", "known", "answered", "record:1", "nobody"])
    assert {subject: (one.state, one.details["fingerprint"]) for subject, one in found.items()} == {
        "new": ("open", "a"), "known": ("open", "b"), "answered": ("decided", "a"), "record:1": ("closed", "a"),
    }  # fmt: skip
