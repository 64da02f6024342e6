"""The WordPress connector without a server: recorded records replayed, and what a server rarely does on demand."""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from connectors.wordpress.comment_html import for_comment
from connectors.wordpress.connector import NEEDS, WordPress
from connectors.wordpress.natives import marked, unmarked
from landbridge.connector import Checkpoint, Complete, Connection, Failure, Finds, Gone, Impersonates, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    IncompleteRead,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.mapping import load_mapping
from landbridge.model import validate

MAPPINGS = Path(__file__).parents[2] / "mappings" / "wordpress"
RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recordings" / "wordpress.json").read_text())
SITE = "https://intranet.example"
SECRET = "abcd EFGH ijkl MNOP"
CONNECTION = Connection("intranet", "landbridge_wordpress", SITE, "landbridge", SECRET)
STREAMS = ("posts", "comments", "users")
Answer = tuple[int, dict[str, str], str]


class Site:
    """Pages, filters and finds as WordPress does; `script` is answered first, `seen` is what was asked."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {stream: copy.deepcopy(RECORDED[stream]) for stream in STREAMS}
        self.me = copy.deepcopy(RECORDED["me"])
        self.script: list[Answer | Exception] = []
        self.seen: list[requests.PreparedRequest] = []

    def __call__(self, request: requests.PreparedRequest) -> Answer:
        self.seen.append(request)
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        parts = urlsplit(str(request.url))
        stream, _, key = parts.path.rpartition("/wp/v2/")[2].partition("/")
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if key == "me":
            return reply(self.me)
        if request.method == "GET" and not key:
            return self.listed(stream, asked)
        found = next((row for row in self.rows[stream] if str(row["id"]) == key), None) or {}
        if request.method == "POST":
            sent = json.loads(request.body or b"{}")
            return reply({**found, **sent, "content": {"raw": sent.get("content", "")}} if stream != "users" else found)
        return reply(found)

    def listed(self, stream: str, asked: dict[str, str]) -> Answer:
        assert asked["context"] == "edit"
        word = asked.get("search", "")
        rows = [row for row in self.rows[stream] if word in json.dumps(row)]
        if stream == "comments" and asked.get("status") == "approve":
            rows = [row for row in rows if row["status"] == "approved"]
        rows.sort(key=lambda row: row["id"], reverse=asked.get("order") == "desc")
        size, page = int(asked.get("per_page", 10)), int(asked.get("page", 1))
        headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
        return reply(rows[(page - 1) * size : page * size], headers)

    def refuses(self, name: str) -> None:
        refusal = RECORDED["refusals"][name]
        self.script.append((refusal["status"], refusal["headers"], refusal["body"]))

    def asked(self, method: str) -> list[requests.PreparedRequest]:
        return [request for request in self.seen if request.method == method]

    def sent(self) -> dict[str, Any]:
        return dict(json.loads(self.asked("POST")[-1].body or b"{}"))

    def many(self, stream: str, last: int) -> None:
        self.rows[stream] = [RECORDED[stream][0] | {"id": id} for id in range(1, last + 1)]


def reply(body: Any, headers: dict[str, str] | None = None) -> Answer:
    return 200, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "DELETE"):
            mock.add_callback(method, re.compile(f"{SITE}/wp-json/.*"), callback=site)
        yield site


@pytest.fixture
def wordpress(site: Site) -> Iterator[WordPress]:
    connector = WordPress(WordPress.Config.of(CONNECTION))
    yield connector
    connector.close()


def natives(connector: WordPress, stream: str, cursor: Any = None) -> dict[str, dict[str, Any]]:
    return {item.key: item.native for item in connector.read(stream, cursor) if isinstance(item, Record)}


def cursor_of(connector: WordPress, stream: str, cursor: Any = None) -> Any:
    return next(item.cursor for item in connector.read(stream, cursor) if isinstance(item, Checkpoint))


def gone(connector: WordPress, stream: str, cursor: Any) -> list[str]:
    return [item.key for item in connector.read(stream, cursor) if isinstance(item, Gone)]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_list_whose_length_a_proxy_took_away_does_not_end_there(
    site: Site, wordpress: WordPress, stream: str
) -> None:
    site.many(stream, 3)
    site.script = [reply(site.rows[stream][:1], {"X-WP-TotalPages": "3"})]
    with pytest.raises(IncompleteRead, match="X-WP-Total"):
        natives(wordpress, stream)


def test_what_the_class_can_do() -> None:
    assert tuple(sorted(WordPress.streams())) == tuple(sorted(STREAMS))
    connector = WordPress(WordPress.Config.of(CONNECTION))
    assert isinstance(connector, Finds)
    assert isinstance(connector, Impersonates)
    for op in ("create", "update", "delete"):
        assert WordPress.can_write("comments", op)
        assert WordPress.can_write("posts", op)
    assert not WordPress.can_write("users", "delete")


@pytest.mark.parametrize("wrong", [{"rol": "x"}, {"login": None}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    login = wrong.pop("login", "landbridge")
    with pytest.raises(ConfigError, match=next(iter(wrong), "login")) as caught:
        WordPress.Config.of(Connection("intranet", "landbridge_wordpress", SITE, login, SECRET, extra=wrong))
    assert SECRET not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    mappings = {stream: load_mapping(MAPPINGS / f"{stream}.yaml") for stream in STREAMS}
    assert [problem for mapping in mappings.values() for problem in mapping.run_examples()] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_recorded_records_become_valid_claims(wordpress: WordPress, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    items = list(wordpress.read(stream))
    assert isinstance(items[-1], Complete)
    assert isinstance(items[-2], Checkpoint)
    read = natives(wordpress, stream)
    assert len(read) == len(RECORDED[stream])
    for native in read.values():
        assert validate(mapping.kind, mapping.into(native).claim)


def test_check_names_the_account_and_what_it_may_not(site: Site, wordpress: WordPress) -> None:
    assert wordpress.check().name == "landbridge"
    assert wordpress.check().missing == ()
    site.me["capabilities"] = {"read": True, **dict.fromkeys(NEEDS, True), "promote_users": False}
    assert wordpress.check().missing == ("promote_users",)
    site.script.append((404, {"Content-Type": "text/html"}, "<h1>Not found</h1>"))
    with pytest.raises(ConfigError, match="permalinks"):
        wordpress.check()


def test_what_is_not_public_is_neither_published_nor_for_anybody(wordpress: WordPress) -> None:
    posts = {native["title"]: native for native in natives(wordpress, "posts").values()}
    mapping = load_mapping(MAPPINGS / "posts.yaml")
    for title in ("Salaries & more", "Private"):
        claim = mapping.into(posts[title]).claim
        assert (claim["state"], claim["audience"]) == ("draft", {"scope": "nobody"})
        assert "(protected)" not in json.dumps(posts[title])
    public = mapping.into(posts["Welcome to our two new colleagues"]).claim
    assert (public["state"], public["audience"], public["category"]) == ("published", None, "people")


def test_natives_leave_out_what_is_private_or_varies(wordpress: WordPress) -> None:
    told = json.dumps([natives(wordpress, stream) for stream in STREAMS])
    for volatile in ("rendered", "modified", "_links", "author_name", "capabilities", "password"):
        assert f'"{volatile}' not in told


def test_a_full_read_loses_nothing_while_people_delete(site: Site, wordpress: WordPress) -> None:
    site.many("comments", 250)
    found: set[str] = set()
    for item in wordpress.read("comments"):
        if isinstance(item, Record):
            # As soon as the newest page is read, one of it is deleted.
            if item.key == "250":
                site.rows["comments"] = [row for row in site.rows["comments"] if row["id"] != 249]
            found.add(item.key)
    assert found == {str(id) for id in range(1, 251)}
    assert len(site.seen) == 4


def test_new_comments_are_read_to_the_last_known_one(site: Site, wordpress: WordPress) -> None:
    site.many("comments", 20)
    cursor = cursor_of(wordpress, "comments")
    site.many("comments", 320)
    site.seen.clear()
    assert set(natives(wordpress, "comments", cursor)) >= {str(id) for id in range(21, 321)}
    assert len(site.seen) == 4
    assert len(cursor_of(wordpress, "comments", cursor)["window"]) == 100


def test_a_comment_taken_back_is_gone_at_the_next_read(site: Site, wordpress: WordPress) -> None:
    site.many("comments", 150)
    cursor = cursor_of(wordpress, "comments")
    site.rows["comments"][140]["status"] = "trash"
    del site.rows["comments"][120]
    assert gone(wordpress, "comments", cursor) == ["121", "141"]
    # What is older than the newest hundred waits for the full read: here nothing is concluded from absence.
    cursor = cursor_of(wordpress, "comments", cursor)
    del site.rows["comments"][3]
    assert gone(wordpress, "comments", cursor) == []


def test_an_empty_answer_is_no_mass_deletion(site: Site, wordpress: WordPress) -> None:
    site.many("comments", 30)
    cursor = cursor_of(wordpress, "comments")
    site.rows["comments"] = []
    with pytest.raises(IncompleteRead):
        list(wordpress.read("comments", cursor))


def test_a_trashed_post_is_gone_and_a_scheduled_one_does_not_move_the_cursor(site: Site, wordpress: WordPress) -> None:
    site.rows["posts"][0] |= {"status": "future", "modified_gmt": "2999-01-01T00:00:00"}
    cursor = cursor_of(wordpress, "posts")
    assert cursor["since"] < "2999"
    assert cursor["id"] == max(row["id"] for row in RECORDED["posts"])
    site.rows["posts"][1]["status"] = "trash"
    assert set(gone(wordpress, "posts", cursor)) == {str(site.rows["posts"][1]["id"])}
    since = [parse_qs(urlsplit(str(one.url)).query).get("modified_after", [""])[0] for one in site.seen]
    assert any(one.endswith("Z") and one < cursor["since"] for one in since)


def test_one_bad_record_stops_nobody(site: Site, wordpress: WordPress) -> None:
    del site.rows["users"][1]["email"]
    items = list(wordpress.read("users"))
    failures = [item for item in items if isinstance(item, Failure)]
    assert [failure.key for failure in failures] == [str(RECORDED["users"][1]["id"])]
    assert len({item.key for item in items if isinstance(item, Record)}) == 3
    assert isinstance(items[-1], Complete)


@pytest.mark.parametrize("cursor", [{"since": 3, "id": 4}, {"window": []}, "x", {"id": 4, "window": "x"}])
def test_a_strange_cursor_is_expired(wordpress: WordPress, cursor: Any) -> None:
    for stream in ("posts", "comments"):
        with pytest.raises(ExpiredCursor):
            list(wordpress.read(stream, cursor))


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("revoked", AuthError),
        ("revoked_posts", AuthError), ("forbidden", ScopeError), ("no_route", ConfigError), ("gone", NotFound),
        ("past_the_end", IncompleteRead),
    ],
)  # fmt: skip
def test_refusals_are_named(site: Site, wordpress: WordPress, refusal: str, error: type[LandbridgeError]) -> None:
    site.refuses(refusal)
    with pytest.raises(error):
        list(wordpress.read("posts"))


def test_a_write_is_refused_for_this_record_alone(site: Site, wordpress: WordPress) -> None:
    site.refuses("login_taken")
    with pytest.raises(RecordError, match="another account") as caught:
        wordpress.create_user({"email": "eva@halbrueck.example", "username": "anna.mueller"}, "lb1")
    assert "anna" not in str(caught.value)
    site.refuses("closed")
    with pytest.raises(RecordError, match="closed for comments"):
        wordpress.create_comment({"post": 4, "content": "<p>x</p>"}, "lb1")
    site.refuses("trashed")
    wordpress.delete_comment("3", "lb1")
    site.refuses("gone")
    wordpress.delete_comment("3", "lb1")


def test_a_rate_limit_is_waited_for_or_handed_on(site: Site, wordpress: WordPress) -> None:
    site.script.append((429, {"Retry-After": "0"}, ""))
    assert natives(wordpress, "users")
    site.script.append((429, {"Retry-After": "600"}, ""))
    with pytest.raises(RateLimited) as caught:
        list(wordpress.read("users"))
    assert caught.value.after == 600


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


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a &amp; b</p>\n<p>c &lt;x&gt;</p>", "a &amp; b\n\nc &lt;x&gt;"),
        ("<h2>T</h2>\n<p>x<br>y</p>", "<strong>T</strong>\n\nx\ny"),
        ("<ul><li>x<ul><li>y</li></ul></li><li><p>p</p><p>q</p></li></ul>\n<p>z</p>", "• x\n  • y\n• p\nq\n\nz"),
        ('<ol start="3"><li>q</li><li>r</li></ol>', "3. q\n4. r"),
        ("<blockquote><p>a</p><p>b</p></blockquote>\n<p>c</p>", "<blockquote>a\n\nb</blockquote>\n\nc"),
        ("<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
         "A | B\n1 | 2"),
        ("<pre><code>a\n  b</code></pre>\n<hr>\n<p><em>x</em></p>", "<code>a\n  b</code>\n\n⁂\n\n<em>x</em>"),
        ('<p><img src="https://x.example/a.png" alt="pic"> <a href="https://x.example/?a&amp;b">l</a></p>',
         '<a href="https://x.example/a.png">pic</a> <a href="https://x.example/?a&amp;b">l</a>'),
        ("<p>&#91;gallery&#93; 🎉</p>", "&#091;gallery&#093; 🎉"),
    ],
)  # fmt: skip
def test_comments_say_the_same_without_the_markup_that_wordpress_drops(html: str, text: str) -> None:
    assert for_comment(html) == text


@pytest.mark.parametrize(
    "text", ["x", "x\n\ny", "<em>ü</em> 🎉", "<!-- wp:paragraph --><p>x</p><!-- /wp:paragraph -->"]
)
def test_a_marker_comes_off_as_it_went_on(text: str) -> None:
    assert unmarked(marked(text, "lb0af")) == (text, "lb0af")
    assert unmarked(text) == (text, None)
