"""MediaWiki: what editors write by hand, and what is written for them."""

from __future__ import annotations

import pytest

from landbridge.richtext import from_markup, to_markup
from tests.richtext.documents import names

NAMES = names("wikitext")


@pytest.mark.parametrize(
    ("wikitext", "body"),
    [
        ("== A ==\ntext\nmore\n\nnext", "## A\n\ntext more\n\nnext"),
        ("====== six ======", "###### six"),
        ("===", "# ="),
        ("'''b''' ''i'' '''''both'''''", "**b** _i_ **_both_**"),
        ("'''open\nnext", "**open** next"),
        ("l'''a''' and ''''x'''", "l**a** and '**x**"),
        ("* a\n* b\n** c\n*# d\n# e", "- a\n\n- b\n\n  - c\n\n  1. d\n\n1. e"),
        (": a\n:: b", "> a\n>\n> > b"),
        ("; term\n: meaning", "**term**\n\n> meaning"),
        ("[https://a.test/ label] [https://a.test/] https://a.test/.", "[label](https://a.test/) <https://a.test/> <https://a.test/>."),
        ("[[Main Page]] [[main_Page#x|y]]", "[Main Page](wiki:Main_Page) [y](wiki:main_Page%23x)"),
        ("[[File:A b.png|thumb|200px|A ''cat'']]", "[A _cat_](wiki:File:A_b.png)"),
        ("[[Category:X]]", "[Category:X](wiki:Category:X)"),
        ("[[a|[[b]]]]", "[b](wiki:b)"),
        ("[[open|x", "\\[\\[open|x"),
        ("{{Box|a=1|b=[[x]]}} y {{{arg}}}", "{{Box|a=1|b=\\[\\[x\\]\\]}} y {{{arg}}}"),
        ("<nowiki>''x''</nowiki> &lt;b&gt; &amp;lt;", "''x'' \\<b> \\&lt;"),
        ("<code>a  <nowiki>''</nowiki></code> <s>x</s>", "`a  ''` ~~x~~"),
        ("<pre>\na &lt; b\n</pre>", "```\na < b\n```"),
        ("<syntaxhighlight lang=\"py\">\nx = 1 < 2 &lt;\n</syntaxhighlight>", "```py\nx = 1 < 2 &lt;\n```"),
        (" pre\n formatted\ntext", "```\npre\nformatted\n```\n\ntext"),
        ("a<!-- hidden -->b<br/>c", "ab\\\nc"),
        ("----\nx", "___\n\nx"),
        ("fact<ref>source ''x''</ref>.", "fact (source _x_)."),
        ("__NOTOC__ __init__", "\\_\\_init\\_\\_"),
        ("<blockquote>\na\n\n* b\n</blockquote>\nc", "> a\n>\n> - b\n\nc"),
        ("a <foo> </bar> <b>c", "a \\<foo> \\</bar> **c**"),
        ("#REDIRECT [[X]]", "1. REDIRECT [X](wiki:X)"),
    ],
)  # fmt: skip
def test_what_editors_write(wikitext: str, body: str) -> None:
    assert from_markup(wikitext, "wikitext").text == body


TABLE = """{| class="wikitable" style="x"
|+ Caption
! scope="col" | a !! b
|-
| 1 || style="text-align:right" | 2
|-
| colspan="2" | '''x''' | y
|
* list
* in cell
|}
after"""


def test_tables() -> None:
    body = from_markup(TABLE, "wikitext")
    assert body.text == ("Caption\n\n| a | b |\n| --- | --: |\n| 1 | 2 |\n| **x** \\| y | list in cell |\n\nafter")
    assert body.lossy == ("merged cells shown apart", "block shown in one line (3 times)")


def test_a_link_whose_text_begins_with_a_no_break_space_keeps_it() -> None:
    """As it is, MediaWiki would drop it; tests/richtext/test_richtext_server.py met it."""
    shown = to_markup("a[\u00a0b](https://a.test/)", "wikitext").text
    assert shown == "a[https://a.test/ &#160;b]"
    assert from_markup(shown, "wikitext").text == "a[\u00a0b](https://a.test/)"


def test_a_table_written_by_us_is_plain_wikitext() -> None:
    shown = to_markup("| a | b |\n| --- | :-: |\n| 1 \\| 2 | - |\n| x |", "wikitext").text
    assert shown == (
        '{| class="wikitable"\n! a\n! style="text-align:center" | b\n|-\n| 1 &#124; 2\n'
        '| style="text-align:center" | -\n|-\n| x\n|}'
    )


def test_simple_lists_are_lines_and_others_html() -> None:
    assert to_markup("- a\n  1. b\n- c", "wikitext").text == "* a\n*# b\n* c"
    assert to_markup("3. a", "wikitext").text == '<ol start="3">\n<li>\n<p>a</p>\n</li>\n</ol>'
    assert (
        to_markup("- a\n\n  ```\n  b\n  ```", "wikitext").text
        == "<ul>\n<li>\n<p>a</p>\n\n<pre>\nb\n</pre>\n</li>\n</ul>"
    )


def test_mentions_are_user_pages_and_categories() -> None:
    shown = to_markup("@{person:0190-a} in #{space:s1} @{person:x}", "wikitext", NAMES)
    assert shown.text == "[[User:Name 7|Ann *O'Neil*]] in [[:Category:Name 7|News &#91;1&#93;]] @unknown"
    assert shown.lossy == ("mention shown as name",)
    assert from_markup("[[user:Name_7]] [[User:Other|o]] [[:category:Name 7|x]]", "wikitext", NAMES).text == (
        "@{person:0190-a} [o](wiki:User:Other) #{space:s1}"
    )


def test_templates_are_shown_as_text_and_counted() -> None:
    assert from_markup("{{a}} {{b|{{c}}}} {{open", "wikitext").lossy == ("template shown as text (2 times)",)


def test_wiki_links_are_text_elsewhere_and_counted() -> None:
    body = from_markup("[[Main Page]]", "wikitext").text
    assert to_markup(body, "wikitext").text == "[[Main Page]]"
    shown = to_markup(body, "matrix-html")
    assert (shown.text, shown.lossy) == ("Main Page", ("link shown as text",))
