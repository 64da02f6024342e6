"""Random documents: as trees by way of the builder, as text full of every markup's signs."""

from __future__ import annotations

from hypothesis import strategies as st

from landbridge.richtext.build import Builder
from landbridge.richtext.read_commonmark import read_commonmark
from landbridge.richtext.tree import EMPH, STRIKE, STRONG, Losses, NamesBy, Node
from landbridge.richtext.trim import trim
from landbridge.richtext.write_commonmark import write_commonmark

PEOPLE = {"0190-a": ("@ann:hs.test", "Ann *O'Neil*"), "~%40bob": ("@bob:hs.test", "Bob <b>")}
SPACES = {"s1": ("#news:hs.test", "News [1]")}

# Everything that any of the markups gives a meaning to, in pieces small enough to combine into it.
SIGNS = (
    list("*_`~[](){}<>#|!&\\'\"=-+.:;@/\n\t 019aB")
    + "** __ ~~ ''' '' [[ ]] {{ }} {| |} |- || !! == --- ... &amp; &#42; &nbsp; <b> </b> <p> <script> <!-- --> ~~~~".split()
    + [
        "javascript:",
        "http://",
        "https://a.b/c",
        "mailto:",
        "[gallery]",
        "@{person:x}",
        "#{space:s1}",
        "__TOC__",
        "RFC 1",
    ]
    + [
        "@name_7",
        "@name_8.",
        ":wave:",
        "1. ",
        "- ",
        "* ",
        "# ",
        "> ",
        "    ",
        "```",
        "{{x|y}}",
        "[[A|b]]",
        "<nowiki>",
        "</nowiki>",
        "<br>",
        "\\\n",
    ]
    + ["é", "e\u0301", "\u00a0", "\u3000", "中文", "“", "¡", "👩‍👩‍👧", "\u200d", "\u202e", "\u2028", "\ufeff", "İ", "ß"]
)
plain_text = st.lists(st.sampled_from(SIGNS) | st.text(max_size=4), max_size=12).map("".join)
words = st.lists(st.sampled_from([*SIGNS, " ", "word", "b", "c"]), min_size=1, max_size=6).map("".join)

URLS = [
    "https://a.b/c", "http://x.y/z?a=1&b=2&copy;=3", "https://a.b/(c)_*d*~~~__e__'f''g", "mailto:a@b.c", "/relative?x#y",
    "https://bücher.test/ä b", "#part", "wiki:Some_Page", "https://a.b/|]>\"", "ftp://x.y/",
]  # fmt: skip

MARK_SETS = st.lists(st.sampled_from([STRONG, EMPH, STRIKE]), max_size=3, unique=True)


@st.composite
def inlines(draw: st.DrawFn) -> list[tuple[str, str, str, list[int], str]]:
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["text"] * 5 + ["code", "break", "mention", "image"]))
        data = draw(words)
        target = draw(st.sampled_from([*PEOPLE])) if kind == "mention" else draw(st.sampled_from(URLS))
        href = draw(st.sampled_from([""] * 3 + URLS))
        parts.append((kind, data, target, draw(MARK_SETS), href))
    return parts


blocks = st.recursive(
    st.tuples(st.just("paragraph"), inlines())
    | st.tuples(st.just("heading"), inlines(), st.integers(1, 6))
    | st.tuples(st.just("code"), words, st.sampled_from(["", "py", "c++"]))
    | st.just(("rule",))
    | st.tuples(
        st.just("table"),
        st.lists(
            st.lists(st.tuples(inlines(), st.sampled_from(["", "left", "center", "right"])), max_size=3), max_size=3
        ),
    ),
    lambda inner: (
        st.tuples(st.just("quote"), st.lists(inner, max_size=3))
        | st.tuples(st.just("list"), st.lists(st.lists(inner, max_size=3), max_size=3), st.sampled_from([0, 0, 1, 3]))
    ),
    max_leaves=6,
)


def _inline(builder: Builder, parts: list[tuple[str, str, str, list[int], str]]) -> None:
    for kind, data, target, marks, href in parts:
        for mark in marks:
            builder.mark(mark)
        if href:
            builder.link(href)
        if kind == "text":
            builder.text(data)
        elif kind == "break":
            builder.line_break()
        elif kind == "mention":
            builder.leaf("mention", "person", target)
        else:
            builder.leaf(kind, data, target)
        if href:
            builder.unlink()
        for mark in marks:
            builder.unmark(mark)


def _block(builder: Builder, block: tuple) -> None:
    kind = block[0]
    if kind == "paragraph":
        _inline(builder, block[1])
        builder.flush()
    elif kind == "heading":
        builder.open(Node("heading", number=block[2]))
        _inline(builder, block[1])
        builder.close()
    elif kind in ("code", "rule"):
        builder.block(Node(kind, text=block[1] if block[1:] else "", lang=block[2] if block[1:] else ""))
    elif kind == "table":
        builder.open(Node("table"))
        for row in block[1]:
            builder.open(Node("row"))
            for cell, way in row:
                builder.open(Node("cell", align=(way,) if way else ()))
                _inline(builder, cell)
                builder.close()
            builder.close()
        builder.close()
    elif kind == "quote":
        builder.open(Node("quote"))
        for child in block[1]:
            _block(builder, child)
        builder.close()
    else:
        builder.open(Node("list", number=block[2]))
        for item in block[1]:
            builder.open(Node("item"))
            for child in item:
                _block(builder, child)
            builder.close()
        builder.close()


def document(parts: list[tuple]) -> Node:
    builder = Builder(Losses(), 10_000)
    for part in parts:
        _block(builder, part)
    return builder.root()


documents = st.lists(blocks, min_size=1, max_size=4).map(document)
bodies = documents.map(write_commonmark)


def comes_whole(markup: str, body: str) -> bool:
    """Readers of mail leave out what looks like a quoted mail or a signature, which writers tell as a loss."""
    found = read_commonmark(body, Losses())
    return not markup.startswith("mail-") or trim(found, Losses()) is found


_BY_KIND = {"person": PEOPLE, "space": SPACES}


def names(markup: str) -> NamesBy:
    """Names as each tool has them: Matrix ids, WordPress numbers, wiki user names."""
    keys: dict[tuple[str, str], tuple[str, str]] = {}
    for kind, known in _BY_KIND.items():
        for at, (one, (key, label)) in enumerate(known.items(), 7):
            own = {"wordpress-html": str(at), "wikitext": f"Name {at}", "slack": f"{'UC'[kind == 'space']}{at}"}
            own["markdown"] = f"name_{at}"
            native = own.get(markup, key)
            keys[kind, one] = (native, label)
    back = {(kind, key): one for (kind, one), (key, _) in keys.items()}
    return NamesBy(lambda kind, id: keys.get((kind, id)), lambda kind, key: back.get((kind, key)))
