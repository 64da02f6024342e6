"""The pages: who gets in, what is escaped, and what an action changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from landbridge.store import audit, decisions, deliveries, records, setaside
from landbridge.store.hub import Hub
from tests.store.working import add_person

NASTY = '<script>alert("x")</script>'
PAGES = ("", "decisions", "set-aside", "entities/e1", "static/landbridge.css", "static/theme.js", "static/answer.js")


@pytest.fixture(scope="session")
def tokens(airflow: ModuleType) -> dict[str, str]:
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    manager = create_auth_manager()
    users = {"admin": "ADMIN", "vera": "VIEWER", "olga": "OP"}
    return {name: manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role)) for name, role in users.items()}


@pytest.fixture
def hub(tmp_path: Path, company: Path) -> Iterator[Hub]:
    hub = Hub(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    hub.migrate()
    yield hub
    hub.close()


@pytest.fixture
def client(tokens: dict[str, str], hub: Hub) -> Iterator[Any]:
    from fastapi.testclient import TestClient
    from landbridge_airflow.web import hub as opened
    from landbridge_airflow.web.app import make_app

    with TestClient(make_app(), follow_redirects=False) as client:
        yield client
    opened._hub.cache_clear()


@pytest.fixture
def as_user(client: Any, tokens: dict[str, str]) -> Any:
    def call(user: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens[user]}", **more.pop("headers", {})}
        return client.request(method, f"/{path}", headers=headers, **more)

    return call


@pytest.fixture
def matters(hub: Hub) -> dict[str, int]:
    """One of each that an operator can act on."""
    with hub.begin() as conn:
        setaside.put(conn, "hr", "people", [setaside.Bad("7", {"secret": "not shown"}, f"No name. {NASTY}")])
        delivery = deliveries.put(
            conn, flow="people", target="chat/accounts", entity="e1", op="create", state="set_aside", attempts=3,
            reason=NASTY, desired={"display_name": "Not Shown"},
        )  # fmt: skip
        decision = decisions.ask(
            conn, "edited", "chat/accounts:e1", f"Write it? {NASTY}", ["overwrite", "keep"],
            {"fields": {"title": NASTY}, "fingerprint": "f"}, flow="people", target="chat/accounts", entity="e1",
        )  # fmt: skip
        brake = decisions.ask(
            conn, "brake", "people:chat/accounts", "Is that meant?", ["approve", "reject"], {"fingerprint": "1,2"},
            flow="people", target="chat/accounts",
        )  # fmt: skip
    return {"delivery": delivery, "decision": decision, "brake": brake}


@pytest.mark.parametrize("page", PAGES)
def test_nobody_gets_in_without_a_login(client: Any, page: str) -> None:
    assert client.get(f"/{page}").status_code == 401
    assert client.get(f"/{page}", headers={"Authorization": "Bearer made.up.token"}).status_code in (401, 403)


@pytest.mark.parametrize("page", ["docs", "redoc", "openapi.json"])
def test_the_api_is_not_described_to_anybody(as_user: Any, page: str) -> None:
    assert as_user("admin", "GET", page).status_code == 404


@pytest.mark.parametrize("page", [page for page in PAGES if page != "entities/e1"])
def test_every_user_may_look(as_user: Any, matters: dict[str, int], page: str) -> None:
    answer = as_user("vera", "GET", page)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", ["", "decisions", "set-aside", "entities/e1"])
def test_all_that_came_from_outside_is_escaped(as_user: Any, matters: dict[str, int], page: str) -> None:
    text = as_user("admin", "GET", page).text
    assert NASTY not in text
    # Inline code and styles would be refused by the policy.
    assert not re.search(r"<script(?! src=)|<style|\son\w+=|\sstyle=", text)


def test_a_brake_says_whom_it_holds(as_user: Any, hub: Hub) -> None:
    with hub.begin() as conn:
        for number in range(25):
            add_person(conn, f"p{number}", {"display_name": f"Person {number:02}"})
            deliveries.put(conn, flow="people", target="chat/accounts", entity=f"p{number}", op="disable", state="held")
        facts = {"count": 25, "limit": 10, "fingerprint": "all25"}
        asked = decisions.ask(
            conn, "brake", "people:chat/accounts", "Is that meant?", ["approve", "reject"], facts, flow="people",
            target="chat/accounts",
        )  # fmt: skip
    text = as_user("admin", "GET", "decisions").text
    assert '<a href="entities/p19">Person 19</a> and 5 more' in text
    assert '<button name="answer" value="approve">Approve</button>' in text
    assert "Person" not in as_user("vera", "GET", "decisions").text
    assert '<input type="hidden" name="about" value="all25">' in text
    as_user("admin", "POST", f"decisions/{asked}", data={"answer": "approve", "about": "all24"})
    with hub.read() as conn:
        assert [one.id for one in decisions.open_decisions(conn)] == [asked]


def test_each_flow_counts_its_own(as_user: Any, matters: dict[str, int], hub: Hub) -> None:
    with hub.begin() as conn:
        deliveries.put(conn, flow="news", target="chat/accounts", entity="e2", op="create", state="done")
    text = as_user("vera", "GET", "").text
    assert "1 set aside" in text
    assert "1 done" not in text


def test_a_viewer_sees_that_there_is_something_but_not_what(as_user: Any, matters: dict[str, int]) -> None:
    assert "title" in as_user("admin", "GET", "decisions").text
    seen = as_user("vera", "GET", "decisions").text
    assert "Write it?" in seen
    assert "<dt>" not in seen
    assert "<button" not in seen
    aside = as_user("vera", "GET", "set-aside").text
    assert "<button" not in aside
    assert "<code>7</code>" not in aside
    assert as_user("vera", "GET", "entities/e1").status_code == 403


def actions(matters: dict[str, int]) -> list[tuple[str, dict[str, Any]]]:
    record = {"system": "hr", "stream": "people", "key": "7"}
    return [
        (f"decisions/{matters['decision']}", {"answer": "keep"}),
        ("set-aside/read/drop", record),
        ("set-aside/write/retry", {"delivery": matters["delivery"]}),
    ]


def test_a_viewer_may_not_act(client: Any, as_user: Any, matters: dict[str, int]) -> None:
    for path, form in actions(matters):
        assert client.post(f"/{path}", data=form).status_code == 401
        assert as_user("vera", "POST", path, data=form).status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_form_is_refused(as_user: Any, matters: dict[str, int], headers: dict[str, str]) -> None:
    for path, form in actions(matters):
        assert as_user("admin", "POST", path, data=form, headers=headers).status_code == 403


def test_an_operator_acts_and_it_is_kept(as_user: Any, matters: dict[str, int], hub: Hub) -> None:
    for path, form in actions(matters):
        answer = as_user("olga", "POST", path, data=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 303, answer.text
    with hub.read() as conn:
        assert decisions.answer_of(conn, "edited", "chat/accounts:e1")[0] == "keep"  # type: ignore[index]
        assert setaside.list(conn) == []
        delivery = deliveries.by_id(conn, matters["delivery"])
        assert delivery is not None
        assert (delivery.state, delivery.attempts) == ("planned", 0)
        assert {entry.actor for entry in audit.recent(conn)} == {"olga"}
        assert audit.verify(conn) is None


def test_what_no_reading_mends_can_only_be_dropped(as_user: Any, hub: Hub) -> None:
    with hub.begin() as conn:
        setaside.put(conn, "mail", "letters", [setaside.Bad("<1@x>", None, "No more.", setaside.DECLINED)])
    page = as_user("olga", "GET", "set-aside").text
    assert ("read/drop" in page, "read/retry" in page) == (True, False)
    form = {"system": "mail", "stream": "letters", "key": "<1@x>"}
    refused = as_user("olga", "POST", "set-aside/read/retry", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert "can only be dropped" in refused.text
    as_user("olga", "POST", "set-aside/read/drop", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    with hub.read() as conn:
        assert setaside.list(conn) == []


def test_a_second_answer_is_refused_with_the_reason(as_user: Any, matters: dict[str, int]) -> None:
    path = f"decisions/{matters['decision']}"
    as_user("olga", "POST", path, data={"answer": "keep"})
    again = as_user("admin", "POST", path, data={"answer": "overwrite"})
    assert again.status_code == 409
    assert "already answered" in again.text


def test_a_brake_is_answered_where_its_task_waits(as_user: Any, matters: dict[str, int]) -> None:
    text = as_user("admin", "GET", "decisions").text
    assert f'data-asked-by="dags/decide__people/dagRuns/decision-{matters["brake"]}-' in text
    assert text.count("data-asked-by") == 1


def test_who_looks_at_a_history_stands_in_the_audit(as_user: Any, matters: dict[str, int], hub: Hub) -> None:
    as_user("olga", "GET", "entities/e1")
    with hub.read() as conn:
        (entry, *_) = audit.recent(conn)
    assert (entry.actor, entry.action, entry.subject) == ("olga", "view-history", "entity:e1")


def test_without_a_hub_the_page_says_what_to_do(as_user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDBRIDGE_HUB", "postgresql://bridge:not-shown@127.0.0.1:1/hub")
    answer = as_user("vera", "GET", "")
    assert answer.status_code == 503
    assert "did not answer" in answer.text
    assert "not-shown" not in answer.text
    assert "content-security-policy" in answer.headers


@pytest.fixture
def linked(hub: Hub) -> dict[str, int | str]:
    """Somebody's chat account, linked to a person whom HR knows."""
    with hub.begin() as conn:
        person = add_person(conn, data={"display_name": NASTY})
        ids = []
        for system, stream, role in (("hr", "people", "source"), ("chat", "accounts", "copy")):
            claim = {"display_name": NASTY}
            ids.append(records.save_written(conn, system, stream, "1", "person", person, role, claim, None, None))
    return {"entity": person, "source": ids[0], "copy": ids[1]}


