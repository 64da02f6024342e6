"""One body, any markup: each is one entry here, a reader and a writer around the document in the middle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from landbridge.errors import ConfigError
from landbridge.richtext.html import read_plain_html, write_plain_html
from landbridge.richtext.mail import read_mail_html, read_mail_text, write_mail_html, write_mail_text
from landbridge.richtext.markdown import read_markdown, write_markdown
from landbridge.richtext.matrix import read_matrix, write_matrix
from landbridge.richtext.plain import read_plain, write_plain
from landbridge.richtext.read_commonmark import read_commonmark
from landbridge.richtext.read_wikitext import read_wikitext
from landbridge.richtext.shorten import fit
from landbridge.richtext.slack import read_slack
from landbridge.richtext.teams import read_teams, write_teams
from landbridge.richtext.tree import NO_NAMES, Losses, Names, Node
from landbridge.richtext.wordpress import read_wordpress, write_wordpress
from landbridge.richtext.write_commonmark import write_commonmark
from landbridge.richtext.write_slack import write_slack
from landbridge.richtext.write_wikitext import write_wikitext


@dataclass(frozen=True)
class Markup:
    """How one tool writes rich text; both count in the given losses what they cannot keep."""

    read: Callable[[str, Names, Losses], Node]
    write: Callable[[Node, Names, Losses], str]


@dataclass(frozen=True)
class Rendered:
    """A body in a tool's markup, the same as plain text, and what it could not show."""

    text: str
    plain: str
    lossy: tuple[str, ...]


@dataclass(frozen=True)
class Body:
    """A canonical body in normal form, and what of the tool's text it could not keep."""

    text: str
    lossy: tuple[str, ...]


MARKUPS: Mapping[str, Markup] = MappingProxyType(
    {
        "mail-html": Markup(read_mail_html, write_mail_html),
        "mail-text": Markup(read_mail_text, write_mail_text),
        "matrix-html": Markup(read_matrix, write_matrix),
        "wordpress-html": Markup(read_wordpress, write_wordpress),
        "html": Markup(read_plain_html, write_plain_html),
        "teams-html": Markup(read_teams, write_teams),
        "wikitext": Markup(read_wikitext, write_wikitext),
        "slack": Markup(read_slack, write_slack),
        "markdown": Markup(read_markdown, write_markdown),
        "plain": Markup(read_plain, write_plain),
    }
)


def to_markup(body: str, markup: str, names: Names = NO_NAMES, limit: int | None = None) -> Rendered:
    """The canonical body as a tool shows it; neither text nor plain is longer than `limit` characters."""
    return _render(body, _markup(markup), names, limit)


def from_markup(text: str, markup: str, names: Names = NO_NAMES) -> Body:
    """A tool's text as canonical body in normal form."""
    losses = Losses()
    document = _markup(markup).read(text, names, losses)
    return Body(write_commonmark(document), losses.told())


def normal(body: str) -> str:
    """The one spelling of a body: two bodies mean the same if their normal forms are equal."""
    return write_commonmark(read_commonmark(body, Losses()))


def mentioned(body: str) -> tuple[tuple[str, str], ...]:
    """Kind and id of everyone and everything the body mentions, once each, in order."""
    found: dict[tuple[str, str], None] = {}
    left = [read_commonmark(body, Losses())]
    while left:
        node = left.pop()
        found |= dict.fromkeys((run.text, run.data) for run in node.runs if run.kind == "mention")
        left += reversed(node.children)
    return tuple(found)


def _markup(name: str) -> Markup:
    try:
        return MARKUPS[name]
    except KeyError:
        raise ConfigError(f"Unknown markup {name!r}.", remedy=f"Use one of: {', '.join(sorted(MARKUPS))}.") from None


def _render(body: str, markup: Markup, names: Names, limit: int | None) -> Rendered:
    reading = Losses()
    document = read_commonmark(body, reading)
    writing = Losses()

    def write(part: Node) -> tuple[str, ...]:
        nonlocal writing
        writing = Losses()  # only the losses of the last attempt are those of the result
        return markup.write(part, names, writing), write_plain(part, names, Losses())

    if limit is None:
        texts = write(document)
    else:
        texts, cut = fit(document, write, limit)
        if cut:
            writing.add(f"shortened to {limit} characters")
    return Rendered(texts[0], texts[1], reading.told() + writing.told())
