from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    IncompleteRead,
    RateLimited,
    RecordError,
    TransientError,
)
from landbridge.http import (
    Answer,
    ContinuePages,
    CursorPages,
    KeysetPages,
    LinkPages,
    Meaning,
    Meanings,
    NumberedPages,
    ODataPages,
    OffsetPages,
    SinglePage,
    get_path,
    read_pages,
)

BASE = "https://x.test/api"


def answer(body, headers=None):
    return Answer(200, headers or {}, json.dumps(body).encode(), BASE)


def rows(count):
    return [{"id": n} for n in range(count)]


class Numbered:
    """A system of n items: pages, capped at `cap` below what is asked for."""

    def __init__(self, count, cap=1000, totals=True):
        self.all, self.cap, self.totals, self.asked = rows(count), cap, totals, 0

    def __call__(self, params, link):
        self.asked += 1
        size = min(self.cap, int(params["per_page"]))
        at = (int(params["page"]) - 1) * size
        headers = {"X-Pages": str(-(-len(self.all) // size)), "X-Total": str(len(self.all))} if self.totals else {}
        return answer(self.all[at : at + size], headers)


class Offset(Numbered):
    def __call__(self, params, link):
        self.asked += 1
        size, at = min(self.cap, int(params["count"])), int(params["startIndex"]) - 1
        return answer({"totalResults": len(self.all), "Resources": self.all[at : at + size]})


class Cursor(Numbered):
    def __call__(self, params, link):
        self.asked += 1
        at = int(params.get("cursor") or 0)
        end = at + min(self.cap, params["limit"])
        token = f"{end:05}" if end < len(self.all) else ""
        return answer({"members": self.all[at:end], "meta": {"next": token}})


class Linked(Numbered):
    def __call__(self, params, link):
        self.asked += 1
        at = int(link.rpartition("=")[2]) if link else 0
        end = at + self.cap
        body = {"value": self.all[at:end]}
        body |= {"@odata.nextLink": f"{BASE}?at={end}"} if end < len(self.all) else {"@odata.deltaLink": f"{BASE}/d=9"}
        header = {"Link": f'<{BASE}>; rel="first", </api?at={end}>; rel="next"'} if end < len(self.all) else {}
        return answer(body, header)


KINDS = {
    "numbered": (Numbered, NumberedPages(size=7)),
    "numbered, total": (Numbered, NumberedPages(size=7, total_header="X-Pages", count_header="X-Total")),
    "offset": (Offset, OffsetPages("startIndex", "count", 7, 1, items="Resources", total="totalResults")),
    "cursor": (Cursor, CursorPages("cursor", "meta.next", size_param="limit", size=7, items="members")),
    "odata": (Linked, ODataPages()),
    "link": (Linked, LinkPages(items="value")),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(count=st.integers(0, 60), cap=st.integers(1, 9), resume=st.integers(0, 9))
def test_every_item_comes_once_also_when_resumed(kind, count, cap, resume):
    system, pages = KINDS[kind]
    whole = list(read_pages(system(count, cap), pages))
    assert [item for page in whole for item in page.items] == rows(count)
    assert [page.last for page in whole] == [False] * (len(whole) - 1) + [True]
    if resume < len(whole) - 1:
        before = [item for page in whole[: resume + 1] for item in page.items]
        after = read_pages(system(count, cap), pages, start=whole[resume].cursor)
        assert before + [item for page in after for item in page.items] == rows(count)


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.text("ab.0", max_size=3), inner, max_size=3), max_leaves=8), st.text("ab.01-", max_size=8))  # fmt: skip
def test_get_path_never_fails(found, path):
    get_path(found, path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", {"a": {"b": [{"c": 1}, {"c": 2}]}, "@odata.count": 5}), ("a.b.0.c", 1), ("a.b.-1.c", 2), ("a.b.7.c", None),
        ("a.b.--1", None),
     ("a.x.y", None), ("@odata.count", 5), ("a.b.c", None), ("a.b.0.c.d", None)],
)  # fmt: skip
def test_get_path(path, expected):
    assert get_path({"a": {"b": [{"c": 1}, {"c": 2}]}, "@odata.count": 5}, path) == expected


