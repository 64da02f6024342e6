"""WordPress: both editors' sources, shortcodes, mentions."""

from __future__ import annotations

import pytest

from landbridge.richtext import from_markup, to_markup
from tests.richtext.documents import names

NAMES = names("wordpress-html")

BLOCKS = """<!-- wp:heading {"level":3} -->
<h3 class="wp-block-heading">News</h3>
<!-- /wp:heading -->

<!-- wp:paragraph -->
<p>First <strong>line</strong><br>second</p>
<!-- /wp:paragraph -->

<!-- wp:list -->
<ul><!-- wp:list-item -->
<li>one</li>
<!-- /wp:list-item --></ul>
<!-- /wp:list -->

<!-- wp:table -->
<figure class="wp-block-table"><table><thead><tr><th>a</th><th class="has-text-align-right" data-align="right">b</th></tr></thead>
<tbody><tr><td>1</td><td>2</td></tr></tbody></table><figcaption>Caption</figcaption></figure>
<!-- /wp:table -->

<!-- wp:image {"id":5} -->
<figure class="wp-block-image"><img src="https://a.test/p.png" alt="A cat" class="wp-image-5"/></figure>
<!-- /wp:image -->

<!-- wp:code -->
<pre class="wp-block-code"><code>if a &lt; b:
    pass</code></pre>
<!-- /wp:code -->

<!-- wp:separator -->
<hr class="wp-block-separator"/>
<!-- /wp:separator -->

<!-- wp:quote -->
<blockquote class="wp-block-quote"><!-- wp:paragraph --><p>Said</p><!-- /wp:paragraph --><cite>Ann</cite></blockquote>
<!-- /wp:quote -->

<!-- wp:latest-posts {"postsToShow":3} /-->"""

CANONICAL = """### News

First **line**\\
second

- one

| a | b |
| --- | --: |
| 1 | 2 |

Caption

![A cat](https://a.test/p.png)

```
if a < b:
    pass
```

___

> Said
>
> Ann"""


def test_the_block_editors_source_without_its_comments() -> None:
    body = from_markup(BLOCKS, "wordpress-html")
    assert body.text == CANONICAL
    assert body.lossy == ("dynamic block dropped",)
    shown = to_markup(body.text, "wordpress-html")
    assert "<!--" not in shown.text
    assert shown.lossy == ()


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("One\ntwo\n\nThree", "One\\\ntwo\n\nThree"),
        ("One<br />\ntwo", "One\\\ntwo"),
        ("<h2>T</h2>\nText\n<ul>\n\t<li>a</li>\n\t<li>b</li>\n</ul>\n\nEnd", "## T\n\nText\n\n- a\n- b\n\nEnd"),
        ("One\r\n\r\nTwo <strong>x\ny</strong>", "One\n\nTwo **x\\\ny**"),
        ("<pre>a\n\n\nb</pre>", "```\na\n\n\nb\n```"),
    ],
)
def test_the_classic_editors_line_ends_are_line_ends(source: str, body: str) -> None:
    assert from_markup(source, "wordpress-html").text == body


def test_in_rendered_paragraphs_they_are_not() -> None:
    assert from_markup("<p>One\ntwo<br />\nthree</p>\n", "wordpress-html").text == "One two\\\nthree"


def test_shortcodes_are_shown_as_text_and_do_not_come_back_to_life() -> None:
    body = from_markup('<p>[gallery ids="1,2"]</p>', "wordpress-html")
    assert body.text == '\\[gallery ids="1,2"\\]'
    assert body.lossy == ("shortcode shown as text",)
    assert "[" not in to_markup(body.text, "wordpress-html").text


def test_mentions_are_links_to_authors_and_categories() -> None:
    shown = to_markup("@{person:0190-a} in #{space:s1}", "wordpress-html", NAMES)
    assert shown.text == '<p><a href="/?author=7">@Ann *O\'Neil*</a> in <a href="/?cat=7">#News &#91;1&#93;</a></p>'
    assert from_markup(shown.text, "wordpress-html", NAMES).text == "@{person:0190-a} in #{space:s1}"
    absolute = '<p><a href="https://intranet.test/?author=7">whoever</a> <a href="https://intranet.test/?p=7">x</a></p>'
    assert from_markup(absolute, "wordpress-html", NAMES).text == "@{person:0190-a} [x](https://intranet.test/?p=7)"


def test_an_entity_in_text_is_spelt_so_that_the_sanitiser_of_wordpress_leaves_it_text() -> None:
    assert to_markup("\\&#42; \\&amp;", "wordpress-html").text == "<p>&amp;&#35;42; &amp;amp;</p>"


def test_media_become_links() -> None:
    body = from_markup('<iframe src="https://v.test/1"></iframe><video src="/v.mp4">no</video>', "wordpress-html")
    assert body.text == "<https://v.test/1>no"
    assert body.lossy == ("embedded media shown as link (2 times)",)


def test_bad_nesting_as_editors_paste_it() -> None:
    html = '<div><p>a<div>b<ul><ul><li>c</ul>d</ul></p><a href="https://a.test/"><h2>e</h2><p>f</p></a><td>g</td>'
    assert from_markup(html, "wordpress-html").text == (
        "a\n\nb\n\n- - c\n\n  d\n\n## [e](https://a.test/)\n\n[f](https://a.test/)\n\ng"
    )
