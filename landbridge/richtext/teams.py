"""Microsoft Teams: the HTML of a message, with people in `<at>`, emoji and code in elements of their own.

In a message `<at id="0">` points into its list of mentions; here the id is the account's, and the connector keeps the list.
"""

from __future__ import annotations

from html import escape

from landbridge.richtext.read_html import Reading, read_html
from landbridge.richtext.tree import Losses, Names, Node, Run, clean, show_mention
from landbridge.richtext.write_html import Writing, write_html

_EMOJI = "http://schema.skype.com/Emoji"


def read_element(tag: str, attributes: dict[str, str], names: Names) -> Run | None:
    """Mentions, emoji, and the places of attachments, which stand beside the text."""
    if tag == "at":
        found = names.to_id("person", attributes.get("id", ""))
        return Run("mention", "person", found) if found else None
    if tag == "emoji" or (tag == "img" and attributes.get("itemtype") == _EMOJI):
        return Run("text", attributes.get("alt") or attributes.get("title") or "")
    return Run("text") if tag == "attachment" else None


def write_mention(run: Run, names: Names, losses: Losses) -> str:
    """A person as mention; a channel, which cannot be mentioned elsewhere, as its name."""
    found = names.to_native(run.text, run.data) if run.text == "person" else None
    if found and found[0]:
        return f'<at id="{escape(found[0])}">{escape(clean(found[1] or found[0]), quote=False)}</at>'
    losses.add("mention shown as name")
    return escape(show_mention(run, names), quote=False)


def write_code(node: Node) -> str:
    """Line ends as `<br>`, as Teams itself writes them."""
    source = escape(node.text, quote=False).replace("\n", "<br>")
    return f'<codeblock class="{escape(node.lang)}"><code>{source}</code></codeblock>'


_READING = Reading(mention=lambda href, names: None, element=read_element, code_block="codeblock")
_WRITING = Writing(
    links=frozenset({"http", "https", "mailto", "tel"}),
    images=frozenset(),
    mention=write_mention,
    alignment=False,
    bare_paragraph=True,
    strike="s",
    code=write_code,
    elements={"at": frozenset({"id"}), "codeblock": frozenset({"class"})},
)


def read_teams(text: str, names: Names, losses: Losses) -> Node:
    """The document in the content of a message."""
    return read_html(text, names, losses, _READING)


def write_teams(document: Node, names: Names, losses: Losses) -> str:
    """The content of a message."""
    return write_html(document, names, losses, _WRITING)