def test_totals_save_the_empty_page():
    system = Numbered(14)
    list(read_pages(system, KINDS["numbered, total"][1]))
    assert system.asked == 2


def test_a_delta_link_is_where_a_later_read_goes_on():
    last = list(read_pages(Linked(5, 2), ODataPages()))[-1]
    seen = []

    def later(params, link):
        seen.append((dict(params), link))
        return answer({"value": [], "@odata.deltaLink": f"{BASE}/d=10"})

    (page,) = read_pages(later, ODataPages(), params={"$select": "id"}, start=last.cursor)
    assert seen == [({}, f"{BASE}/d=9")] and page.last and page.cursor


def test_a_token_without_more_is_where_a_later_read_goes_on():
    pages = CursorPages("since", "next_batch", more="limited", items="events")
    (page,) = read_pages(
        lambda params, link: answer({"events": [{"id": 1}], "next_batch": "s2", "limited": False}), pages
    )
    seen = []

    def later(params, link):
        seen.append(dict(params))
        return answer({"events": [], "next_batch": "s3", "limited": False})

    list(read_pages(later, pages, params={"filter": "f"}, start=page.cursor))
    assert page.last and seen == [{"filter": "f", "since": "s2"}]


def test_more_without_a_token_is_an_incomplete_read():
    pages = CursorPages("cursor", "next", more="has_more", items="x")
    with pytest.raises(IncompleteRead, match="announces another page"):
        list(read_pages(lambda params, link: answer({"x": [], "has_more": True}), pages))


def test_mediawiki_goes_on_by_merging():
    script = [
        {"continue": {"rccontinue": "a|1", "continue": "-||"}, "query": {"pages": {"7": {"id": 7}, "8": {"id": 8}}}},
        {"continue": {"continue": "x"}, "query": {"pages": {"9": {"id": 9}}}},
        {"batchcomplete": ""},
    ]
    asked = []

    def fetch(params, link):
        asked.append(dict(params))
        return answer(script.pop(0))

    found = list(read_pages(fetch, ContinuePages(items="query.pages"), params={"action": "query"}))
    assert [item["id"] for page in found for item in page.items] == [7, 8, 9]
    assert asked == [
        {"action": "query"},
        {"action": "query", "rccontinue": "a|1", "continue": "-||"},
        {"action": "query", "continue": "x"},
    ]


def test_bare_ids_are_wrapped():
    (page,) = read_pages(lambda params, link: answer({"ids": ["U1"]}), SinglePage(items="ids", wrap="id"))
    assert page.items == [{"id": "U1"}] and page.cursor is None and page.last


def test_a_page_may_be_something_else_than_json():
    class Lines(SinglePage):
        def parsed(self, answer):
            return answer.rows

    text = 'id,said\n1,"two\nlines, and ""quotes"""\n2,\n'
    (page,) = read_pages(lambda params, link: Answer(200, {}, text.encode(), BASE), Lines())
    assert page.items == [{"id": "1", "said": 'two\nlines, and "quotes"'}, {"id": "2", "said": ""}]


# --- what must not pass as a whole read


@pytest.mark.parametrize("body", [{}, {"error": "x"}, {"items": None}, {"items": 3}, {"items": ["a"]}, [], None])
def test_a_missing_list_is_no_empty_list(body):
    with pytest.raises(IncompleteRead, match="expected"):
        list(read_pages(lambda params, link: answer(body), SinglePage(items="items")))


def test_a_list_may_be_left_out_where_that_is_known():
    (page,) = read_pages(lambda params, link: answer({}), SinglePage(items="items", optional=True))
    assert page.items == []
    (page,) = read_pages(lambda params, link: answer({"total": 0}), SinglePage(items="items", total="total"))
    assert page.items == []


def test_a_page_that_comes_twice():
    with pytest.raises(IncompleteRead, match="came twice"):
        list(read_pages(lambda params, link: answer(rows(7)), NumberedPages(size=7)))


