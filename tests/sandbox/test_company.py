"""The invented company is whole: every name that is mentioned exists, and the promised variety is there."""

from __future__ import annotations

from datetime import date

import pytest

from sandbox.company import ascii_name, halbrueck

company = halbrueck()


def test_its_size() -> None:
    counts = [len(part) for part in (company.people, company.departments, company.posts, company.opportunities)]
    assert counts == [60, 8, 25, 12]
    assert len(company.messages) == 200
    assert len(company.in_chat()) == 20


def test_people_are_distinct_and_their_references_exist() -> None:
    assert len(company.by_number) == len(company.by_user_name) == len({person.email for person in company.people}) == 60
    codes = {department.code for department in company.departments}
    for person in company.people:
        assert person.department in codes
        assert person.manager is None or person.manager in company.by_number
    assert all(company.by_number[each.head].department == each.code for each in company.departments)


def test_exactly_one_has_left() -> None:
    assert [p.full_name for p in company.people if company.has_left(p, date(2026, 11, 1))] == ["Bastian Kühn"]


@pytest.mark.parametrize(
    ("name", "spelt"),
    [("Käßner", "kaessner"), ("O'Brien", "obrien"), ("Łukasz", "lukasz"), ("Yıldız", "yildiz"), ("Nguyễn", "nguyen")],
)
def test_logins_are_plain_letters(name: str, spelt: str) -> None:
    assert ascii_name(name) == spelt
    assert all(person.user_name.isascii() for person in company.people)


def test_every_reporting_line_ends_at_the_top() -> None:
    for person in company.people:
        line = [person.number]
        while (above := company.by_number[line[-1]].manager) is not None:
            assert above not in line
            line.append(above)
        assert line[-1] == "E0001"


def test_posts_and_deals_name_real_people() -> None:
    assert {post.category for post in company.posts} == {"company", "it", "sales", "people"}
    for post in company.posts:
        assert post.author in company.by_user_name
        assert all(note.author in company.by_user_name and note.written > post.published for note in post.comments)
    for deal in company.opportunities:
        assert company.by_number[deal.owner].department == "SAL"
        assert deal.status in {"lead", "opportunity", "converted", "lost"}


def test_conversations_are_held_by_members_in_order_of_time() -> None:
    messages = {message.key: message for message in company.messages}
    assert len(messages) == 200
    assert [message.sent for message in company.messages] == sorted(message.sent for message in company.messages)
    for message in company.messages:
        members = company.room(message.room).members
        assert message.author in members, message
        assert all(name in members for _, name in message.reactions), message
        if message.thread:
            root = messages[message.thread]
            assert root.thread is None
            assert root.room == message.room
            assert root.sent < message.sent


def test_questions_have_marked_answers() -> None:
    marked = [m for m in company.messages if m.room == "it-help" and m.thread and "✅" in dict(m.reactions)]
    assert len(marked) > 15


def test_there_is_a_closed_room_and_a_direct_conversation() -> None:
    assert {room.visibility for room in company.rooms} == {"public", "members", "direct"}
    assert company.room("works-council").visibility == "members"
    assert all(len(room.members) == 2 for room in company.rooms if room.visibility == "direct")
