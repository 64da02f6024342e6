"""MediaWiki runs as a real server, and Landbridge's account can write pages there without overwriting anyone's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from sandbox.company import halbrueck
from sandbox.mediawiki import MediaWiki
from sandbox.mediawiki_client import MediaWikiClient, MediaWikiError
from sandbox.mediawiki_seed import pages
from sandbox.supervisor import processes, wait_until
from tests.servers import running, steps_done

pytestmark = pytest.mark.server

ANSWER = "Answers/Wie drucke ich A3? 🖨️"


@pytest.fixture(scope="module")
def wiki(sandbox_home: Path) -> Iterator[MediaWiki]:
    system = MediaWiki(sandbox_home / "mediawiki")
    assert system.health().state == "absent"
    with running(system):
        yield system


@pytest.fixture(scope="module")
def landbridge(wiki: MediaWiki) -> MediaWikiClient:
    return wiki.integration()


def accounts(client: MediaWikiClient) -> list[str]:
    return [user["name"] for user in client.query(list="allusers", aulimit=500)["allusers"]]


def refused(code: str) -> pytest.RaisesExc[MediaWikiError]:
    return pytest.raises(MediaWikiError, match=f"^{code}:")


def test_pages_and_accounts_are_there(wiki: MediaWiki) -> None:
    company, admin = halbrueck(), wiki.admin()
    assert wiki.health().state == "up"
    assert sorted(admin.titles()) == sorted(page["title"] for page in pages())
    for page in pages():
        there = admin.page(page["title"])
        assert there is not None
        assert (there.text, there.user) == (page["text"].strip(), company.by_user_name[page["author"]].full_name)
    assert {person.full_name for person in company.in_chat()} < set(accounts(admin))


def test_seeding_again_changes_nothing(wiki: MediaWiki) -> None:
    before = (accounts(wiki.admin()), [wiki.admin().history(page["title"]) for page in pages()])
    wiki.seed(halbrueck())
    (wiki.home / "seed.done").unlink()
    wiki.seed(halbrueck())
    assert (accounts(wiki.admin()), [wiki.admin().history(page["title"]) for page in pages()]) == before


def test_a_page_is_made_once_and_its_marker_can_be_found(landbridge: MediaWikiClient) -> None:
    text = "'''Frage''': Grüße 🎉"
    made = landbridge.write(ANSWER, text, "landbridge:0195f0aa", createonly=True, bot=True, tags="landbridge")
    with refused("articleexists"):
        landbridge.write(ANSWER, "other", createonly=True)
    assert landbridge.write(ANSWER, text, "again").get("nochange")
    assert [edit["comment"] for edit in landbridge.history(ANSWER)] == ["landbridge:0195f0aa"]
    page = landbridge.page(ANSWER)
    assert page is not None and (page.page_id, page.revision) == (made["pageid"], made["newrevid"])
    assert landbridge.history(ANSWER)[0]["tags"] == ["landbridge"]


def test_a_colleagues_edit_is_not_overwritten(wiki: MediaWiki, landbridge: MediaWikiClient) -> None:
    base = landbridge.write("Answers/Edited", "from the chat")["newrevid"]
    wiki.acting_as("anna.mueller").write("Answers/Edited", "from the chat, but right", "mended")
    with refused("editconflict"):
        landbridge.write("Answers/Edited", "from the chat, again", baserevid=base)
    page = landbridge.page("Answers/Edited")
    assert page is not None and (page.user, page.text) == ("Anna Müller", "from the chat, but right")


def test_edits_that_do_not_touch_are_merged(wiki: MediaWiki, landbridge: MediaWikiClient) -> None:
    """So the text after a write may be more than what was written: it has to be read back."""
    base = landbridge.write("Answers/Merged", "one\n\ntwo\n\nthree")["newrevid"]
    wiki.acting_as("anna.mueller").append("Answers/Merged", "\n\nfour")
    landbridge.write("Answers/Merged", "ONE\n\ntwo\n\nthree", baserevid=base)
    page = landbridge.page("Answers/Merged")
    assert page is not None and page.text == "ONE\n\ntwo\n\nthree\n\nfour"


def test_deletions_and_restorations_are_seen(wiki: MediaWiki, landbridge: MediaWikiClient) -> None:
    made = landbridge.write("Answers/Gone", "soon")
    wiki.admin().delete("Answers/Gone", "wrong")
    assert landbridge.page("Answers/Gone") is None
    with refused("missingtitle"):
        landbridge.write("Answers/Gone", "back", nocreate=True, baserevid=made["newrevid"])
    landbridge.restore("Answers/Gone")
    entries = [change for change in landbridge.changes() if change["title"] == "Answers/Gone"]
    # The entry of the creation went with the page.
    assert [(entry["type"], entry.get("logaction")) for entry in entries] == [("log", "delete"), ("log", "restore")]
    assert {entry["pageid"] for entry in entries} == {made["pageid"]}


def test_a_newcomer_is_given_an_account_and_may_not_delete(wiki: MediaWiki) -> None:
    colleague = wiki.acting_as("guenther.strauss")
    colleague.append("Printers", "\n\n== Toner ==\nThird shelf.", "toner")
    page = colleague.page("Printers")
    assert page is not None and page.user == "Günther Strauß" and page.text.endswith("Third shelf.")
    with refused("permissiondenied"):
        colleague.delete("Printers")
    with refused("permissiondenied"):
        wiki.integration().act("protect", title="Printers", protections="edit=sysop")


def test_several_write_at_once(wiki: MediaWiki) -> None:
    clients = [wiki.integration() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: clients[n % 4].write(f"Answers/At once {n}", f"{n}"), range(24)))
    assert len({edit["pageid"] for edit in made}) == 24


def test_people_see_pages(wiki: MediaWiki) -> None:
    page = requests.get(f"{wiki.url}/", timeout=30)
    assert page.url == f"{wiki.url}/wiki/Main_Page" and "Halbrück &amp; Söhne" in page.text
    assert requests.get(f"{wiki.url}/load.php?only=styles&modules=skins.vector.styles.legacy", timeout=30).ok
    for hidden in ("/includes/Setup.php", "/LocalSettings.php", "/images/../password", "/maintenance/install.php"):
        assert requests.get(wiki.url + hidden, timeout=30).status_code == 404


def test_the_connection_is_for_landbridge_alone(wiki: MediaWiki) -> None:
    connection = wiki.connections()["wiki"]
    assert connection["conn_type"] == "landbridge_mediawiki"
    client = MediaWikiClient(connection["host"], connection["login"], connection["password"])
    assert client.query(meta="userinfo")["userinfo"]["name"] == "Landbridge"
    assert (wiki.home / "facts.json").stat().st_mode & 0o077 == 0


def test_stop_leaves_no_process_and_a_restart_does_nothing_again(wiki: MediaWiki) -> None:
    before = wiki.admin().titles()
    assert any(_serves(pid, wiki.home) for pid in processes())
    wiki.stop()
    assert wiki.health().state == "down"
    assert wait_until(lambda: not any(_serves(pid, wiki.home) for pid in processes()), 2)
    url, done = wiki.url, steps_done(wiki)
    wiki.install()
    wiki.start()
    assert steps_done(wiki) == done != {}
    assert (wiki.url, wiki.admin().titles()) == (url, before)


def _serves(pid: int, home: Path) -> bool:
    try:
        return str(home) in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