def test_numbered_pages_that_take_turns():
    """Without end, if nobody noticed; here the third round would be an empty page."""
    turns = iter([answer([{"id": n}]) for n in (1, 2, 1, 2)] + [answer([])])
    with pytest.raises(IncompleteRead, match="came twice"):
        list(read_pages(lambda params, link: next(turns), NumberedPages(size=1)))


def test_paging_in_a_circle():
    turn = iter(range(1000))

    def fetch(params, link):
        n = next(turn)
        return answer({"x": [{"id": n}], "next": "ab"[n % 2]})

    with pytest.raises(IncompleteRead, match="circle"):
        list(read_pages(fetch, CursorPages("c", "next", items="x")))
    assert next(turn) == 3


def test_a_circle_of_empty_pages():
    with pytest.raises(IncompleteRead, match="circle"):
        list(read_pages(lambda params, link: answer({"x": [], "next": "a"}), CursorPages("c", "next", items="x")))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_short_read_against_the_declared_total(size):
    def fetch(params, link):
        at = int(params["offset"])
        return answer({"total": 10, "x": rows(6)[at : at + size]})

    with pytest.raises(IncompleteRead, match="6 items came of 10"):
        list(read_pages(fetch, OffsetPages(items="x", total="total")))


def test_a_resumed_read_counts_what_came_before():
    def fetch(params, link):
        at = int(params["offset"])
        return answer({"total": 4, "x": rows(4)[at : at + 1 if at == 2 else at + 2]})

    pages = OffsetPages(items="x", total="total")
    first = next(read_pages(fetch, pages))
    assert [len(page.items) for page in read_pages(fetch, pages, start=first.cursor)] == [1, 1]


def test_a_total_that_falls_while_reading():
    totals = iter([5, 4])

    def fetch(params, link):
        at = int(params["offset"])
        return answer({"total": next(totals), "x": rows(5)[at : at + 2]})

    with pytest.raises(IncompleteRead, match="fell from 5 to 4"):
        list(read_pages(fetch, OffsetPages(items="x", total="total")))


@pytest.mark.parametrize("headers", [{}, {"X-Pages": "many"}, {"X-Pages": ""}])
def test_a_declared_total_header_must_come(headers):
    with pytest.raises(IncompleteRead, match="X-Pages"):
        list(read_pages(lambda params, link: answer(rows(1), headers), NumberedPages(total_header="X-Pages")))


@pytest.mark.parametrize("cursor", ["", "x", "[]", "{}", '{"params":1,"url":null,"seen":0}'])
def test_a_foreign_cursor_counts_as_expired(cursor):
    with pytest.raises(ExpiredCursor):
        next(read_pages(lambda params, link: answer([]), SinglePage(), start=cursor))


# --- with the client


def test_pages_of_a_real_server(server, client):
    link = {"Link": f'<{server.url}/posts?page=2>; rel="next"'}
    server.says(body=rows(2), **link)
    server.says(body=[{"id": 5}])
    found = list(client.pages("posts", LinkPages(size_param="per_page"), params={"after": "x"}))
    assert [len(page.items) for page in found] == [2, 1]
    assert [seen.query for seen in server.seen] == [{"after": "x", "per_page": "100"}, {"page": "2"}]


def test_a_relative_link_is_resolved_against_its_answer(server, make):
    server.says(body={"x": rows(1), "next": "?at=2"})
    server.says(body={"x": [], "next": None})
    list(make("/api").pages("items", LinkPages(path="next", items="x")))
    assert (server.seen[1].path, server.seen[1].query) == ("/api/items", {"at": "2"})


def test_one_bad_page_is_asked_for_again(server, client):
    server.says(body=b"<html>busy</html>", Content_Type="text/html")
    server.says(500)
    server.says(body=rows(3))
    assert [len(page.items) for page in client.pages("x", SinglePage())] == [3]


def test_html_for_ever_is_an_error(server, client, reply):
    server.default = reply(body=b"<html>busy</html>", headers={"Content-Type": "text/html"})
    with pytest.raises(TransientError, match="text/html"):
        list(client.pages("x", SinglePage()))


