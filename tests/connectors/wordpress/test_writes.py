"""What the WordPress connector writes, and what it does where a write is refused or its outcome unknown."""

from __future__ import annotations

import json
import logging

import pytest
import requests

from connectors.wordpress.connector import WordPress
from connectors.wordpress.natives import marked
from landbridge.connector import Record
from landbridge.errors import (
    LandbridgeError,
    NotFound,
    RecordError,
    TransientError,
)
from tests.connectors.wordpress.site import CONNECTION, RECORDED, SECRET, Site, reply


def test_a_write_is_refused_for_this_record_alone(site: Site, wordpress: WordPress) -> None:
    site.refuses("login_taken")
    with pytest.raises(RecordError, match="another account") as caught:
        wordpress.create_user({"email": "eva@halbrueck.example", "username": "anna.mueller"}, "lb1")
    assert "anna" not in str(caught.value)
    site.refuses("closed")
    with pytest.raises(RecordError, match="closed for comments"):
        wordpress.create_comment({"post": 4, "content": "<p>x</p>"}, "lb1")
    site.refuses("trashed")
    wordpress.writer("comments", "delete")("3", "lb1")
    site.refuses("gone")
    wordpress.writer("comments", "delete")("3", "lb1")


def test_a_comment_is_sent_once_and_found_after_an_uncertain_outcome(site: Site, wordpress: WordPress) -> None:
    native = {"post": 7, "author": 5, "content": "<p>Ja, gern! 🎉</p>"}
    site.script.append(requests.ConnectionError("broken"))
    with pytest.raises(TransientError) as caught:
        wordpress.create_comment(native, "lb17")
    assert caught.value.uncertain
    assert len(site.asked("POST")) == 1
    assert wordpress.find("comments", native, "lb17") is None
    site.rows["comments"].append(
        RECORDED["comments"][0] | {"id": 99, "content": {"raw": marked("Ja, gern! 🎉", "lb17")}}
    )
    found = wordpress.find("comments", native, "lb17")
    assert found is not None
    assert (found["id"], found["content"]) == (99, "Ja, gern! 🎉")
    assert (
        next(item.marker for item in wordpress.read("comments") if isinstance(item, Record) and item.key == "99")
        == "lb17"
    )


def test_a_comment_is_written_as_its_author(site: Site, wordpress: WordPress) -> None:
    native = {
        "post": 7,
        "parent": 2,
        "author": 5,
        "content": "<p>Zwei</p>\n<p>Absätze</p>",
        "date_gmt": "2026-03-01T10:00:00",
    }
    site.rows["comments"][0]["id"] = 0  # the answer is made of it
    site.script.append(reply(RECORDED["comments"][1]))
    wordpress.create_comment(native, "lb1")
    assert site.sent() == {
        "post": 7, "parent": 2, "author": 5, "date_gmt": "2026-03-01T10:00:00", "status": "approved",
        "content": "Zwei\n\nAbsätze<!-- landbridge:lb1 -->",
    }  # fmt: skip
    with pytest.raises(RecordError, match="empty"):
        wordpress.create_comment(native | {"content": "<p> </p>"}, "lb1")


def test_a_comment_that_was_taken_back_is_not_written(site: Site, wordpress: WordPress) -> None:
    site.rows["comments"][0]["status"] = "trash"
    with pytest.raises(NotFound):
        wordpress.update_comment(str(site.rows["comments"][0]["id"]), {"content": "<p>x</p>"}, "lb1")
    assert not site.asked("POST")


def test_a_post_in_the_trash_is_not_written(site: Site, wordpress: WordPress) -> None:
    site.rows["posts"][0]["status"] = "trash"
    with pytest.raises(NotFound):
        wordpress.update_post(str(site.rows["posts"][0]["id"]), {"status": "publish"}, "lb1")
    assert not site.asked("POST")


def test_an_account_gets_a_password_that_nobody_knows(site: Site, wordpress: WordPress) -> None:
    for _ in range(2):
        site.script.append(reply(RECORDED["users"][1]))
        wordpress.create_user({"email": "eva.lang@halbrueck.example", "name": "Eva <Lang> & Co"}, "lb1")
    first, second = (json.loads(request.body or b"") for request in site.asked("POST"))
    assert (first["username"], first["roles"], first["name"]) == (
        "eva.lang",
        ["subscriber"],
        "Eva &lt;Lang&gt; &amp; Co",
    )
    assert len(first["password"]) > 30
    assert first["password"] != second["password"]
    with pytest.raises(RecordError, match="e-mail"):
        wordpress.create_user({"username": "x"}, "lb1")


def test_a_leaver_loses_roles_sessions_and_application_passwords(site: Site, wordpress: WordPress) -> None:
    wordpress.disable_user("5", "lb1")
    sent = site.sent()
    assert sent["roles"] == []
    assert len(sent["password"]) > 30
    assert str(site.asked("DELETE")[0].url).endswith("/users/5/application-passwords")
    # Whoever was given a role meanwhile keeps it.
    wordpress.enable_user("5", "lb1")
    assert site.sent() == {}
    site.rows["users"][1]["roles"] = []
    wordpress.enable_user("5", "lb1")
    assert site.sent() == {"roles": ["subscriber"]}


def test_no_secret_in_logs_and_errors(site: Site, wordpress: WordPress, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (401, 403, 404, 418, 500):
        site.script = [(status, {}, json.dumps({"code": "x", "message": f"{SECRET} Anna Müller"}))] * 5
        with pytest.raises(LandbridgeError) as caught:
            wordpress.writer("users", "create")({"email": "anna.mueller@halbrueck.example"}, "lb1")
        assert SECRET not in str(caught.value)
        assert "anna" not in str(caught.value).lower()
    assert SECRET not in caplog.text
    assert "anna.mueller" not in caplog.text
    assert SECRET not in repr(wordpress.config)
    assert SECRET not in repr(CONNECTION)
