"""WordPress runs as a real server, filled with the company's news, and Landbridge's account can do its work there."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sandbox.company import halbrueck
from sandbox.supervisor import processes, stat_fields, wait_until
from sandbox.wordpress import WordPress
from sandbox.wordpress_client import EVERY_STATUS, WordPressClient
from sandbox.wordpress_seed import slug_of
from tests.servers import running, steps_done

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def wordpress(sandbox_home: Path) -> Iterator[WordPress]:
    system = WordPress(sandbox_home / "wordpress")
    assert system.health().state == "absent"
    with running(system):
        yield system


@pytest.fixture
def landbridge(wordpress: WordPress) -> WordPressClient:
    return wordpress.integration()


def counts(client: WordPressClient) -> tuple[int, int, int]:
    return (
        client.count("posts", status=EVERY_STATUS),
        client.count("comments", status="any"),
        client.count("users", context="edit"),
    )


def refused(client: WordPressClient, method: str, path: str, data: dict[str, object] | None = None) -> str:
    with pytest.raises(requests.HTTPError) as caught:
        client.call(method, path, data)
    assert caught.value.response is not None
    return str(caught.value.response.json()["code"])


def test_the_news_are_there_with_their_authors_and_dates(wordpress: WordPress) -> None:
    company, admin = halbrueck(), wordpress.admin()
    assert wordpress.health().state == "up"
    # Two accounts are technical.
    notes = sum(len(post.comments) for post in company.posts)
    assert counts(admin) == (len(company.posts), notes, len(company.in_intranet()) + 2)
    users = {user["id"]: user for user in admin.everything("users", context="edit")}
    shown = {post["slug"]: post for post in admin.posts(context="edit")}
    for post in company.posts:
        item = shown[slug_of(post.title)]
        author = users[item["author"]]
        assert (item["title"]["raw"], item["content"]["raw"]) == (post.title, post.html)
        assert item["date_gmt"] == item["modified_gmt"] == f"{post.published:%Y-%m-%dT%H:%M:%S}"
        assert (author["username"], author["email"]) == (post.author, company.by_user_name[post.author].email)


def test_seeding_again_changes_nothing(wordpress: WordPress) -> None:
    before = counts(wordpress.admin())
    wordpress.seed(halbrueck())
    (wordpress.home / "seed.done").unlink()
    wordpress.seed(halbrueck())
    assert counts(wordpress.admin()) == before


def test_a_comment_in_another_name_is_theirs_and_its_marker_can_be_found(
    wordpress: WordPress, landbridge: WordPressClient
) -> None:
    post = landbridge.posts()[0]
    author = landbridge.user("friederike.halbrueck")
    assert author is not None
    text = "Schön, danke! 🎉\n<!-- landbridge:0195f0aa -->"
    wanted = {"post": post["id"], "author": author["id"], "content": text, "status": "approved"}
    made = landbridge.call("POST", "comments", wanted).json()
    assert (made["author"], made["author_name"], made["status"]) == (author["id"], author["name"], "approved")
    assert made["author_email"] == author["email"]
    found = landbridge.get("comments", search="landbridge:0195f0aa", status="any", context="edit")
    assert [comment["id"] for comment in found] == [made["id"]]
    landbridge.delete_comment(made["id"])
    assert landbridge.get(f"comments/{made['id']}", context="edit")["status"] == "trash"
    landbridge.delete_comment(made["id"], for_good=True)


def test_colleagues_act_in_their_own_names(wordpress: WordPress, landbridge: WordPressClient) -> None:
    author = wordpress.acting_as(halbrueck().posts[0].author)
    post = author.write_post("Sommerfest", "<p>Am Freitag ☀️</p>", "people")
    note = author.comment(post["id"], "Bringt Kuchen mit!")
    assert post["author"] == note["author"] == author.me()["id"]
    assert note["status"] == "approved"
    author.unpublish(post["id"])
    assert landbridge.get(f"posts/{post['id']}", context="edit")["status"] == "draft"
    author.trash_post(post["id"])
    gone = landbridge.posts(status="trash", context="edit")
    assert [item["id"] for item in gone] == [post["id"]]
    wordpress.admin().call("DELETE", f"posts/{post['id']}", force="true")


def test_landbridge_makes_accounts_and_ends_them(wordpress: WordPress, landbridge: WordPressClient) -> None:
    wanted = {"username": "new.colleague", "email": "new@halbrueck.example", "password": "x" * 24, "roles": ["author"]}
    made = landbridge.call("POST", "users", wanted).json()
    colleague = wordpress.acting_as("new.colleague")
    assert colleague.me()["roles"] == ["author"]
    landbridge.call("POST", f"users/{made['id']}", {"roles": [], "password": "y" * 24})
    # An application password outlives both the role and the password.
    assert colleague.me()["roles"] == []
    landbridge.call("DELETE", f"users/{made['id']}/application-passwords")
    assert refused(colleague, "GET", "users/me") == "rest_not_logged_in"
    wordpress.admin().call("DELETE", f"users/{made['id']}", force="true", reassign=1)


def test_landbridge_stays_below_administrators(wordpress: WordPress, landbridge: WordPressClient) -> None:
    admin, own = wordpress.facts()["admin"]["id"], wordpress.facts()["integration"]["id"]
    assert refused(landbridge, "POST", f"users/{own}", {"roles": ["administrator"]}) == "rest_user_invalid_role"
    assert landbridge.user("admin") is not None
    assert refused(landbridge, "GET", f"users/{admin}?_method=POST&email=x@halbrueck.example") == "rest_cannot_edit"
    assert refused(landbridge, "POST", f"users/{admin}", {"email": "other@halbrueck.example"}) == "rest_cannot_edit"
    assert refused(landbridge, "POST", f"users/{admin}/application-passwords", {"name": "x"}).startswith("rest_cannot")
    more = {"username": "x", "email": "x@halbrueck.example", "password": "x" * 24, "roles": ["administrator"]}
    assert refused(landbridge, "POST", "users", more) == "rest_user_invalid_role"
    assert refused(landbridge, "GET", "settings") == "rest_forbidden"


def test_the_connection_is_for_landbridge_alone(wordpress: WordPress) -> None:
    connection = wordpress.connections()["intranet"]
    assert connection["conn_type"] == "landbridge_wordpress"
    client = WordPressClient(connection["host"], connection["login"], connection["password"])
    assert client.me()["roles"] == ["landbridge"]
    assert (wordpress.home / "facts.json").stat().st_mode & 0o077 == 0


def test_people_see_pages(wordpress: WordPress) -> None:
    page = requests.get(wordpress.admin().posts()[0]["link"], timeout=30)
    assert page.ok and "Halbrück & Söhne" in html.unescape(page.text)
    assert requests.get(f"{wordpress.url}/wp-admin", timeout=30).url.startswith(f"{wordpress.url}/wp-login.php")


def test_stop_leaves_no_process_and_a_restart_does_nothing_again(wordpress: WordPress) -> None:
    before = counts(wordpress.admin())
    sessions = {int(fields[3]) for pid in processes() if (fields := stat_fields(pid)) and _serves(pid, wordpress.home)}
    assert len(sessions) == 2
    wordpress.stop()
    assert wordpress.health().state == "down"
    assert wait_until(lambda: not any(_serves(pid, wordpress.home) for pid in processes()), 2)
    url, done = wordpress.url, steps_done(wordpress)
    wordpress.install()
    wordpress.start()
    assert steps_done(wordpress) == done != {}
    assert (wordpress.url, counts(wordpress.admin())) == (url, before)


def _serves(pid: int, home: Path) -> bool:
    try:
        return str(home) in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
