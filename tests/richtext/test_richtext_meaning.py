"""Text means itself everywhere, and none is lost; read back by other people's parsers, not by ours."""

from __future__ import annotations

import re

import mwparserfromhell
import pytest
from bs4 import BeautifulSoup
from hypothesis import assume, given, settings
from markdown_it import MarkdownIt

from landbridge.richtext import MARKUPS, from_markup, to_markup
from landbridge.richtext.tree import clean
from tests.richtext.documents import PEOPLE, bodies, comes_whole, plain_text, words

_MENTION = re.compile("@\\{person:(?:" + "|".join(map(re.escape, PEOPLE)) + ")\\}")
HTML = ("matrix-html", "wordpress-html", "html")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def squeezed(text: str) -> str:
    return " ".join(clean(text).split())


def seen_in_html(html: str) -> str:
    """What a browser shows: the text, line ends where elements divide it, and pictures' names."""
    soup = BeautifulSoup(f"<div>{html}</div>", "html.parser")
    for image in soup.find_all("img"):
        image.replace_with(str(image.get("alt", "")))
    for element in soup.find_all(["br", "hr"]):
        element.replace_with("\n")
    return soup.get_text()


def seen_in_wikitext(text: str) -> str:
    code = mwparserfromhell.parse(text.replace("<br>", " "))
    return str(code.strip_code(normalize=True, collapse=False))


@settings(deadline=None)
@given(plain_text)
def test_plain_text_means_itself_in_the_canonical_body(text: str) -> None:
    body = from_markup(text, "plain").text
    assert squeezed(seen_in_html(_MARKDOWN.render(body))) == squeezed(text)


@pytest.mark.parametrize("markup", MARKUPS)
@settings(deadline=None)
@given(plain_text)
def test_plain_text_is_shown_without_loss_and_understood_again(markup: str, text: str) -> None:
    body = from_markup(text, "plain").text
    assume(comes_whole(markup, body))
    shown = to_markup(body, markup)
    assert shown.lossy == ()
    assert from_markup(shown.text, markup).text == body
    assert squeezed(shown.plain) == squeezed(text)


@pytest.mark.parametrize("markup", HTML)
@settings(deadline=None)
@given(plain_text)
def test_plain_text_means_itself_in_html(markup: str, text: str) -> None:
    shown = to_markup(from_markup(text, "plain").text, markup).text
    assert squeezed(seen_in_html(shown)) == squeezed(text)


@settings(deadline=None)
@given(plain_text)
def test_plain_text_means_itself_in_wikitext(text: str) -> None:
    shown = to_markup(from_markup(text, "plain").text, "wikitext").text
    assert squeezed(seen_in_wikitext(shown)) == squeezed(text)


@pytest.mark.parametrize("markup", [*HTML, "wikitext"])
@settings(deadline=None)
@given(words)
def test_no_construct_but_links_comes_from_plain_text(markup: str, text: str) -> None:
    shown = to_markup(from_markup(text, "plain").text, markup).text
    if markup == "wikitext":
        code = mwparserfromhell.parse(shown)
        tags = {str(tag.tag).lower() for tag in code.filter_tags()}
        assert not code.filter_templates() + code.filter_wikilinks() + code.filter_arguments() + code.filter_headings()
    else:
        tags = {tag.name for tag in BeautifulSoup(f"<p>{shown}</p>", "html.parser").find_all()}
    assert tags <= {"p", "br", "a"}


@pytest.mark.parametrize("markup", [*HTML, "plain"])
@settings(deadline=None)
@given(bodies)
def test_no_text_of_a_document_is_lost(markup: str, body: str) -> None:
    """Letters and digits in their order: of text, code, labels and names of pictures."""
    shown = to_markup(body, markup).text
    seen = shown if markup == "plain" else seen_in_html(shown)
    wanted = iter(re.findall(r"\w", seen_in_html(_MARKDOWN.render(_MENTION.sub("(unknown)", body)))))
    left = next(wanted, None)
    for char in re.findall(r"\w", seen):
        if char == left:
            left = next(wanted, None)
    assert left is None


@pytest.mark.parametrize(
    ("text", "wikitext"),
    [
        ("{{delete}}", "&#123;&#123;delete&#125;&#125;"),
        ("[[Main Page]]", "&#91;&#91;Main Page&#93;&#93;"),
        ("~~~~", "&#126;&#126;&#126;&#126;"),
        ("__NOTOC__", "&#95;&#95;NOTOC&#95;&#95;"),
        ("RFC 2822 and ISBN 3", "RF&#67; 2822 and ISB&#78; 3"),
        ("irc://x and mailto:y", "irc&#58;//x and mailto&#58;y"),
        ("* no list", "&#42; no list"),
        (": no indent", "&#58; no indent"),
        ("== no heading ==", "&#61;= no heading =="),
        ("----", "&#45;---"),
        ("it's l''air", "it's l&#39;&#39;air"),
        ("{|", "&#123;&#124;"),
        ("#REDIRECT [[x]]", "&#35;REDIRECT &#91;&#91;x&#93;&#93;"),
    ],
)
def test_what_mediawiki_would_act_on_is_spelt_so_that_it_does_not(text: str, wikitext: str) -> None:
    assert to_markup(from_markup(text, "plain").text, "wikitext").text == wikitext


def test_a_chat_message_cannot_call_a_shortcode() -> None:
    shown = to_markup(from_markup('[gallery ids="1"] [x]', "matrix-html").text, "wordpress-html").text
    assert shown == '<p>&#91;gallery ids="1"&#93; &#91;x&#93;</p>'


def test_a_person_cannot_type_a_mention() -> None:
    for markup in MARKUPS:
        body = from_markup("@{person:0190} #{space:1}", markup).text
        assert body == "@\\{person:0190} #\\{space:1}"
