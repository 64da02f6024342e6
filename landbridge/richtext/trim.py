"""What a reply by mail repeats or appends: the quoted message under it, signatures, lists' footers.

Works on documents, so one set of rules serves plain text and HTML, and by their shape rather than by their words, so
that it serves mail in any language: who is quoted stands in a line that ends in a colon and holds a date or an address,
directly before the quotation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from landbridge.richtext.runs import paragraphs
from landbridge.richtext.tree import Losses, Node, Run

QUOTED, SIGNATURE, FOOTER = "quoted message trimmed", "signature trimmed", "list footer trimmed"

_ATTRIBUTION = re.compile(r"(?=.*[0-9])(?=.*(?:@|[0-9]{4}|[0-9]{1,2}[:.h][0-9]{2})).{8,400}[:：]", re.DOTALL)
_OPENS_ATTRIBUTION = re.compile(
    r"(?:(?:On|Am|Le|El|Il|Em|Op|Den|Dnia|W dniu|Dne|Pada)\b|[0-9]{1,4}[-./年 ])", re.IGNORECASE
)
_MOST_LINES = 3
# The head of the mail below, as Outlook repeats it; what the subject is called tells it from an ordinary list of facts.
_FIELD = re.compile(r"\W{0,3}([^\W\d_][\w’' \-]{0,24}?)\W{0,3}[:：]\*{0,2}(?:\s|$)")
_SUBJECTS = {
    "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "ämne", "emne", "aihe", "temat",
    "předmět", "tárgy", "konu", "тема", "主题", "件名", "제목",
}  # fmt: skip
_ORIGINAL = re.compile(r"-{3,}\s*(?P<what>[^-]{3,40}?)\s*-{3,}")
_FORWARDED = re.compile(r"forward|weitergeleitet|transféré|reenviado|inoltrat|encaminhad|doorgestuurd", re.IGNORECASE)
_LINE_OF_LIST = re.compile(r"_{20,}|-{40,}")
_FOOTER = re.compile(r"unsubscribe|mailing list|abmelden|désabonner", re.IGNORECASE)
_SENT_FROM = re.compile(
    r"(?:Sent from (?:my|Outlook|Mail|Yahoo|Proton)|Get Outlook for|Von meinem\b.*\bgesendet|Gesendet (?:von|mit)|"
    r"Envoyé (?:de|depuis) mon|Inviato da|Enviado desde mi|Enviado do meu|Verzonden vanaf)[^\n]{0,80}",
    re.IGNORECASE,
)

Blocks = list[Node]


def trim(document: Node, losses: Losses) -> Node:
    """The document without what a mail repeats and appends; whole where nothing else would be left."""
    blocks = document.children
    told: list[str] = []
    while True:
        shorter, reasons = _once(blocks)
        if not reasons:
            break
        blocks, told = shorter, told + reasons
    if not blocks or not told:
        return document
    for reason in told:
        losses.add(reason)
    return replace(document, children=blocks)


def _once(blocks: Blocks) -> tuple[Blocks, list[str]]:
    for rule in _RULES:
        found, reason = rule(blocks)
        if reason:
            return found, [reason]
    return blocks, []


def _signature(blocks: Blocks) -> tuple[Blocks, str]:
    """From the delimiter that RFC 3676 names, two hyphens alone in a line, to the end."""
    return _cut(blocks, lambda lines, at, rest: lines[at].strip() == "--", SIGNATURE)


def _footer(blocks: Blocks) -> tuple[Blocks, str]:
    """What list servers append under a long line."""

    def begins(lines: list[str], at: int, rest: str) -> bool:
        return bool(_LINE_OF_LIST.fullmatch(lines[at].strip()) and _FOOTER.search("\n".join(lines[at:]) + rest))

    return _cut(blocks, begins, FOOTER)


def _original(blocks: Blocks) -> tuple[Blocks, str]:
    """The whole mail below, unmarked, after its head or a line that says so. What is forwarded is news, and stays."""
    for block in blocks:
        if block.kind == "paragraph" and any(
            (found := _ORIGINAL.fullmatch(line.strip())) and _FORWARDED.search(found["what"]) for line in _lines(block)
        ):
            return blocks, ""

    def begins(lines: list[str], at: int, rest: str) -> bool:
        following = lines[at + 1 :] if _ORIGINAL.fullmatch(lines[at].strip()) else lines[at:]
        return _is_head(following or rest.split("\n"))

    return _cut(blocks, begins, QUOTED)


def _quotation_below(blocks: Blocks) -> tuple[Blocks, str]:
    """The answer stands above what it answers."""
    end = len(blocks)
    while end and blocks[end - 1].kind in ("quote", "rule"):
        end -= 1
    if end in (0, len(blocks)) or blocks[end].kind != "quote":
        return blocks, ""
    above = _without_attribution(blocks[end - 1])
    if above is not None:
        return blocks[: end - 1] + above, QUOTED
    # Of a mail that is answered piece by piece, what nobody has answered.
    piecewise = blocks[1].kind == "quote" and _without_attribution(blocks[0]) == []
    inside = blocks[end].children[:1]  # where Apple's program says who is quoted
    return (blocks[:end], QUOTED) if piecewise or (inside and _without_attribution(inside[0]) == []) else (blocks, "")


def _quotation_above(blocks: Blocks) -> tuple[Blocks, str]:
    """The answer stands below all that it answers; of several quotations each says what the text after it is about."""
    if len(blocks) < 3 or blocks[1].kind != "quote" or any(block.kind == "quote" for block in blocks[2:]):
        return blocks, ""
    return (blocks[2:], QUOTED) if _without_attribution(blocks[0]) == [] else (blocks, "")


def _sent_from(blocks: Blocks) -> tuple[Blocks, str]:
    """What telephones add."""
    if not blocks or blocks[-1].kind != "paragraph":
        return blocks, ""
    lines = _lines(blocks[-1])
    if not _SENT_FROM.fullmatch(lines[-1].strip()):
        return blocks, ""
    return blocks[:-1] + _first_lines(blocks[-1], len(lines) - 1), SIGNATURE


def _rule_at_the_end(blocks: Blocks) -> tuple[Blocks, str]:
    """A line with nothing under it divided the mail from what was trimmed."""
    return (blocks[:-1], QUOTED) if len(blocks) > 1 and blocks[-1].kind == "rule" else (blocks, "")


_RULES: tuple[Callable[[Blocks], tuple[Blocks, str]], ...] = (
    _signature, _footer, _original, _quotation_below, _quotation_above, _sent_from, _rule_at_the_end,
)  # fmt: skip


def _cut(blocks: Blocks, begins: Callable[[list[str], int, str], bool], reason: str) -> tuple[Blocks, str]:
    """Everything from the first line for which `begins` (lines, its place, the text of what follows) holds is cut."""
    for at, block in enumerate(blocks):
        if block.kind != "paragraph":
            continue
        lines = _lines(block)
        for place in range(len(lines)):
            rest = "".join("\n" + "\n".join(_lines(one)) for one in blocks[at + 1 : at + 3])
            if begins(lines, place, rest) and (at or place):
                return blocks[:at] + _first_lines(block, place), reason
    return blocks, ""


def _is_head(lines: list[str]) -> bool:
    """Fields of a mail, one a line: three at least, the subject among them."""
    fields: list[str] = []
    for line in lines:
        if found := _FIELD.match(line.strip()):
            fields.append(found[1].strip().lower())
        elif line.strip() and not fields:
            return False
    return len(fields) > 2 and not _SUBJECTS.isdisjoint(fields)


def _without_attribution(block: Node) -> Blocks | None:
    """What is left of a paragraph without the lines at its end that say who is quoted; None where none do."""
    if block.kind != "paragraph":
        return None
    lines = _lines(block)
    fitting = [
        count for count in range(1, min(_MOST_LINES, len(lines)) + 1)
        if _ATTRIBUTION.fullmatch(" ".join(lines[-count:]).strip())
    ]  # fmt: skip
    if not fitting:
        return None
    opened = [count for count in fitting if _OPENS_ATTRIBUTION.match(lines[-count].strip())]
    return _first_lines(block, len(lines) - (opened or fitting)[0])


def _lines(block: Node) -> list[str]:
    return "".join("\n" if run.kind == "break" else run.text for run in block.runs).split("\n") if block.runs else [""]


def _first_lines(block: Node, count: int) -> Blocks:
    """The paragraph's first lines as a paragraph, nothing for none."""
    kept: list[Run] = []
    for run in block.runs:
        if run.kind == "break":
            count -= 1
        if count < 1:
            break
        kept.append(run)
    return [Node("paragraph", runs=runs) for runs in paragraphs(kept)]
