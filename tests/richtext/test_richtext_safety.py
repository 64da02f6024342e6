"""Nothing that runs passes, in either direction, whatever is sent."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given, settings
from hypothesis import strategies as st

from landbridge.richtext import MARKUPS, from_markup, normal, to_markup
from tests.richtext.documents import SIGNS

HTML = ("matrix-html", "wordpress-html", "html")
TAGS = set(
    "p br hr h1 h2 h3 h4 h5 h6 blockquote ul ol li pre code strong em del a img table thead tbody tr th td".split(" ")
)
ATTRIBUTES = {"href", "src", "alt", "start", "class", "align"}
SCHEMES = {"http", "https", "mailto", "ftp", "tel", "xmpp", "mxc", ""}

ATTACKS = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\" &#14; javascript:alert(1)\">x</a>",
    "<a href=\"java\nscript:alert(1)\">x</a>",
    "<a href=\"java&#x09;script&colon;alert(1)\">x</a>",
    "<a href=\"JaVaScRiPt&#58;alert(1)\">x</a>",
    "<a href=\"vbscript:x\">x</a><a href=\"data:text/html;base64,PHNjcmlwdD4=\">x</a>",
    "<a href=\"\u200bjavascript:alert(1)\">x</a>",
    "<a href=\"//evil.test\" onclick=alert(1) style=\"x:expression(1)\" ping=\"//evil\">x</a>",
    "<iframe src=\"javascript:alert(1)\"></iframe><iframe srcdoc=\"<script>1</script>\">",
    "<object data=\"data:text/html,x\"></object><embed src=\"javascript:1\">",
    "<form action=javascript:1><button formaction=javascript:1>x</button></form>",
    "<base href=\"javascript:\"><meta http-equiv=refresh content=\"0;url=javascript:1\"><link rel=stylesheet href=x>",
    "<style>@import 'javascript:1'</style>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
    "<template><script>1</script></template><xmp><script>1</script></xmp><plaintext><script>1",
    "<textarea></textarea><script>1</script>",
    "<!--[if IE]><script>1</script><![endif]--><?php system(1) ?><% 1 %>",
    "<img src=\"javascript:1\"><img src=\"mxc://a/b\" alt='\" onload=\"1'>",
    "<code class=\"language-x&quot; onload=&quot;1\">x</code><pre class='language-\"onload'>x</pre>",
    "[x](javascript:alert(1)) [x](<java script:1>) [x]: javascript:1 <javascript:alert(1)> ![x](data:text/html,1)",
    "[x](&#106;avascript:alert(1)) [x](%6Aavascript:alert(1)) [x](JAVASCRIPT&colon;1)",
    "[javascript:alert(1) x] [[javascript:1|x]] [//evil x] <ref name=\"<script>\">x</ref> {{#tag:script|1}}",
    "<nowiki><script>1</script></nowiki> <html><script>1</script></html> <pre onclick=1>x</pre> <b onclick=1>x</b>",
    "''<script>''1''</script>'' {| onclick=1\n| onclick=1 | x\n|}",
]  # fmt: skip


def assert_harmless(html: str) -> None:
    for tag in BeautifulSoup(f"<p>{html}</p>", "html.parser").find_all():
        assert tag.name in TAGS
        assert set(tag.attrs) <= ATTRIBUTES, tag.attrs
        for attribute in ("href", "src"):
            address = str(tag.get(attribute, ""))
            head = address.split("/")[0].split("?")[0].split("#")[0]
            assert (head.partition(":")[0].lower() if ":" in head else "") in SCHEMES, address


def assert_harmless_everywhere(body: str) -> None:
    for markup in HTML:
        assert_harmless(to_markup(body, markup).text)
    wikitext = re.sub("(?s)<pre.*?</pre>", "", to_markup(body, "wikitext").text.lower())
    assert "<script" not in wikitext
    assert not re.search(r"(?<!\[)\[javascript:", wikitext)  # a page may be called so


@pytest.mark.parametrize("attack", ATTACKS)
def test_known_attacks_pass_from_nowhere_to_nowhere(attack: str) -> None:
    assert_harmless_everywhere(attack)
    assert_harmless_everywhere(normal(attack))
    for markup in MARKUPS:
        assert_harmless_everywhere(from_markup(attack, markup).text)


@settings(deadline=None)
@given(st.sampled_from(sorted(MARKUPS)), st.lists(st.sampled_from([*ATTACKS, *SIGNS]), max_size=5).map("".join))
@example("matrix-html", "\x00<\x00script>")
def test_no_combination_of_them_passes(markup: str, text: str) -> None:
    assert_harmless_everywhere(text)
    assert_harmless_everywhere(from_markup(text, markup).text)


@given(st.sampled_from(sorted(MARKUPS)), st.text())
def test_any_unicode_is_survived(markup: str, text: str) -> None:
    body = from_markup(text, markup).text
    for other in MARKUPS:
        to_markup(body, other).text.encode("utf-8")


@pytest.mark.parametrize("markup", MARKUPS)
def test_nul_controls_and_lone_surrogates_do_not_pass(markup: str) -> None:
    body = from_markup("a\x00b\x07c\x1b[0md\ud800e\ufeff", markup).text
    assert body == "a\ufffdbc\\[0md\ufffde"


def test_unsafe_links_are_counted_and_keep_their_label() -> None:
    body = from_markup('<a href="javascript:1">one</a> <a href="data:x">two</a>', "matrix-html")
    assert body.text == "one two"
    assert body.lossy == ("unsafe link shown as text (2 times)",)
