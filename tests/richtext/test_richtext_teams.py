"""What Teams writes, and what it is given to show."""

from __future__ import annotations

import pytest

from landbridge.richtext import NamesBy, from_markup, to_markup

ANN = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
NAMES = NamesBy(
    lambda kind, id: (ANN, "Ann <Admin>") if (kind, id) == ("person", "p1") else None,
    lambda kind, key: "p1" if (kind, key) == ("person", ANN) else None,
)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (f'<p>Ask <at id="{ANN}">Ann</at>, please.</p>', "Ask @{person:p1}, please."),
        ('<at id="">General</at> moves', "General moves"),
        ('<p>Well done <emoji id="tada" alt="🎉" title="Party"></emoji></p><p>&nbsp;</p>', "Well done 🎉"),
        ('<img itemtype="http://schema.skype.com/Emoji" alt="😄" src="https://statics.example/x.png">', "😄"),
        ('<attachment id="74d20c7f34aa4a7fb74e2b30004247c5"></attachment>See <b>this</b>', "See **this**"),
        (
            '<codeblock class="Python"><code>if a &lt; b:<br>    pass</code></codeblock>',
            "```Python\nif a < b:\n    pass\n```",
        ),
        ("<div><div>One</div><div>Two</div></div>", "One\n\nTwo"),
        (
            '<table itemprop="copy-paste-table"><tbody><tr><td>a</td><td>b</td></tr></tbody></table>',
            "| a | b |\n| --- | --- |",
        ),
        ("<systemEventMessage/>", ""),
    ],
)
def test_what_teams_writes(content: str, body: str) -> None:
    assert from_markup(content, "teams-html", NAMES).text.strip() == body


@pytest.mark.parametrize(
    ("body", "content", "lossy"),
    [
        ("Hello **you**", "Hello <strong>you</strong>", ()),
        ("@{person:p1}: ~~no~~", f'<at id="{ANN}">Ann &lt;Admin&gt;</at>: <s>no</s>', ()),
        ("@{person:p2} and #{space:s1}", "@unknown and #unknown", ("mention shown as name (2 times)",)),
        ("```py\na < b\n\nc\n```", '<codeblock class="py"><code>a &lt; b<br><br>c</code></codeblock>', ()),
        ("![a ladder](https://a.test/l.png)", '<a href="https://a.test/l.png">a ladder</a>', ("image shown as link",)),
    ],
)
def test_what_teams_is_given(body: str, content: str, lossy: tuple[str, ...]) -> None:
    shown = to_markup(body, "teams-html", NAMES)
    assert (shown.text, shown.lossy) == (content, lossy)
