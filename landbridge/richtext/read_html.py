"""HTML of any quality → document, over lxml's event parser; what the tables below do not name passes as its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

from landbridge.richtext.build import Builder
from landbridge.richtext.tree import EMPH, STRIKE, STRONG, Losses, Names, Node, Run, clean
from landbridge.richtext.urls import safe_url, scheme_of

MAX_OPEN = 250

_MARKS = {"b": STRONG, "strong": STRONG, "i": EMPH, "em": EMPH, "s": STRIKE, "del": STRIKE, "strike": STRIKE}
_CODE = frozenset({"code", "tt", "kbd", "samp"})
_SKIPPED = {
    "script": "script dropped",
    "style": "",
    "head": "",
    "template": "",
    "svg": "drawing dropped",
    "mx-reply": "",  # the quoted message that a reply carries along; the thread is known otherwise
}
_EMBEDS = frozenset({"iframe", "video", "audio", "embed", "object"})
_SHOWN_PLAIN = {
    "u": "underline dropped",
    "ins": "underline dropped",
    "sup": "superscript shown as text",
    "sub": "subscript shown as text",
    "mark": "highlight dropped",
    "font": "colour dropped",
    "details": "folded part shown open",
    "dl": "definition list shown as paragraphs",
}
# Elements that begin and end a paragraph without being anything themselves.
_DIVIDING = {
    "p", "div", "section", "article", "aside", "header", "footer", "main", "nav", "figure", "figcaption", "address",
    "center", "details", "summary", "dl", "dt", "dd", "form", "fieldset", "legend", "caption", "thead", "tbody",
    "tfoot", "body", "html", "pre", "hr",
}  # fmt: skip
_OPENING = {
    "blockquote": "quote", "ul": "list", "ol": "list", "li": "item", "table": "table", "tr": "row", "td": "cell",
    "th": "cell",
} | {f"h{level}": "heading" for level in range(1, 7)}  # fmt: skip
_LANGUAGE = re.compile(r"\b(?:language|lang|brush:)-?\s*([A-Za-z0-9+#._-]+)")
_ALIGN = re.compile(r"text-align(?:\s*:\s*|-)(left|center|right)")

# What libxml2 closes by itself; all other elements are counted.
_IMPLIED = {
    "p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "body", "html", "head", "br", "img", "hr",
    "input",
}  # fmt: skip
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:\-]*)")


@dataclass(frozen=True)
class Reading:
    """What differs between the tools that write HTML."""

    mention: Callable[[str, Names], tuple[str, str] | None]  # a link's address → kind and id, if it is a mention
    newlines_break: bool = False  # line ends in text are line ends, as in what an editor without blocks stores
    notice: Callable[[str], str] = field(default=lambda comment: "")  # a comment → what is lost with it
    # A tool's own element with its attributes → the run that it stands for, whatever is in it.
    element: Callable[[str, dict[str, str], Names], Run | None] = field(default=lambda tag, attributes, names: None)
    code_block: str = ""  # a tool's own element for code; its class is the language
    # An element with its attributes → why it is left out with all that is in it (empty: without a word), None: it is not.
    skip: Callable[[str, dict[str, str]], str | None] | None = None


def read_html(text: str, names: Names, losses: Losses, reading: Reading) -> Node:
    """The document that a piece of HTML shows."""
    text = _bounded(clean(text), losses)
    target = _Target(Builder(losses, len(text)), names, reading)
    parser = etree.HTMLParser(target=target, huge_tree=True, encoding="utf-8", remove_comments=False)
    parser.feed(text.encode("utf-8"))
    try:
        parser.close()
    except etree.ParserError:  # nothing but comments or space: an empty document
        pass
    return target.builder.root()


def _bounded(text: str, losses: Losses) -> str:
    """Elements beyond the deepest nesting, and ends without a beginning, turned into elements that do nothing.

    libxml2 searches all open elements at each end tag: unbounded, 100 kB could keep it busy for minutes.
    """
    if text.count("<") <= MAX_OPEN:
        return text
    count: dict[str, int] = {}
    depth = 0

    def bound(match: re.Match[str]) -> str:
        nonlocal depth
        ends, name = match.group(1), match.group(2).lower()
        if name in _IMPLIED:
            return match.group()
        if not ends and depth < MAX_OPEN:
            depth += 1
            count[name] = count.get(name, 0) + 1
            return match.group()
        if ends and count.get(name):
            depth -= 1
            count[name] -= 1
            return match.group()
        if not ends:
            losses.add("deep nesting shown flat")
        return f"<{ends}param"  # an element that libxml2 knows to be empty

    return _TAG.sub(bound, text)


class _Target:
    """Receives the parser's events, which are always balanced."""

    def __init__(self, builder: Builder, names: Names, reading: Reading) -> None:
        self.builder, self._names, self._reading = builder, names, reading
        self._ends: list[Callable[[], None] | None] = []
        self._skipping = 0
        self._source: list[str] | None = None  # collects code while inside it
        self._language = ""
        self._hidden = 0  # inside a mention, whose label comes from the directory
        self._after_break = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._ends.append(self._begin(tag, attributes))

    def end(self, tag: str) -> None:
        end = self._ends.pop()
        if end:
            end()

    def data(self, text: str) -> None:
        if self._skipping or self._hidden:
            return
        if self._source is not None:
            self._source.append(text)
        elif self._reading.newlines_break:
            self._lines(text)
        else:
            self.builder.text(text)

    def comment(self, text: str) -> None:
        reason = self._reading.notice(text)
        if reason:
            self.builder.losses.add(reason)

    def close(self) -> None:
        return None

    def _lines(self, text: str) -> None:
        for at, part in enumerate(re.split(r"(\n[ \t]*(?:\n\s*)?)", text)):
            if at % 2 == 0:
                self.builder.text(part)
                self._after_break = self._after_break and not part
            elif part.count("\n") > 1:
                self.builder.flush()
            elif self._after_break:
                self._after_break = False
            else:
                self.builder.line_break()

    def _begin(self, tag: str, attributes: dict[str, str]) -> Callable[[], None] | None:
        """Act on a start tag; what is returned is to be done at its end."""
        reason = self._skip_reason(tag, attributes)
        if reason is not None:
            return self._skip(reason)
        if tag in _SHOWN_PLAIN:
            self.builder.losses.add(_SHOWN_PLAIN[tag])
        if tag == "br":
            self._break()
            return None
        if self._source is not None:
            self._language = self._language or _language(attributes)
            return None
        self._after_break = False
        if tag in _MARKS:
            self.builder.mark(_MARKS[tag])
            return lambda: self.builder.unmark(_MARKS[tag])
        if tag in _OPENING:
            return self._open(tag, attributes)
        if tag in _CODE or tag in ("pre", self._reading.code_block):
            return self._code(tag, attributes)
        if tag in _DIVIDING:
            return self._divide(tag)
        return self._inline(tag, attributes)

    def _skip_reason(self, tag: str, attributes: dict[str, str]) -> str | None:
        if self._skipping:
            return ""
        if tag in _SKIPPED:
            return _SKIPPED[tag]
        return self._reading.skip(tag, attributes) if self._reading.skip else None

    def _skip(self, reason: str) -> Callable[[], None]:
        if reason:
            self.builder.losses.add(reason)
        self._skipping += 1

        def done() -> None:
            self._skipping -= 1

        return done

    def _break(self) -> None:
        if self._source is not None:
            self._source.append("\n")
        elif not self._hidden:
            self.builder.line_break()
            self._after_break = True

    def _divide(self, tag: str) -> Callable[[], None]:
        if tag == "hr":
            self.builder.block(Node("rule"))
        self._part()
        return self._part

    def _part(self) -> None:
        self.builder.text(" ")  # keeps words apart where there are no paragraphs: in a cell
        self.builder.flush()

    def _open(self, tag: str, attributes: dict[str, str]) -> Callable[[], None]:
        node = Node(_OPENING[tag])
        if node.kind == "heading":
            node.number = int(tag[1])
        elif tag == "ol":
            start = attributes.get("start", "1")
            node.number = int(start) if re.fullmatch("[0-9]{1,6}", start, re.ASCII) and int(start) else 1
        elif node.kind == "cell":
            node.align = _alignment(attributes)
            if attributes.get("colspan", "1") != "1" or attributes.get("rowspan", "1") != "1":
                self.builder.losses.add("merged cells shown apart")
        self.builder.open(node)
        return self.builder.close

    def _code(self, tag: str, attributes: dict[str, str]) -> Callable[[], None]:
        own = tag == self._reading.code_block
        self._source, self._language = [], attributes.get("class", "") if own else _language(attributes)

        def done() -> None:
            source, self._source = "".join(self._source or ()), None
            if tag in _CODE:
                self.builder.leaf("code", source)
            else:
                self.builder.block(Node("code", text=source, lang=self._language))

        return done

    def _inline(self, tag: str, attributes: dict[str, str]) -> Callable[[], None] | None:
        if run := self._reading.element(tag, attributes, self._names):
            return self._stand_for(run)
        if tag == "a":
            return self._link(attributes)
        if tag == "img":
            self.builder.leaf("image", attributes.get("alt", ""), attributes.get("src", ""))
        elif tag in _EMBEDS:
            self._embed(attributes.get("src") or attributes.get("data") or "")
        elif tag == "span" and "data-mx-spoiler" in attributes:
            self.builder.losses.add("spoiler shown open")
        return None

    def _stand_for(self, run: Run) -> Callable[[], None]:
        if run.kind == "text":
            self.builder.text(run.text)
        else:
            self.builder.leaf(run.kind, run.text, run.data)
        self._hidden += 1
        return self._mention_done

    def _link(self, attributes: dict[str, str]) -> Callable[[], None]:
        href = attributes.get("href", "")
        mention = self._reading.mention(href, self._names) if href else None
        if mention:
            self.builder.leaf("mention", *mention)
            self._hidden += 1
            return self._mention_done
        if attributes.get("title"):
            self.builder.losses.add("link title dropped")
        # wiki: and mxc: are ours to write, not a stranger's to link to.
        self.builder.link("" if scheme_of(safe_url(href)) in ("wiki", "mxc") else href)
        return self.builder.unlink

    def _mention_done(self) -> None:
        self._hidden -= 1

    def _embed(self, source: str) -> None:
        self.builder.losses.add("embedded media shown as link")
        if scheme_of(safe_url(source)) in ("http", "https"):
            self.builder.link(source)
            self.builder.text(source)
            self.builder.unlink()


def _language(attributes: dict[str, str]) -> str:
    match = _LANGUAGE.search(attributes.get("class") or "")
    return match.group(1) if match else ""


def _alignment(attributes: dict[str, str]) -> tuple[str, ...]:
    said = attributes.get("align") or ""
    match = _ALIGN.search(f"{attributes.get('style') or ''} {attributes.get('class') or ''}".lower())
    way = match.group(1) if match else said.lower()
    return (way,) if way in ("left", "center", "right") else ()