def test_a_next_link_to_another_host_is_refused(server, other, client):
    server.says(body=rows(1), Link=f'<{other.url}/x>; rel="next"')
    read = client.pages("x", LinkPages())
    assert next(read).items == rows(1)
    with pytest.raises(ConfigError, match="another host"):
        next(read)
    assert not other.seen


def test_a_next_link_that_is_no_address(server, client):
    server.says(body=rows(1), Link='<http://[x>; rel="next"')
    with pytest.raises(IncompleteRead, match="no address"):
        next(client.pages("x", LinkPages()))


def test_an_expired_cursor_is_named(server, client):
    cursor = list(read_pages(Linked(1), ODataPages()))[-1].cursor.replace(BASE, server.url)
    server.says(410)
    with pytest.raises(ExpiredCursor):
        list(client.pages("users/delta", ODataPages(), start=cursor))


def test_a_search_by_post_pages_in_its_body(server, client):
    server.says(body={"results": rows(1), "paging": {"next": {"after": "k"}}})
    server.says(500)
    server.says(body={"results": [{"id": 9}]})
    pages = CursorPages("after", "paging.next.after", items="results")
    assert len(list(client.pages("search", pages, json={"q": 1}, params={"v": 3}))) == 2
    assert [(seen.method, json.loads(seen.body), seen.query) for seen in server.seen[1:]] == [
        ("POST", {"q": 1, "after": "k"}, {"v": "3"})
    ] * 2


def after(key):
    return {"where": f"id > {key or 0}", "order": "id"}


def test_keyset_pages_ask_for_what_follows_the_last_key():
    held, asked = [{"id": str(number)} for number in (2, 9, 10, 11)], []

    def fetch(params, link):
        asked.append(dict(params))
        last = int(params["where"].removeprefix("id > "))
        return answer({"items": [one for one in held if int(one["id"]) > last][:2]})

    pages = KeysetPages(items="items", query=after)
    assert [item for page in read_pages(fetch, pages, params={"fields": "id"}) for item in page.items] == held
    assert asked == [{"fields": "id", **after(key)} for key in (None, "9", "11")]


@pytest.mark.parametrize("ids", [[2, 1], [None, 2, 1], [1, None], [1, "x"]])
def test_keyset_pages_out_of_order_are_not_trusted(ids):
    with pytest.raises(IncompleteRead):
        list(read_pages(lambda params, link: answer([{"id": id} for id in ids]), KeysetPages(query=after)))


def test_a_record_without_its_key_does_not_end_keyset_pages():
    found = [[{"id": 1}, {}, {"id": 2}], []]
    pages = read_pages(lambda params, link: answer(found.pop(0)), KeysetPages(query=after))
    assert [item for page in pages for item in page.items] == [{"id": 1}, {}, {"id": 2}]


def test_a_code_means_what_the_table_says_and_nothing_else():
    meanings = Meanings(Meaning(RecordError, "taken", "the name is taken.", "Use another."))
    refusal = answer({})
    assert str(meanings.of(refusal, "taken")) == f"{refusal.where}: the name is taken. Use another."
    assert [meanings.of(refusal, code) for code in ("other", None, ["taken"])] == [None] * 3


def test_a_table_of_meanings_maps_errors_by_word_then_by_status_and_knows_how_long_to_wait():
    meanings = Meanings(
        Meaning(RecordError, "409 taken", "it is taken ({})."),
        Meaning(RateLimited, "flood slow", after=15),
        Meaning(AuthError, "locked", remedy="Unlock it."),
        said="no: {}.",
    )

    def told(status, word, **headers):
        return meanings(Answer(status, headers, json.dumps({"code": word}).encode(), where="GET x"))

    assert str(told(400, "taken")) == "GET x: it is taken (taken)."
    assert str(told(409, "new")) == "GET x: it is taken (409)."
    assert (told(200, "taken"), told(400, "new")) == (None, None)
    assert (told(400, "flood").after, told(429, "slow", **{"Retry-After": "3"}).after) == (15, 3)
    locked = told(403, "locked")
    assert (str(locked), locked.code) == ("GET x: no: locked. Unlock it.", "locked")
