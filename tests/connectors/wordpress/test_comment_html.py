"""Comments in the little markup that WordPress leaves them, and the marker in them."""

from __future__ import annotations

import pytest

from connectors.wordpress.comment_html import for_comment
from connectors.wordpress.natives import marked, unmarked


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a &amp; b</p>\n<p>c &lt;x&gt;</p>", "a &amp; b\n\nc &lt;x&gt;"),
        ("<h2>T</h2>\n<p>x<br>y</p>", "<strong>T</strong>\n\nx\ny"),
        ("<ul><li>x<ul><li>y</li></ul></li><li><p>p</p><p>q</p></li></ul>\n<p>z</p>", "• x\n  • y\n• p\nq\n\nz"),
        ('<ol start="3"><li>q</li><li>r</li></ol>', "3. q\n4. r"),
        ("<blockquote><p>a</p><p>b</p></blockquote>\n<p>c</p>", "<blockquote>a\n\nb</blockquote>\n\nc"),
        ("<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
         "A | B\n1 | 2"),
        ("<pre><code>a\n  b</code></pre>\n<hr>\n<p><em>x</em></p>", "<code>a\n  b</code>\n\n⁂\n\n<em>x</em>"),
        ('<p><img src="https://x.example/a.png" alt="pic"> <a href="https://x.example/?a&amp;b">l</a></p>',
         '<a href="https://x.example/a.png">pic</a> <a href="https://x.example/?a&amp;b">l</a>'),
        ("<p>&#91;gallery&#93; 🎉</p>", "&#091;gallery&#093; 🎉"),
    ],
)  # fmt: skip
def test_comments_say_the_same_without_the_markup_that_wordpress_drops(html: str, text: str) -> None:
    assert for_comment(html) == text


@pytest.mark.parametrize(
    "text", ["x", "x\n\ny", "<em>ü</em> 🎉", "<!-- wp:paragraph --><p>x</p><!-- /wp:paragraph -->"]
)
def test_a_marker_comes_off_as_it_went_on(text: str) -> None:
    assert unmarked(marked(text, "lb0af")) == (text, "lb0af")
    assert unmarked(text) == (text, None)
