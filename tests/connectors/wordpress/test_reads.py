"""What the WordPress connector reads: recorded records, and what a server rarely does on demand."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.wordpress.connector import NEEDS, WordPress
from landbridge.connector import Checkpoint, Complete, Connection, Failure, Finds, Impersonates, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    IncompleteRead,
    LandbridgeError,
    NotFound,
    RateLimited,
    ScopeError,
)
from landbridge.mapping import load_mapping
from landbridge.model import validate
from tests.connectors.reading import cursor_of, gone_of, natives_of
from tests.connectors.wordpress.site import CONNECTION, MAPPINGS, RECORDED, SECRET, SITE, STREAMS, Site, reply


@pytest.mark.parametrize("stream", STREAMS)
def test_a_list_whose_length_a_proxy_took_away_does_not_end_there(
    site: Site, wordpress: WordPress, stream: str
) -> None:
    site.many(stream, 3)
    site.script = [reply(site.rows[stream][:1], {"X-WP-TotalPages": "3"})]
    with pytest.raises(IncompleteRead, match="X-WP-Total"):
        natives_of(wordpress, stream)


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
    read = natives_of(wordpress, stream)
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
    posts = {native["title"]: native for native in natives_of(wordpress, "posts").values()}
    mapping = load_mapping(MAPPINGS / "posts.yaml")
    for title in ("Salaries & more", "Private"):
        claim = mapping.into(posts[title]).claim
        assert (claim["state"], claim["audience"]) == ("draft", {"scope": "nobody"})
        assert "(protected)" not in json.dumps(posts[title])
    public = mapping.into(posts["Welcome to our two new colleagues"]).claim
    assert (public["state"], public["audience"], public["category"]) == ("published", None, "people")


def test_natives_leave_out_what_is_private_or_varies(wordpress: WordPress) -> None:
    told = json.dumps([natives_of(wordpress, stream) for stream in STREAMS])
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
    assert set(natives_of(wordpress, "comments", cursor)) >= {str(id) for id in range(21, 321)}
    assert len(site.seen) == 4
    assert len(cursor_of(wordpress, "comments", cursor)["window"]) == 100


def test_a_comment_taken_back_is_gone_at_the_next_read(site: Site, wordpress: WordPress) -> None:
    site.many("comments", 150)
    cursor = cursor_of(wordpress, "comments")
    site.rows["comments"][140]["status"] = "trash"
    del site.rows["comments"][120]
    assert gone_of(wordpress, "comments", cursor) == ["121", "141"]
    # What is older than the newest hundred waits for the full read: here nothing is concluded from absence.
    cursor = cursor_of(wordpress, "comments", cursor)
    del site.rows["comments"][3]
    assert gone_of(wordpress, "comments", cursor) == []


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
    assert set(gone_of(wordpress, "posts", cursor)) == {str(site.rows["posts"][1]["id"])}
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


def test_a_rate_limit_is_waited_for_or_handed_on(site: Site, wordpress: WordPress) -> None:
    site.script.append((429, {"Retry-After": "0"}, ""))
    assert natives_of(wordpress, "users")
    site.script.append((429, {"Retry-After": "600"}, ""))
    with pytest.raises(RateLimited) as caught:
        list(wordpress.read("users"))
    assert caught.value.after == 600
