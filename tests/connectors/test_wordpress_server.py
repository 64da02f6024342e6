"""The WordPress connector against a real WordPress, with colleagues at work in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from connectors.wordpress.connector import WordPress
from landbridge.connector import Record
from landbridge.connector.config import connection_from
from landbridge.errors import AuthError, RecordError, ScopeError
from landbridge.mapping import load_mapping
from sandbox.company import halbrueck
from sandbox.wordpress import WordPress as Site
from tests.connectors.reading import read
from tests.servers import brought_up

pytestmark = pytest.mark.server

MAPPINGS = Path(__file__).parents[2] / "mappings" / "wordpress"
# Everything that HTML can say, and letters from everywhere.
BODY = "**Fett** & _kursiv_ <x>, [hier](https://example.org/?a=1&b=2)\n\n- eins\n- zwei 🎉 Łódź\n\n> Zitat\n\n`x < 1`"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with brought_up(Site) as system:
        yield system


@pytest.fixture
def wordpress(site: Site) -> Iterator[WordPress]:
    connector = WordPress(WordPress.Config.of(connection_from("intranet", site.connections()["intranet"])))
    yield connector
    connector.close()


def titled(records: dict[str, Record], title: str) -> list[str]:
    return [key for key, record in records.items() if record.native["title"] == title]


def test_check_finds_the_account_and_no_missing_right(site: Site, wordpress: WordPress) -> None:
    assert (wordpress.check().name, wordpress.check().missing) == ("landbridge", ())
    config = WordPress.Config(host=site.url, login="landbridge", password="not the right one")  # type: ignore[arg-type]
    wrong = WordPress(config)
    for stream in WordPress.streams():
        with pytest.raises(AuthError):
            list(wrong.read(stream))
    wrong.close()


def test_check_names_what_a_colleague_lacks(site: Site) -> None:
    site.acting_as("anna.mueller")
    account = site.facts()["people"]["anna.mueller"]
    config = WordPress.Config(host=site.url, login=account["login"], password=account["password"])
    connector = WordPress(config)
    assert {"moderate_comments", "list_users", "edit_others_posts"} <= set(connector.check().missing)
    with pytest.raises(ScopeError):
        list(connector.read("comments"))
    connector.close()


def test_everything_is_read_and_maps(site: Site, wordpress: WordPress) -> None:
    company = halbrueck()
    expected = {"posts": len(company.posts), "users": len(company.in_intranet()) + 2}
    for stream in WordPress.streams():
        records, gone, _ = read(wordpress, stream)
        assert len(records) >= expected.get(stream, 1)
        assert gone == []
        mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
        assert all(mapping.accepts(record.native) for record in records.values())
        assert all(mapping.into(record.native).claim for record in records.values())
    post = next(
        record.native for record in read(wordpress, "posts")[0].values() if "certified" in record.native["title"]
    )
    assert (post["category"], post["tags"]) == ("company", ["audit", "quality"])


def test_reading_again_gives_the_same(wordpress: WordPress) -> None:
    for stream in WordPress.streams():
        full, _, cursor = read(wordpress, stream)
        since, gone, again = read(wordpress, stream, cursor)
        assert all(full[key] == record for key, record in since.items())
        assert (gone, again) == ([], cursor)


def test_a_post_comes_changes_and_goes(site: Site, wordpress: WordPress) -> None:
    author = site.acting_as(halbrueck().posts[0].author)
    cursor = read(wordpress, "posts")[2]
    post = author.write_post("R&D: Größe <M> & mehr", "<p>Neu</p>", "it")
    key = str(post["id"])
    found, _, cursor = read(wordpress, "posts", cursor)
    assert (found[key].native["title"], found[key].native["category"]) == ("R&D: Größe  & mehr", "it")
    author.edit_post(post["id"], content="<p>Anders</p>", status="private")
    found, gone, cursor = read(wordpress, "posts", cursor)
    native = found[key].native
    assert (native["content"], native["status"], native["audience"]) == (
        "<p>Anders</p>",
        "private",
        {"scope": "nobody"},
    )
    author.trash_post(post["id"])
    found, gone, cursor = read(wordpress, "posts", cursor)
    assert key not in found
    assert key in gone
    site.admin().call("DELETE", f"posts/{key}", force="true")
    assert key not in read(wordpress, "posts")[0]


def test_posts_with_dates_of_their_own_are_not_missed(site: Site, wordpress: WordPress) -> None:
    """WordPress says that they were modified when they are dated."""
    admin = site.admin()
    cursor = read(wordpress, "posts")[2]
    old = admin.write_post("Imported", "<p>x</p>", "it", date_gmt="2019-01-01T00:00:00")
    later = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S")
    planned = admin.write_post("Planned", "<p>x</p>", "it", date_gmt=later, status="future")
    found, _, cursor = read(wordpress, "posts", cursor)
    assert titled(found, "Imported")
    assert found[str(planned["id"])].native["status"] == "future"
    # The scheduled day has passed; the cursor must not have run ahead of today's changes.
    new = admin.write_post("Today", "<p>x</p>", "it")
    assert titled(read(wordpress, "posts", cursor)[0], "Today")
    for post in (old, planned, new):
        admin.call("DELETE", f"posts/{post['id']}", force="true")


def test_protected_posts_do_not_get_out(site: Site, wordpress: WordPress) -> None:
    post = site.admin().write_post("Salaries", "<p>x</p>", "people", password="only for us")
    native = read(wordpress, "posts")[0][str(post["id"])].native
    claim = load_mapping(MAPPINGS / "posts.yaml").into(native).claim
    assert (claim["state"], claim["audience"]) == ("draft", {"scope": "nobody"})
    assert "only for us" not in str(native)
    site.admin().call("DELETE", f"posts/{post['id']}", force="true")


def test_a_comment_is_its_authors_and_comes_back_as_it_was_written(site: Site, wordpress: WordPress) -> None:
    mapping = load_mapping(MAPPINGS / "comments.yaml")
    cursor = read(wordpress, "comments")[2]
    post = site.admin().posts()[0]
    person = site.admin().user("thuha.nguyen")
    assert person is not None
    claim = {
        "thread": {"stream": "posts", "key": str(post["id"])}, "author": {"stream": "users", "key": str(person["id"])},
        "body": BODY, "sent_at": "2026-03-01T10:00:00.5Z",
    }  # fmt: skip
    written = wordpress.create_comment(mapping.out(claim, create=True).native, "lb0001")
    said = mapping.into(written).claim
    assert (said["author"], said["thread"], said["sent_at"]) == (
        claim["author"],
        claim["thread"],
        "2026-03-01T10:00:00Z",
    )
    assert said["body"].startswith("**Fett** & _kursiv_ \\<x>, [hier](")
    assert "🎉 Łódź" in said["body"]
    shown = requests.get(post["link"], timeout=30).text
    assert "Thu Hà Nguyễn" in shown
    found, _, cursor = read(wordpress, "comments", cursor)
    key = str(written["id"])
    assert found[key] == Record(key, written, "lb0001")
    assert wordpress.find("comments", {}, "lb0001") == written
    assert wordpress.find("comments", {}, "lb000") is None
    answer = wordpress.create_comment({"post": post["id"], "parent": int(key), "content": "<p>Ja</p>"}, "lb0002")
    assert answer["parent"] == int(key)
    changed = wordpress.update_comment(key, {"content": "<p>Anders</p>"}, "lb0003")
    assert (changed["content"], changed["author"]) == ("Anders", written["author"])
    assert read(wordpress, "comments", cursor)[0][key] == Record(key, changed, "lb0003")


def test_the_same_words_twice_are_two_comments(site: Site, wordpress: WordPress) -> None:
    post = site.admin().posts()[0]["id"]
    natives = [wordpress.create_comment({"post": post, "content": "<p>+1</p>"}, f"lb10{n}") for n in range(3)]
    assert len({native["id"] for native in natives}) == 3
    for native in natives:
        wordpress.writer("comments", "delete")(str(native["id"]), "lb")


def test_a_comment_taken_back_is_gone(site: Site, wordpress: WordPress) -> None:
    post = site.admin().posts()[0]["id"]
    keys = [str(wordpress.create_comment({"post": post, "content": "<p>x</p>"}, f"lb20{n}")["id"]) for n in range(3)]
    cursor = read(wordpress, "comments")[2]
    wordpress.writer("comments", "delete")(keys[0], "lb")
    wordpress.writer("comments", "delete")(keys[0], "lb")
    site.admin().delete_comment(int(keys[1]), for_good=True)
    site.admin().call("POST", f"comments/{keys[2]}", {"status": "hold"})
    _, gone, cursor = read(wordpress, "comments", cursor)
    assert gone == keys
    assert not set(keys) & set(read(wordpress, "comments")[0])
    site.admin().call("POST", f"comments/{keys[2]}", {"status": "approved"})
    assert keys[2] in read(wordpress, "comments", cursor)[0]
    with pytest.raises(RecordError):
        wordpress.update_comment(keys[1], {"content": "<p>x</p>"}, "lb")


def test_an_account_comes_changes_leaves_and_returns(site: Site, wordpress: WordPress) -> None:
    mapping = load_mapping(MAPPINGS / "users.yaml")
    cursor = read(wordpress, "users")[2]
    claim = {
        "user_name": "eva.lang", "display_name": "Eva “Evi” O'Lang & Co", "name.given": "Eva <E>", "name.family": "Läng",
        "emails": [{"value": "eva.lang@halbrueck.example", "primary": True}],
    }  # fmt: skip
    made = wordpress.create_user(mapping.out(claim, create=True).native, "lb1")
    key = str(made["id"])
    assert mapping.into(made).claim == claim | {"active": True}
    found, _, cursor = read(wordpress, "users", cursor)
    assert found[key].native == made == wordpress.find("users", {"email": "Eva.Lang@halbrueck.example"}, "lb1")
    with pytest.raises(RecordError, match="another account"):
        wordpress.create_user(mapping.out(claim, create=True).native, "lb2")
    assert wordpress.update_user(key, {"last_name": "Lang-Öz"}, "lb3")["last_name"] == "Lang-Öz"
    colleague = site.acting_as("eva.lang")
    assert colleague.me()["roles"] == ["subscriber"]
    assert mapping.into(wordpress.disable_user(key, "lb4")).claim["active"] is False
    with pytest.raises(requests.HTTPError):
        colleague.me()
    found, gone, cursor = read(wordpress, "users", cursor)
    assert (found[key].native["roles"], gone) == ([], [])
    assert read(wordpress, "users")[0][key].native["roles"] == []
    assert wordpress.enable_user(key, "lb5")["roles"] == ["subscriber"]
    site.admin().call("DELETE", f"users/{key}", force="true", reassign=1)
    assert read(wordpress, "users", cursor)[1] == [key]


def test_administrators_are_not_touched(site: Site, wordpress: WordPress) -> None:
    admin = str(site.facts()["admin"]["id"])
    with pytest.raises(ScopeError):
        wordpress.disable_user(admin, "lb1")
    assert site.admin().me()["roles"] == ["administrator"]


def test_a_post_is_written_and_comes_back_as_it_was(site: Site, wordpress: WordPress) -> None:
    mapping = load_mapping(MAPPINGS / "posts.yaml")
    claim = {"title": "Größer & <kleiner>", "body": BODY, "summary": "", "state": "draft"}
    written = wordpress.create_post(mapping.out(claim, create=True).native, "lb31")
    key = str(written["id"])
    assert mapping.into(written).claim["title"] == claim["title"]
    found, _, cursor = read(wordpress, "posts")
    assert found[key] == Record(key, written, "lb31")
    assert wordpress.find("posts", {}, "lb31") == written
    changed = wordpress.update_post(key, {"status": "publish"}, "lb32")
    assert (changed["status"], changed["content"]) == ("publish", written["content"])
    wordpress.writer("posts", "delete")(key, "lb33")
    wordpress.writer("posts", "delete")(key, "lb33")
    assert key in read(wordpress, "posts", cursor)[1]
