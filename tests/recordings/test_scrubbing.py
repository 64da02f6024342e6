"""Nothing of a person and no secret stays in a recording, however nasty the data; what was equal stays equal."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.errors import RecordError
from landbridge.testing.recording import SECRET, Exchange, Recording
from landbridge.testing.scrubbed import scrubbed
from landbridge.testing.scrubbing import Scrubber

TOKEN = "s3cr3t-of-the-connection"
USERS = {
    "members": [
        {
            "id": "anna.mueller@acme.com",
            "name": "anna.mueller",
            "real_name": "Anna Müller",
            "profile": {"first_name": "Anna", "last_name": "Müller", "email": "Anna.Mueller@acme.com",
                        "phone": "+49 30 23125 003", "mobile": 491713920003, "image_72": "https://acme.com/a/anna.mueller.png"},
            "address": {"street": "Hafenstraße 12", "city": "Hamburg", "postalCode": "20457"},
            "birthDate": "1971-05-04",
            "salary": 83210,
        },
        {"id": 8, "displayName": "O'Brien, Bert", "mail": "bert@acme.com", "user_login": "bertie", "token_type": "Bearer"},
        {"id": 10, "name": "李雷", "email": "li@acme.com", "nickname": "_."},
        {"id": 9, "author": {"displayName": "Cleo Łuk"}, "createdBy": "Dora van der Berg"},
    ],
    "next_cursor": "dXNlcjphbm5hLm11ZWxsZXI=",
}  # fmt: skip
TEXTS = {
    "text": "Hi <@U1|anna.mueller>, please call Jürgen Weber (0171 3920003) or +49 30 23125-003; ANNA knows. cc bertie",
    "html": '<p title="Anna\'s photo">M&uuml;ller &amp; <a href="https://acme.com/people/anna.mueller?token=xoxb-17-abcDEF">'
            "Anna&nbsp;Müller</a> earns 83210 in Buxtehude</p>",
    "to": "Anna Müller <anna.mueller@acme.com>, \"Emil Zola\" <emil@elsewhere.org>",
    "slug": "jens-petersen-leaves-us",
    "note": "Emil says: my password is hunter2, card 4929123412341234, from 203.0.113.77",
    "domain": "acme.com",
    "empty": "",
    "keyed": {"anna.mueller@acme.com": 1, "@anna.mueller:acme.com": ["bertie"]},
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJlc2ln",
    "client_secret": "8f14e45f-ceea-467f-9575-6b1d0c0a7b11",
    "status": "in progress",
    "kind": "user profile",
    "uuid": "6f1b2c3d-0000-4000-8000-0123456789ab",
    "changed": "2026-03-16T09:00:00Z",
}  # fmt: skip
GONE = (
    "anna", "müller", "mueller", "bert", "brien", "cleo", "łuk", "dora", "jürgen", "weber", "jens", "petersen", "emil",
    "zola", "acme", "hafenstr", "hamburg", "20457", "1971", "83210", "23125", "3920003", "buxtehude", "hunter2",
    "4929123412341234", "203.0.113.77", "xoxb", "eyjhbg", "8f14e45f", "dxnlcj", TOKEN, "elsewhere.org",
)  # fmt: skip


def scrubber_for(*data: Any) -> Scrubber:
    made = Scrubber([TOKEN], "api.acme.com")
    for one in data:
        made.learn(one)
    return made


def test_no_person_and_no_secret_is_left() -> None:
    scrubber = scrubber_for(USERS, TEXTS)
    text = json.dumps([scrubber.data(USERS), scrubber.data(TEXTS)], ensure_ascii=False)
    assert [word for word in GONE if word in text.casefold()] == []
    assert scrubber.left(text) == []


def test_the_same_person_has_the_same_pseudonym_everywhere() -> None:
    scrubber = scrubber_for(USERS, TEXTS)
    users, texts = scrubber.data(USERS), scrubber.data(TEXTS)
    anna = users["members"][0]
    assert anna["real_name"] == "Ada Adler"
    assert (anna["profile"]["first_name"], anna["profile"]["last_name"]) == ("Ada", "Adler")
    assert anna["id"] == anna["profile"]["email"] == "ada.adler@company.example"
    assert anna["name"] == "ada.adler"
    assert anna["profile"]["image_72"].endswith("/a/ada.adler.png")
    assert "<@U1|ada.adler>" in texts["text"]
    assert "ADA" in texts["text"]
    assert texts["to"].startswith("Ada Adler <ada.adler@company.example>, ")
    assert list(texts["keyed"]) == ["ada.adler@company.example", "@ada.adler:company.example"]
    bert = users["members"][1]
    assert texts["keyed"]["@ada.adler:company.example"] == [bert["user_login"]]
    family, _, given = bert["displayName"].partition(", ")
    assert bert["user_login"] == f"{given}.{family}".lower().replace("ö", "oe") or bert["user_login"].startswith(
        given.lower()
    )


def test_the_shape_stays() -> None:
    scrubber = scrubber_for(USERS, TEXTS)
    users, texts = scrubber.data(USERS), scrubber.data(TEXTS)
    anna = users["members"][0]
    assert anna["profile"]["phone"].startswith("+")
    assert len(anna["profile"]["phone"]) == len("+49 30 23125 003")
    assert isinstance(anna["salary"], int)
    assert anna["birthDate"] == "1980-01-01"
    assert texts["html"].startswith("<p title=")
    assert "&amp; <a href=" in texts["html"]
    assert texts["html"].endswith("</p>")
    for name in ("status", "kind", "uuid", "changed", "empty"):
        assert texts[name] == TEXTS[name]
    assert users["members"][1]["token_type"] == "Bearer"
    assert len(texts["client_secret"]) == len(str(TEXTS["client_secret"]))


def test_a_number_is_the_same_however_it_is_written() -> None:
    scrubber = scrubber_for(USERS, TEXTS)
    phone = scrubber.data(USERS)["members"][0]["profile"]["phone"]
    digits = "".join(filter(str.isdigit, phone))
    assert digits in "".join(filter(str.isdigit, scrubber.data(TEXTS)["text"]))


def test_an_id_stays_one_word() -> None:
    user = {"user_id": "@desk:acme.com", "displayname": "desk", "email": "desk@acme.com"}
    assert scrubber_for(user).data(user)["user_id"] == "@ada.adler:company.example"


@pytest.mark.parametrize(
    ("held", "stays"),
    [
        ({"_type": "Group", "id": "2000000"}, True),
        ({"of": "b43cb35a-cf14-5478-8ac9-fc993e3d58d0", "n": 17}, True),
        ({"_type": "Group", "name": "anna.mueller"}, False),
        ({"type": "xoxb-12345678", "id": "1"}, False),
        ({"_type": "Person", "phone": "4930901820"}, False),
        ([99999, "Group", 12], False),
    ],
)
def test_an_id_that_holds_but_another_one_stays_what_connectors_read(held: Any, stays: bool) -> None:
    text = base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")
    assert (Scrubber().data({"id": text})["id"] == text) is stays


def test_the_same_data_gives_the_same_recording() -> None:
    first, second = scrubber_for(USERS, TEXTS), scrubber_for(USERS, TEXTS)
    assert first.data(USERS) == second.data(USERS)
    assert first.data(TEXTS) == second.data(TEXTS)


def test_invented_people_may_stay_but_no_secret() -> None:
    scrubber = Scrubber([TOKEN], "api.acme.com", keep_people=True)
    scrubber.learn([USERS, TEXTS])
    users = scrubber.data(USERS)
    assert users["members"] == USERS["members"]
    text = json.dumps(scrubber.data({"x": f"a {TOKEN} b", "password": "hunter2!", "h": "Bearer abcdef"}))
    assert TOKEN not in text
    assert "hunter2" not in text
    assert "abcdef" not in text


LINK = '<https://api.acme.com/v1/users?cursor=dXNlcjphbm5hLm11ZWxsZXI=>; rel="next"'


def exchange(**changes: Any) -> Exchange:
    kept = {
        "method": "GET", "target": f"https://api.acme.com/v1/users/anna.mueller%40acme.com?token={TOKEN}&cursor=abc&q=anna.mueller",
        "status": 200, "answer": USERS,
        "headers": {"Content-Type": "application/json", "Link": LINK},
    }  # fmt: skip
    return Exchange(**(kept | changes))


def recording(*exchanges: Exchange) -> Recording:
    config = {"host": "https://api.acme.com/v1", "login": "anna.mueller", "token": SECRET}
    return Recording("tool", "users", "person", ("id",), config, exchanges, tuple(USERS["members"]))


def test_targets_headers_and_bodies_too() -> None:
    asked = exchange(
        method="POST", asked={"password": "hunter2!", "filter": "mail = 'anna.mueller@acme.com'", "key": TOKEN}
    )
    made = scrubbed(recording(exchange(), asked), scrubber_for())
    text = made.text().casefold()
    assert [word for word in GONE if word in text] == []
    assert made.config == {"host": "https://system.example/v1", "login": "ada.adler", "token": SECRET}
    first = made.exchanges[0]
    assert first.target.startswith("/v1/users/ada.adler@company.example?token=")
    assert made.exchanges[1].asked["filter"] == "mail = 'ada.adler@company.example'"
    cursor = made.exchanges[0].answer["next_cursor"]
    assert f"<https://system.example/v1/users?cursor={cursor}" in first.headers["Link"].replace("%3D", "=")


def test_a_recording_that_would_still_tell_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scrubber, "data", lambda self, data, key="", **how: data)
    with pytest.raises(RecordError, match="still holds email, full"):
        scrubbed(recording(exchange()), scrubber_for())


_NAMES = st.sampled_from(["Björk Guðmundsdóttir", "Xuân Trần", "Jean-Luc Picard-Dupré", "Ülkü Şahin", "Ng Wei Ling"])


@given(
    name=_NAMES, before=st.text(max_size=20), after=st.text(max_size=20), key=st.sampled_from(["text", "name", "zork"])
)
def test_a_known_name_is_found_in_any_text(name: str, before: str, after: str, key: str) -> None:
    person = {"givenName": name.split()[0], "familyName": name.split()[-1], "email": "x@acme.com", "displayName": name}
    text = {key: f"{before} {name} {after}"}
    scrubber = scrubber_for(person, text)
    found = json.dumps([scrubber.data(person), scrubber.data(text)], ensure_ascii=False)
    assert name not in found
    assert "x@acme.com" not in found


_FIELDS = st.sampled_from(["id", "text", "phone", "email", "token", "x"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def shape(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: shape(value) for name, value in data.items()}
    return [shape(one) for one in data] if isinstance(data, list) else type(data)


@given(data=_JSON)
def test_any_data_keeps_its_shape(data: Any) -> None:
    scrubber = scrubber_for(data)
    assert shape(scrubber.data(data)) == shape(data)
