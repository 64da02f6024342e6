"""The MediaWiki connector against a real wiki, with colleagues at work in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.mediawiki.connector import MediaWiki
from landbridge.connector import Record
from landbridge.connector.config import connection_from
from landbridge.errors import AuthError, NotFound, RecordError
from landbridge.mapping import load_mapping
from sandbox.mediawiki import MediaWiki as Wiki
from sandbox.mediawiki_client import MediaWikiClient
from sandbox.mediawiki_seed import pages
from tests.connectors.reading import read
from tests.servers import brought_up

pytestmark = pytest.mark.server

MAPPING = load_mapping(Path(__file__).parents[2] / "mappings" / "mediawiki" / "pages.yaml")
TEXT = "== Question ==\nWhich printer?\n\n== Answer ==\nThe one on the left.\n\n== See also ==\nNothing."


@pytest.fixture(scope="module")
def wiki() -> Iterator[Wiki]:
    with brought_up(Wiki) as system:
        yield system


@pytest.fixture
def mediawiki(wiki: Wiki) -> Iterator[MediaWiki]:
    connector = MediaWiki(MediaWiki.Config.of(connection_from("wiki", wiki.connections()["wiki"])))
    yield connector
    connector.close()


@pytest.fixture(scope="module")
def anna(wiki: Wiki) -> MediaWikiClient:
    return wiki.acting_as("anna.mueller")


def titles(records: dict[str, Record]) -> set[str]:
    return {record.native["title"] for record in records.values()}


def written(connector: MediaWiki, title: str, marker: str = "lb1") -> tuple[str, dict[str, Any]]:
    native = connector.create_page({"title": title, "text": TEXT}, marker)
    return str(native["pageid"]), native


def test_check_finds_the_account_and_no_missing_right(wiki: Wiki, mediawiki: MediaWiki) -> None:
    assert (mediawiki.check().name, mediawiki.check().missing) == ("Landbridge", ())
    wrong = MediaWiki(MediaWiki.Config(host=wiki.url, login="Landbridge@hub", password="x" * 32))  # type: ignore[arg-type]
    with pytest.raises(AuthError):
        wrong.check()
    wrong.close()


def test_every_page_is_read_and_maps(mediawiki: MediaWiki) -> None:
    records, gone, cursor = read(mediawiki, "pages")
    assert {page["title"] for page in pages()} <= titles(records)
    assert gone == []
    assert all(MAPPING.into(record.native).claim["body"] for record in records.values())
    since, gone, _ = read(mediawiki, "pages", cursor)
    assert all(records[key] == record for key, record in since.items())
    assert gone == []


def test_more_pages_than_fit_into_one_answer(
    mediawiki: MediaWiki, anna: MediaWikiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.mediawiki.connector.AT_ONCE", 3)
    cursor = read(mediawiki, "pages")[2]
    wanted = {f"Many/{number}" for number in range(8)}
    for title in wanted:
        anna.write(title, "One of many")
    assert wanted <= titles(read(mediawiki, "pages")[0])
    assert wanted <= titles(read(mediawiki, "pages", cursor)[0])


def test_a_page_is_written_once_and_comes_back_as_it_was_written(mediawiki: MediaWiki) -> None:
    cursor = read(mediawiki, "pages")[2]
    body = "## Frage\n\n**Fett** & *kursiv* <x> {{nein}}\n\n- eins\n- zwei 🎉 Łódź\n\n`x < 1`"
    native = MAPPING.out({"path": "Answers/Größe: wie_viel?", "body": body}, create=True).native
    made = mediawiki.create_page(native, "lb0001")
    key = str(made["pageid"])
    assert made["title"] == "Answers/Größe: wie viel?"
    assert MAPPING.into(made).claim["body"].startswith("## Frage\n\n**Fett** & _kursiv_ \\<x> {{nein}}")
    assert "🎉 Łódź" in MAPPING.into(made).claim["body"]
    found, _, _ = read(mediawiki, "pages", cursor)
    assert found[key] == Record(key, made, "lb0001") == read(mediawiki, "pages")[0][key]
    assert mediawiki.find("pages", native, "lb0001") == made
    assert mediawiki.find("pages", native, "lb000") is None
    with pytest.raises(RecordError, match="there already"):
        mediawiki.create_page(native, "lb0002")


def test_a_page_is_found_by_its_marker_after_people_have_edited_it(mediawiki: MediaWiki, anna: MediaWikiClient) -> None:
    key, _ = written(mediawiki, "Answers/Found", "lb77")
    anna.write("Answers/Found", TEXT + " Or is there?")
    found = mediawiki.find("pages", {"title": "Answers/Found"}, "lb77")
    assert found is not None
    assert (str(found["pageid"]), found["user"]) == (key, "Anna Müller")
    assert read(mediawiki, "pages")[0][key].marker is None


@pytest.mark.parametrize("title", ["A|B", "A#B", "A[b]", "Help: x", "wikipedia:x", "x" * 300, "../x", "", " "])
def test_a_path_that_is_no_title_is_refused(mediawiki: MediaWiki, title: str) -> None:
    before = titles(read(mediawiki, "pages")[0])
    with pytest.raises(RecordError, match="path"):
        mediawiki.create_page({"title": title, "text": "x"}, "lb1")
    assert titles(read(mediawiki, "pages")[0]) == before


def test_what_a_person_wrote_meanwhile_is_never_overwritten(mediawiki: MediaWiki, anna: MediaWikiClient) -> None:
    title = "Answers/Together"
    key, native = written(mediawiki, title)
    anna.write(title, TEXT.replace("Which printer?", "Which printer, please?"))
    # Other lines: the wiki merges, and what it made of both is read back.
    ours = TEXT.replace("on the left", "on the right")
    native = mediawiki.update_page(key, {"text": ours}, "lb2")
    assert "please?" in native["text"]
    assert "on the right" in native["text"]
    # The same line: a conflict, unless the update was made knowing what the person wrote.
    anna.write(title, native["text"].replace("on the right", "upstairs"))
    ours = TEXT.replace("on the left", "in the middle")
    with pytest.raises(RecordError, match="same lines"):
        mediawiki.update_page(key, {"text": ours}, "lb3")
    known = read(mediawiki, "pages")[0][key].native
    assert mediawiki.update_page(key, {"text": ours}, "lb3", version=str(known["revid"]))["text"] == ours
    anna.write(title, ours.replace("in the middle", "downstairs"))
    with pytest.raises(RecordError, match="same lines"):
        mediawiki.update_page(key, {"text": TEXT}, "lb4", version=str(known["revid"]))


def test_a_moved_page_keeps_its_key(mediawiki: MediaWiki, anna: MediaWikiClient) -> None:
    key, _ = written(mediawiki, "Answers/Moving")
    cursor = read(mediawiki, "pages")[2]
    moved = mediawiki.update_page(key, {"title": "Answers/Moved"}, "lb2")
    assert (str(moved["pageid"]), moved["title"]) == (key, "Answers/Moved")
    found, _, cursor = read(mediawiki, "pages", cursor)
    assert found[key].native == moved
    anna.move("Answers/Moved", "Elsewhere")
    found, _, cursor = read(mediawiki, "pages", cursor)
    assert found[key].native["title"] == "Elsewhere"
    # The redirects that moving leaves are no pages.
    assert not {"Answers/Moving", "Answers/Moved"} & titles(read(mediawiki, "pages")[0])
    anna.write("Elsewhere", "#REDIRECT [[Printers]]")
    assert key in read(mediawiki, "pages", cursor)[1]


def test_a_deleted_page_is_gone_until_it_is_restored(wiki: Wiki, mediawiki: MediaWiki) -> None:
    key, _ = written(mediawiki, "Answers/Gone")
    cursor = read(mediawiki, "pages")[2]
    wiki.admin().delete("Answers/Gone", "outdated")
    found, gone, cursor = read(mediawiki, "pages", cursor)
    assert key in gone
    assert key not in found
    with pytest.raises(NotFound):
        mediawiki.update_page(key, {"text": "x"}, "lb2")
    mediawiki.delete_page(key, "lb3")
    wiki.admin().restore("Answers/Gone", "not outdated")
    assert "Answers/Gone" in titles(read(mediawiki, "pages", cursor)[0])
    mediawiki.delete_page(key, "lb4")
    assert "Answers/Gone" not in titles(read(mediawiki, "pages")[0])


def test_the_same_text_again_is_no_edit(mediawiki: MediaWiki) -> None:
    key, native = written(mediawiki, "Answers/Same")
    assert mediawiki.update_page(key, {"text": TEXT}, "lb2") == native


def test_a_session_that_the_wiki_ended_is_opened_anew(wiki: Wiki, mediawiki: MediaWiki) -> None:
    mediawiki.check()
    mediawiki.client._transport._session.cookies.clear()
    assert mediawiki.check().name == "Landbridge"
    mediawiki.client._auth._token = "worn out+\\"  # type: ignore[union-attr]
    written(mediawiki, "Answers/After all")


def test_2_more_text_than_one_answer_holds_is_read_in_full(mediawiki: MediaWiki) -> None:
    """An answer of a wiki holds 8 MB; the texts beyond come with the next one, which says nothing else any more."""
    cursor = read(mediawiki, "pages")[2]
    keys = set()
    for number in range(6):
        made = mediawiki.create_page({"title": f"Answers/Long {number}", "text": "long " * 380_000}, f"lb{number}")
        keys.add(str(made["pageid"]))
    assert keys <= read(mediawiki, "pages")[0].keys()
    found, gone, _ = read(mediawiki, "pages", cursor)
    assert keys <= found.keys() - set(gone)
    for key in keys:
        mediawiki.delete_page(key, "lb")
