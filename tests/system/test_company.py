"""What must be seen: killed, run again, a whole day, and trouble; on real servers, through their own APIs."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.company import halbrueck
from sandbox.registry import load
from tests.system.conftest import Real

pytestmark = pytest.mark.server


def kill_after(writes: int, real: Real, path: Path, *words: str) -> bool:
    """Start the command and SIGKILL it once it has written so often; false where it had ended before."""
    path.write_text("")
    process = real.start(*words, LANDBRIDGE_CRASH_AT="0", LANDBRIDGE_BOUNDARIES=str(path))
    while process.poll() is None and path.read_text().count("after the write") < writes:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def chat_accounts(real: Real) -> Counter[str]:
    return Counter(one["name"] for one in real.day.chat.accounts())


def staff() -> set[str]:
    return {f"@{person.user_name}:halbrueck.example" for person in halbrueck().people if person.ends is None}


def test_1_killed_while_writing_people_nothing_is_lost_and_nothing_twice(real: Real, tmp_path: Path) -> None:
    chat = real.day.chat
    assert all([kill_after(n, real, tmp_path / "passed", "run", "people") for n in (3, 12, 25)])  # noqa: C419
    real.landbridge("run", "people", expect=None)
    accounts = chat_accounts(real)
    assert staff() <= set(accounts)
    assert set(accounts.values()) == {1}
    mails = Counter(user["email"].lower() for user in real.day.wordpress.admin().everything("users", context="edit"))
    assert {person.email for person in halbrueck().people if person.ends is None} <= set(mails)
    assert max(mails.values()) == 1
    assert len(chat.members(chat.rooms()["its"])) - 1 == sum(
        p.department == "ITS" and p.ends is None for p in halbrueck().people
    )


def test_2_killed_while_writing_news_nothing_is_lost_and_nothing_twice(real: Real, tmp_path: Path) -> None:
    day = real.day
    reader = day.reader.user_name

    def announced() -> list[str]:
        client = day.chat.acting_as(reader)
        rooms = [client.join(alias) for alias in day.chat.rooms() if alias.startswith("news-")]
        return [one["content"]["body"] for room in rooms for one in client.messages(room, 500)]

    before = len(announced())
    assert all([kill_after(n, real, tmp_path / "passed", "run", "news") for n in (2, 10)])  # noqa: C419
    real.landbridge("run", "news", expect=None)
    bodies = Counter(announced())
    posts = halbrueck().posts
    for post in posts:
        assert sum(count for body, count in bodies.items() if body.startswith(post.title)) == 1, post.title
    comments = sum(len(post.comments) for post in posts)
    assert bodies.total() == before + len(posts) + comments
    assert len(day.wordpress.admin().comments()) == comments


def test_3_everything_comes_to_rest(real: Real) -> None:
    real.quiet()
    answer = real.landbridge("run", expect=None)
    assert not real.moved(answer)
    pages = real.day.mediawiki.admin().titles("Answers/")
    assert len(pages) == len(
        {m.thread for m in halbrueck().messages if m.room == "it-help" and m.thread and _marked(m)}
    )


def _marked(message: Any) -> bool:
    return any(emoji.startswith("✅") for emoji, _ in message.reactions)


def test_4_a_day_at_the_company(real: Real) -> None:
    day = real.day
    for part in (day.morning, day.noon, day.evening):
        events = list(part())
        for event in events:
            event.act()
        for _ in range(3):
            real.landbridge("run", expect=None)
            if all([event.check() for event in events]):  # noqa: C419  (each is looked for)
                break
        assert [f"{event.title} → {event.where}: {event.expected}" for event in events if event.seconds is None] == []
    real.quiet()


def test_4_a_mover_changes_rooms_and_a_leaver_comes_back(real: Real) -> None:
    day = real.day
    mover = next(p for p in halbrueck().people if p.department == "PRO" and p.ends is None and p not in day.there)
    day.hr.move(mover.number, "MKT")
    gone = next(person for person in halbrueck().people if person.department == "FIN" and person.ends is None)
    day.hr.leave(gone.number, date.today() - timedelta(days=1))
    real.landbridge("run", "people", expect=None)
    rooms = day.chat.rooms()
    assert mover.user_name in day.chat.members(rooms["mkt"])
    assert mover.user_name not in day.chat.members(rooms["pro"])
    assert (day.chat.account(gone.user_name) or {})["locked"] is True
    day.hr.client.write("company.employee", [day.hr.employee(gone.number)["id"]], {"end_date": None})
    real.landbridge("run", "people", expect=None)
    account = day.chat.account(gone.user_name) or {}
    assert account["locked"] is False
    assert day.wordpress.admin().user(gone.user_name)["roles"] != []
    assert gone.user_name in day.chat.members(rooms["fin"])
    real.quiet()


def test_4_unpublishing_retracts_the_announcement(real: Real) -> None:
    day = real.day
    post = day.wordpress.acting_as(day.writer.user_name).write_post("Gone tomorrow", "<p>Only today.</p>", "people")
    real.landbridge("run", "news", expect=None)
    day.chat.acting_as(day.reader.user_name).join("news-people")
    room = day.room("news-people")

    def announced() -> int:
        return sum("Gone tomorrow" in one["content"]["body"] for one in day.said(room, day.reader.user_name))

    assert announced() == 1
    day.wordpress.admin().unpublish(post["id"])
    real.landbridge("run", "news", expect=None)
    assert announced() == 0
    real.quiet()


def test_4_a_page_that_a_person_edited_is_asked_about(real: Real) -> None:
    day = real.day
    asker, helper = day.chat.acting_as(day.reader.user_name), day.chat.acting_as(day.writer.user_name)
    room = asker.join("it-help")
    helper.join("it-help")
    question = asker.say(room, "Where is the torque table?")
    asker.react(room, helper.say(room, "On the share, folder 7.", thread=question), "✅")
    real.landbridge("run", "knowledge", expect=None)
    helper.say(room, "Also printed at gate 3.", thread=question)
    real.landbridge("run", "knowledge", expect=None)
    wiki, title = day.mediawiki.admin(), "Answers/Where is the torque table?"
    assert "gate 3" in wiki.page(title).text
    day.mediawiki.acting_as(day.reader.user_name).write(title, "I have put it better.")
    helper.say(room, "And in the app.", thread=question)
    real.landbridge("run", "knowledge", expect=1)
    assert wiki.page(title).text == "I have put it better."
    (asked,) = [one for one in real.landbridge("decide", expect=None) if one["kind"] == "edited"]
    real.landbridge("decide", str(asked["id"]), "overwrite", "--by", "vera", expect=None)
    real.landbridge("run", "knowledge", expect=0)
    assert "And in the app" in wiki.page(title).text
    real.quiet()


def test_5_closed_rooms_stay_closed(real: Real) -> None:
    """What is said in the works council and in direct conversations is not even read."""
    closed = {room.alias for room in halbrueck().rooms if room.visibility != "public"}
    secret = [message.text for message in halbrueck().messages if message.room in closed]
    assert secret
    hub = b"".join(path.read_bytes() for path in real.root.glob("hub.sqlite*"))
    assert [text for text in secret if len(text) > 12 and text.encode() in hub] == []


def test_6_a_long_post_and_a_wild_name(real: Real) -> None:
    day = real.day
    author = day.wordpress.acting_as(day.writer.user_name)
    title = "Long \"read\" & <b>more</b> 🦄 'quoted'"
    author.write_post(title, "<p>" + "Lorem ipsum dolor. " * 280_000 + "</p>", "company")
    day.hr.rename(day.reader.number, 'Ann "Ace" 🦊', "O'Neill-Ł")
    real.quiet()
    room = day.room("news-company")
    day.chat.acting_as(day.reader.user_name).join("news-company")
    found = [one for one in day.said(room, day.reader.user_name) if one["content"]["body"].startswith('Long "read"')]
    assert len(found) == 1
    assert len(json.dumps(found[0]["content"]).encode()) < 65_536
    account = day.chat.account(day.reader.user_name)
    assert account is not None
    assert account["displayname"] == 'Ann "Ace" 🦊 O\'Neill-Ł'


def test_7_a_server_that_is_down_stops_only_its_own(real: Real) -> None:
    wordpress = load("wordpress", real.root)
    day = real.day
    day.hr.hire(day.joiner)
    wordpress.stop()
    try:
        answer = real.landbridge("run", "people", expect=4)
        assert "intranet" in json.dumps(answer)
        found = day.chat.account(day.joiner.user_name)
    finally:
        wordpress.start()
    real.quiet()
    assert day.wordpress.admin().user(day.joiner.user_name)
    assert found is not None


def test_8_wrong_credentials_and_html_are_clear_errors(real: Real) -> None:
    """Each stream says what is wrong, the exit code says what to do, and no secret is shown."""
    connections = json.loads((real.root / "connections.json").read_text())

    def read(expect: int, **changes: Any) -> str:
        connection = json.dumps({**connections["intranet"], **changes})
        return json.dumps(real.landbridge("read", "intranet", expect=expect, AIRFLOW_CONN_INTRANET=connection))

    told = read(3, password="not the password")
    assert "AuthError" in told
    assert "not the password" not in told
    told = read(4, host=connections["wiki"]["host"] + "/index.php?x=")
    assert "html" in told.lower()
    assert "colour" in read(2, extra={"colour": "blue"})
