"""MediaWiki itself shows what we mean: its parser, not ours, is the judge."""

from __future__ import annotations

import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, assume, given, settings

from landbridge.richtext import from_markup, normal, to_markup
from sandbox.mediawiki import MediaWiki
from tests import prepared
from tests.richtext.documents import bodies, plain_text
from tests.richtext.test_richtext_meaning import seen_in_html, squeezed

pytestmark = pytest.mark.server

Show = Callable[[str], str]
_PARSE = {
    "action": "parse", "contentmodel": "wikitext", "title": "Page", "prop": "text", "pst": 1, "disablelimitreport": 1,
    "disableeditsection": 1, "disabletoc": 1, "wrapoutputclass": "", "format": "json", "formatversion": 2,
}  # fmt: skip
_FEW = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def show() -> Iterator[Show]:
    """Saves and shows a text, as the wiki would."""
    home = Path(tempfile.mkdtemp(prefix="landbridge-richtext-", dir="/tmp"))
    home.chmod(0o755)
    wiki = MediaWiki(home / "mediawiki")
    prepared.put([wiki])
    wiki.install()
    wiki.start()
    with requests.Session() as session:

        def shown(text: str) -> str:
            answer = session.post(f"{wiki.url}/api.php", data={**_PARSE, "text": text}, timeout=30).json()
            return str(answer["parse"]["text"])

        yield shown
    wiki.stop()
    shutil.rmtree(home)


def spaced(text: str) -> str:
    """MediaWiki composes accents and puts its own no-break spaces before French punctuation."""
    return unicodedata.normalize("NFC", text).replace("&#160;", " ").replace("\u00a0", " ")


@_FEW
@given(text=plain_text)
def test_plain_text_means_itself(show: Show, text: str) -> None:
    shown = show(to_markup(from_markup(text, "plain").text, "wikitext").text)
    assert squeezed(spaced(seen_in_html(shown))) == squeezed(spaced(text))


@_FEW
@given(body=bodies)
def test_a_document_is_shown_as_it_is(show: Show, body: str) -> None:
    rendered = to_markup(body, "wikitext")
    assume(not rendered.lossy and "wiki:" not in body and "@{" not in body)
    shown = spaced(show(rendered.text))
    # In what MediaWiki shows, line ends are spaces, as in the pages that WordPress shows.
    assert from_markup(f"<p></p>{shown}", "wordpress-html").text == normal(spaced(body))
