"""The MediaWiki connector without a server: recorded answers replayed, and what a wiki rarely does on demand."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses

from connectors.mediawiki.connector import AT_ONCE, MediaWiki
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
from tests.connectors.reading import natives_of

MAPPING = load_mapping(Path(__file__).parents[2] / "mappings" / "mediawiki" / "pages.yaml")
RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recordings" / "mediawiki.json").read_text())
SECRET = "vh3pijd7t73fjvcvvfhmc54vee7sd586"
CONNECTION = Connection("wiki", "landbridge_mediawiki", "https://wiki.example", "Landbridge@hub", SECRET)
NOW = "2026-11-21T22:00:00Z"
Answer = tuple[int, dict[str, str], str]
Asked = dict[str, str]


class Wiki:
    """Keeps a session and answers as recorded; `script` is answered first, `seen` is what was asked."""

    def __init__(self) -> None:
        self.pages: list[dict[str, Any]] = copy.deepcopy(RECORDED["pages"])
        self.changes: list[dict[str, Any]] = []
        self.userinfo = copy.deepcopy(RECORDED["userinfo"])
        self.script: list[Answer | Exception] = []
        self.seen: list[tuple[str, Asked]] = []
        self.logins, self.token, self.password = 0, "", SECRET

    def __call__(self, request: requests.PreparedRequest) -> Answer:
        text = str(request.body) if request.method == "POST" else urlsplit(str(request.url)).query
        asked = dict(parse_qsl(text, keep_blank_values=True))
        self.seen.append((str(request.method), asked))
        if asked.get("meta") == "tokens" or asked["action"] == "login":
            return self.session(asked)
        if not self.token or (request.method == "POST" and asked.get("token") != self.token):
            return reply(RECORDED["answers"]["badtoken" if self.token else "assertuserfailed"])
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if asked["action"] == "query":
            return reply(self.query(asked))
        return reply(RECORDED["answers"]["edited"] if asked["action"] == "edit" else {asked["action"]: {}})

    def session(self, asked: Asked) -> Answer:
        if asked["action"] == "login":
            assert asked["lgtoken"] == "for-login"
            if asked["lgpassword"] != self.password or self.token:
                return reply({"login": {"result": "Failed", "reason": f"No, {asked['lgname']}."}})
            self.logins += 1
            self.token = f"csrf{self.logins}+\\"
            return reply({"login": {"result": "Success"}})
        if asked["type"] == "csrf" and not self.token:
            return reply(RECORDED["answers"]["assertuserfailed"])
        return reply({"query": {"tokens": {"logintoken": "for-login", "csrftoken": self.token}}})

    def query(self, asked: Asked) -> dict[str, Any]:
        if "meta" in asked:
            return {"query": {"userinfo": self.userinfo}}
        if asked.get("list") == "recentchanges":
            return {"batchcomplete": True, "query": {"recentchanges": self.changes}}
        if asked.get("generator") == "allpages":
            return self.all(asked)
        if "pageids" in asked:
            ids = [int(id) for id in asked["pageids"].split("|")]
            known = {page["pageid"]: page for page in self.pages}
            return {"batchcomplete": True, "query": {"pages": [known.get(id, gone(id)) for id in ids]}}
        if "titles" in asked:
            return {"query": self.titled(asked["titles"].removeprefix("\x1f"), asked)}
        return {"batchcomplete": True, "curtimestamp": NOW}

    def titled(self, title: str, asked: Asked) -> dict[str, Any]:
        if "rvuser" in asked:
            return {"pages": [page for page in self.pages if page["title"] == title]}
        found = RECORDED["titles"].get(title)
        return dict(found or {"pages": [{"ns": 0, "title": title, "missing": True}]})

    def all(self, asked: Asked) -> dict[str, Any]:
        """Two pages an answer, the text of the second in the next one, as when an answer grows too large.

        As a real wiki does: the first announces the text with an empty list, the next names both pages and says nothing
        else of what was said already.
        """
        start, late = int(asked.get("gapcontinue", 0)), "rvcontinue" in asked
        two = copy.deepcopy(self.pages[start : start + 2])
        for at, page in enumerate(two):
            if late:
                kept = {"pageid", "ns", "title"} | ({"revisions"} if at == 1 else set())
                two[at] = {name: value for name, value in page.items() if name in kept}
            elif at == 1:
                page["revisions"] = []
        if len(two) == 2 and not late:
            return {
                "query": {"pages": two},
                "continue": {"rvcontinue": "x", "gapcontinue": start, "continue": "||info"},
            }
        following = {"continue": {"gapcontinue": start + 2}} if len(self.pages) > start + 2 else {}
        return {"batchcomplete": True, "query": {"pages": two}, **following}

    def asked(self, action: str) -> list[Asked]:
        return [asked for _, asked in self.seen if asked["action"] == action]

    def answers(self, name: str) -> None:
        self.script.append(reply(RECORDED["answers"][name]))


def reply(body: Any, headers: dict[str, str] | None = None) -> Answer:
    return 200, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body)


def gone(id: int) -> dict[str, Any]:
    return RECORDED["missing"] | {"pageid": id}


@pytest.fixture
def wiki() -> Iterator[Wiki]:
    wiki = Wiki()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST"):
            mock.add_callback(method, "https://wiki.example/api.php", callback=wiki)
        yield wiki


@pytest.fixture
def mediawiki(wiki: Wiki) -> Iterator[MediaWiki]:
    connector = MediaWiki(MediaWiki.Config.of(CONNECTION))
    yield connector
    connector.close()


def test_what_the_class_can_do() -> None:
    connector = MediaWiki(MediaWiki.Config.of(CONNECTION))
    assert isinstance(connector, Finds)
    assert not isinstance(connector, Impersonates)
    assert all(MediaWiki.can_write("pages", op) for op in ("create", "update", "delete"))
    assert MediaWiki.streams()["pages"].reports_gone


@pytest.mark.parametrize("wrong", [{"namespace": [0]}, {"namespaces": []}, {"login": "Landbridge"}, {"history": 0}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    name = next(iter(wrong))
    login = wrong.pop("login", "Landbridge@hub")
    with pytest.raises(ConfigError, match=name) as caught:
        MediaWiki.Config.of(
            Connection("wiki", "landbridge_mediawiki", "https://wiki.example", login, SECRET, extra=wrong)
        )
    assert SECRET not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    assert MAPPING.run_examples() == []
    assert MAPPING.writable == {"path", "body"}


def test_recorded_pages_become_valid_claims(wiki: Wiki, mediawiki: MediaWiki) -> None:
    items = list(mediawiki.read("pages"))
    assert isinstance(items[-1], Complete)
    assert isinstance(items[-2], Checkpoint)
    read = natives_of(mediawiki, "pages")
    assert len(read) == len(RECORDED["pages"]) > 2
    for native in read.values():
        assert set(native) == {"pageid", "title", "url", "language", "text", "revid", "user"}
        assert validate("document", MAPPING.into(native).claim)
    assert wiki.logins == 1


def test_check_names_the_account_and_what_it_may_not(wiki: Wiki, mediawiki: MediaWiki) -> None:
    assert (mediawiki.check().name, mediawiki.check().missing) == ("Landbridge", ())
    wiki.userinfo["rights"] = ["read", "edit", "move"]
    wiki.userinfo["blockid"] = 3
    assert mediawiki.check().missing == ("createpage", "delete", "not to be blocked")


def test_a_refused_login_asks_a_person(wiki: Wiki, mediawiki: MediaWiki) -> None:
    wiki.password = "another"
    with pytest.raises(AuthError, match="bot password") as caught:
        mediawiki.check()
    assert SECRET not in str(caught.value)


def test_a_session_that_has_ended_is_opened_anew(wiki: Wiki, mediawiki: MediaWiki) -> None:
    mediawiki.check()
    wiki.token = ""
    assert natives_of(mediawiki, "pages")
    assert wiki.logins == 2
    # A token may change while the session goes on; nobody can sign in twice in one session.
    wiki.token = "fresh+\\"
    wiki.pages.append(made())
    mediawiki.create_page({"title": "Answers/New", "text": "x"}, "lb1")
    assert wiki.logins == 2
    assert wiki.asked("edit")[-1]["token"] == "fresh+\\"


def made(id: int | None = None, **more: Any) -> dict[str, Any]:
    """The page that the recorded answer to an edit names."""
    page = copy.deepcopy(RECORDED["pages"][0])
    return page | {"pageid": id or RECORDED["answers"]["edited"]["edit"]["pageid"], **more}


def test_2_texts_that_come_later_and_other_content_are_seen_to(wiki: Wiki, mediawiki: MediaWiki) -> None:
    wiki.pages = [made(id, title=f"P{id}") for id in range(1, 8)]
    wiki.pages[3]["contentmodel"] = "javascript"
    assert list(natives_of(mediawiki, "pages")) == ["1", "2", "3", "5", "6", "7"]


def test_changes_are_looked_at_and_what_is_gone_is_said(wiki: Wiki, mediawiki: MediaWiki) -> None:
    cursor = {"since": "2026-11-21T21:00:00Z"}
    wiki.changes = [{"type": "log", "pageid": id} for id in (1, 2, 3, 4, 5, 5, 0)]
    wiki.pages = [
        made(1), RECORDED["redirect"] | {"pageid": 2}, made(3, ns=2), made(4, contentmodel="json"),
    ]  # fmt: skip
    items = list(mediawiki.read("pages", cursor))
    assert [item.key for item in items if isinstance(item, Record)] == ["1"]
    assert [item.key for item in items if isinstance(item, Gone)] == ["2", "3", "4", "5"]
    assert items[-1] == Checkpoint({"since": "2026-11-21T21:55:00Z"})
    asked = next(asked for asked in wiki.asked("query") if asked.get("list") == "recentchanges")
    assert (asked["rcstart"], asked["rcdir"]) == (cursor["since"], "newer")


def test_a_change_that_the_wiki_does_not_tell_of_is_not_passed_over(wiki: Wiki, mediawiki: MediaWiki) -> None:
    mediawiki.check()
    wiki.script = [
        reply({"curtimestamp": NOW}), reply({"query": {"recentchanges": [{"pageid": 1}, {"pageid": 2}]}}),
        reply({"batchcomplete": True, "query": {"pages": [made(1)]}}),
    ]  # fmt: skip
    with pytest.raises(IncompleteRead, match="Of 2 pages that changed"):
        list(mediawiki.read("pages", {"since": "2026-11-21T21:00:00Z"}))


def test_2_texts_of_four_answers_are_put_together(wiki: Wiki, mediawiki: MediaWiki) -> None:
    """Those in the middle name the same pages, first and last alike, and each another text."""
    mediawiki.check()
    known = [{name: value for name, value in made(id).items() if name != "revisions"} for id in range(1, 6)]
    bare = [{"pageid": id, "ns": 0, "title": f"P{id}"} for id in range(1, 6)]
    answers = [known, *([one | ({"revisions": made()["revisions"]} if one["pageid"] in ids else {}) for one in bare]
                        for ids in ({2}, {3}, {4}, {1, 5}))]  # fmt: skip
    wiki.script = [reply({"curtimestamp": NOW})]
    for number, pages in enumerate(answers, 1):
        more = {"continue": {"rvcontinue": f"1|{number}", "continue": "||info"}} if number < len(answers) else {}
        wiki.script.append(reply({"query": {"pages": pages}, **more}))
    assert natives_of(mediawiki, "pages").keys() == {"1", "2", "3", "4", "5"}


def test_2_a_text_that_comes_later_is_no_deletion(wiki: Wiki, mediawiki: MediaWiki) -> None:
    mediawiki.check()
    bare = {"pageid": 2, "ns": 0, "title": "P2"}
    later = {"continue": {"rvcontinue": "1|2", "continue": "||info"}}
    wiki.script = [
        reply({"curtimestamp": NOW}),
        reply({"batchcomplete": True, "query": {"recentchanges": [{"pageid": 1}, {"pageid": 2}]}}),
        reply({"query": {"pages": [made(1), {k: v for k, v in made(2).items() if k != "revisions"}]}, **later}),
        reply({"batchcomplete": True, "query": {"pages": [
            {"pageid": 1, "ns": 0, "title": "P1"}, {**bare, "revisions": made(2)["revisions"]},
        ]}}),
    ]  # fmt: skip
    items = list(mediawiki.read("pages", {"since": "2026-11-21T21:00:00Z"}))
    assert [type(item) for item in items] == [Record, Record, Checkpoint]
    # One that has none at all cannot be read, which is not to say that it is gone.
    wiki.script = [
        reply({"curtimestamp": NOW}),
        reply({"batchcomplete": True, "query": {"recentchanges": [{"pageid": 2}]}}),
        reply({"batchcomplete": True, "query": {"pages": [bare]}}),
    ]
    items = list(mediawiki.read("pages", {"since": "2026-11-21T21:00:00Z"}))
    assert [type(item) for item in items] == [Failure, Checkpoint]


def test_many_changes_are_looked_at_in_turns(wiki: Wiki, mediawiki: MediaWiki) -> None:
    wiki.changes = [{"type": "edit", "pageid": id} for id in range(1, 2 * AT_ONCE + 2)]
    wiki.pages = [made(id) for id in range(1, 2 * AT_ONCE + 2)]
    assert len(natives_of(mediawiki, "pages", {"since": "2026-11-21T21:00:00Z"})) == 2 * AT_ONCE + 1
    assert len([asked for asked in wiki.asked("query") if "pageids" in asked]) == 3


@pytest.mark.parametrize("cursor", [{"since": "2026-08-01T00:00:00Z"}, {"since": "x"}, {"id": 4}, "x", 3])
def test_a_cursor_that_is_too_old_or_not_ours_is_expired(mediawiki: MediaWiki, cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        list(mediawiki.read("pages", cursor))


def test_one_bad_page_stops_nobody(wiki: Wiki, mediawiki: MediaWiki) -> None:
    # As when a revision was hidden.
    del wiki.pages[0]["revisions"][0]["slots"]["main"]["content"]
    items = list(mediawiki.read("pages"))
    assert [item.key for item in items if isinstance(item, Failure)] == [str(RECORDED["pages"][0]["pageid"])]
    assert len([item for item in items if isinstance(item, Record)]) == len(RECORDED["pages"]) - 1
    assert isinstance(items[-1], Complete)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("articleexists", RecordError), ("missingtitle", NotFound), ("nosuchpageid", NotFound),
        ("permissiondenied", ScopeError), ("editconflict", RecordError),
    ],
)  # fmt: skip
def test_refusals_are_named(wiki: Wiki, mediawiki: MediaWiki, name: str, error: type[LandbridgeError]) -> None:
    wiki.pages.append(made())
    mediawiki.check()
    wiki.script.append(reply({"query": RECORDED["titles"]["Answers/New"]}))
    wiki.answers(name)
    with pytest.raises(error) as caught:
        mediawiki.create_page({"title": "Answers/New", "text": "x"}, "lb1")
    assert "Anna" not in str(caught.value)


def test_a_rate_limit_is_waited_for_or_handed_on(wiki: Wiki, mediawiki: MediaWiki) -> None:
    mediawiki.check()
    wiki.script.append(reply(RECORDED["answers"]["ratelimited"], {"Retry-After": "0"}))
    assert natives_of(mediawiki, "pages")
    wiki.script.append(reply(RECORDED["answers"]["ratelimited"], {"Retry-After": "600"}))
    with pytest.raises(RateLimited) as caught:
        mediawiki.check()
    assert caught.value.after == 600


@pytest.mark.parametrize("title", ["A|B", "Help: x", "wikipedia:x", "Answers/#1", "C# or D", ""])
def test_a_path_that_is_no_title_is_refused_with_a_remedy(wiki: Wiki, mediawiki: MediaWiki, title: str) -> None:
    wiki_says = RECORDED["titles"].get(title) or ({} if not title else None)
    if wiki_says is not None:
        mediawiki.check()
        wiki.script.append(reply({"query": wiki_says}))
    with pytest.raises(RecordError) as caught:
        mediawiki.create_page({"title": title, "text": "x"}, "lb1")
    assert caught.value.remedy
    assert not wiki.asked("edit")


def test_a_page_is_sent_once_and_found_after_an_uncertain_outcome(wiki: Wiki, mediawiki: MediaWiki) -> None:
    native = {"title": "Answers/New", "text": "x"}
    mediawiki.check()
    wiki.script += [reply({"query": RECORDED["titles"]["Answers/New"]}), requests.ConnectionError("broken")]
    with pytest.raises(TransientError) as caught:
        mediawiki.create_page(native, "lb17")
    assert caught.value.uncertain
    assert len(wiki.asked("edit")) == 1
    assert wiki.asked("edit")[0]["summary"] == "By Landbridge (landbridge:lb17)"
    assert mediawiki.find("pages", native, "lb17") is None
    revision = copy.deepcopy(RECORDED["pages"][0]["revisions"][0]) | {"comment": "By Landbridge (landbridge:lb17)"}
    wiki.pages.append(made(title="Answers/New", revisions=[revision]))
    found = mediawiki.find("pages", native, "lb17")
    assert found is not None
    assert found["title"] == "Answers/New"
    assert mediawiki.find("pages", native, "lb1") is None
    markers = {item.key: item.marker for item in mediawiki.read("pages") if isinstance(item, Record)}
    assert markers[str(found["pageid"])] == "lb17"


def test_an_update_names_the_revision_it_was_made_for(wiki: Wiki, mediawiki: MediaWiki) -> None:
    revisions = [RECORDED["pages"][0]["revisions"][0] | {"revid": 70, "user": "Landbridge"}]
    wiki.pages = [made(5, revisions=revisions)]
    mediawiki.update_page("5", {"text": "y"}, "lb1")
    mediawiki.update_page("5", {"text": "y"}, "lb1", version="66")
    assert [asked["baserevid"] for asked in wiki.asked("edit")] == ["70", "66"]
    assert all("nocreate" in asked for asked in wiki.asked("edit"))
    # A person wrote last: what Landbridge wrote before is what its text is based on.
    wiki.pages = [made(5, revisions=[revisions[0] | {"revid": 71, "user": "Anna Müller"}])]
    wiki.script = [
        reply({"query": {"pages": wiki.pages}}),
        reply({"query": {"pages": [{"pageid": 5, "revisions": [{"revid": 70}]}]}}),
    ]
    mediawiki.update_page("5", {"text": "z"}, "lb1")
    assert wiki.asked("edit")[-1]["baserevid"] == "70"


def test_a_changed_path_moves_the_page(wiki: Wiki, mediawiki: MediaWiki) -> None:
    wiki.pages = [made(5)]
    mediawiki.update_page("5", {"title": "Answers/New"}, "lb1")
    assert (wiki.asked("move")[0]["fromid"], wiki.asked("move")[0]["to"]) == ("5", "Answers/New")
    assert not wiki.asked("edit")


def test_what_is_not_there_is_gone_or_missing(wiki: Wiki, mediawiki: MediaWiki) -> None:
    with pytest.raises(NotFound):
        mediawiki.update_page("99", {"text": "x"}, "lb1")
    wiki.answers("nosuchpageid")
    mediawiki.delete_page("99", "lb1")
    with pytest.raises(RecordError, match="empty"):
        mediawiki.create_page({"title": "Answers/New", "text": " \n"}, "lb1")


def test_an_edit_that_a_filter_keeps_back_is_set_aside(wiki: Wiki, mediawiki: MediaWiki) -> None:
    mediawiki.check()
    wiki.script = [reply({"query": RECORDED["titles"]["Answers/New"]}), reply({"edit": {"result": "Failure"}})]
    with pytest.raises(RecordError, match="did not take"):
        mediawiki.create_page({"title": "Answers/New", "text": "x"}, "lb1")


def test_a_tag_is_put_on_edits_where_the_connection_names_one(wiki: Wiki) -> None:
    connector = MediaWiki(MediaWiki.Config(host="https://wiki.example", login="a@b", password=SECRET, tag="landbridge"))  # type: ignore[arg-type]
    wiki.pages = [made(5)]
    connector.update_page("5", {"text": "x"}, "lb1")
    connector.close()
    assert wiki.asked("edit")[0]["tags"] == "landbridge"


def test_no_secret_in_logs_and_errors(wiki: Wiki, mediawiki: MediaWiki, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mediawiki.check()
    for answer in (
        reply({"error": {"code": "internal_api_error_X", "info": f"{SECRET} Anna"}}),
        reply({"error": {"code": f"strange {SECRET}", "info": "Anna"}}),
        (403, {}, f"{SECRET} Anna"),
    ):
        wiki.script = [reply({"query": RECORDED["titles"]["Answers/New"]}), answer]
        with pytest.raises(LandbridgeError) as caught:
            mediawiki.create_page({"title": "Answers/New", "text": "Anna Müller said"}, "lb1")
        assert SECRET not in str(caught.value)
        assert "Anna" not in str(caught.value)
    assert SECRET not in caplog.text
    assert "Anna" not in caplog.text
    assert SECRET not in repr(mediawiki.config)