def test_a_link_is_shown_with_what_follows_and_undone(as_user: Any, hub: Hub, linked: dict[str, Any]) -> None:
    entity, copy = linked["entity"], linked["copy"]
    path = f"entities/{entity}/unlink/{copy}"
    assert f'href="{entity}/unlink/{copy}"' in as_user("olga", "GET", f"entities/{entity}").text
    page = as_user("olga", "GET", path)
    assert page.status_code == 200
    assert "chat/accounts/1" in page.text
    assert "<script>alert" not in page.text
    with hub.read() as conn:
        assert len(records.of_entity(conn, entity)) == 2
    answer = as_user("olga", "POST", path, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"../../{entity}")
    with hub.read() as conn:
        assert [one.system for one in records.of_entity(conn, entity)] == ["hr"]
        assert audit.recent(conn, 1)[0].actor == "olga"
    assert "apart" in as_user("olga", "GET", f"entities/{entity}").text


def test_only_who_may_act_undoes_a_link(client: Any, as_user: Any, linked: dict[str, Any]) -> None:
    path = f"entities/{linked['entity']}/unlink/{linked['copy']}"
    assert client.post(f"/{path}").status_code == 401
    for method in ("GET", "POST"):
        assert as_user("vera", method, path).status_code == 403
    assert as_user("admin", "POST", path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    refused = as_user("admin", "POST", f"entities/{linked['entity']}/unlink/{linked['source']}")
    assert refused.status_code == 409
    assert "Only hr/people 1 says" in refused.text


def test_a_link_is_undone_only_where_it_was_seen(as_user: Any, hub: Hub, linked: dict[str, Any]) -> None:
    with hub.begin() as conn:
        other = add_person(conn, data={"display_name": "Somebody else"})
    refused = as_user("admin", "POST", f"entities/{other}/unlink/{linked['copy']}")
    assert refused.status_code == 409
    assert "is not linked to" in refused.text
    with hub.read() as conn:
        assert len(records.of_entity(conn, linked["entity"])) == 2
