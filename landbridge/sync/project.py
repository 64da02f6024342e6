"""Projections: an entity shown as another kind. Each is a function from the entity to the target kind's fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landbridge.errors import RecordError
from landbridge.store.entities import EntityRow
from landbridge.sync.digest import digest
from landbridge.sync.marks import bare, marks_on
from landbridge.sync.routes import Route
from landbridge.sync.view import View

Fields = dict[str, Any]
_TITLE_LENGTH = 90
_SPELLED = {ord(letter): text for letter, text in zip("äöüßøł", ("ae", "oe", "ue", "ss", "o", "l"), strict=True)}


def as_itself(view: View, route: Route, entity: EntityRow) -> Fields:
    """All fields; an answer that people marked in a chat is accepted where answers can be."""
    if entity.kind == "message" and view.chosen(entity, route.config.answer, route.target):
        return entity.data | {"accepted": True}
    return dict(entity.data)


def announcement(view: View, route: Route, document: EntityRow) -> Fields:
    """Document → message: title, body and the way to the original, in the space the route names, by the author."""
    data = document.data
    title, url = str(data.get("title") or "").strip(), data.get("url")
    head = f"**{_escape(title)}**" if title else ""
    link = f"[{_escape(title or 'Read it')}]({url})" if url else ""
    parts = [head, str(data.get("summary") or data.get("body") or "").strip(), link]
    return {
        "body": "\n\n".join(part for part in parts if part),
        "author": data.get("author"),
        "sent_at": data.get("published_at"),
    }


def room(view: View, route: Route, entity: EntityRow) -> Fields:
    """Case or group → space: named by the route's template, closed to all but its members."""
    data = entity.data
    label = str(data.get("subject") or data.get("name") or "").strip()
    template = route.templates.get("name")
    name = template(data) if template else slug(str(data.get("code") or label))
    about = [
        label if template else "",
        str(data.get("description") or ""),
        f"Status: {data['status']}" if data.get("status") else "",
    ]
    return {
        "name": name if template else label,
        "alias": slug(name),
        "topic": " · ".join(part for part in about if part),
        "type": "room",
        "visibility": "members",
    }


def article(view: View, route: Route, root: EntityRow) -> Fields:
    """Thread → document: question, marked answers, what else was said, by whom and when, and the way back.

    Names are written out, so that the page outlives its authors' accounts.
    """
    replies = view.thread(root.id)
    answers = [one for one in replies if _is_answer(one, route.config.answer)]
    rest = [one for one in replies if one not in answers]
    title = _title(str(root.data.get("title") or root.data.get("body") or ""))
    parts = ["## Question", _said(view, root)]
    parts += ["## Answer", *(_said(view, one) for one in answers)] if answers else []
    parts += ["## Discussion", *(_said(view, one) for one in rest)] if rest else []
    if root.data.get("url"):
        parts.append(f"[Read the conversation]({root.data['url']})")
    template = route.templates.get("path")
    return {
        "title": title,
        "path": template(root.data | {"title": title}) if template else title,
        "body": "\n\n".join(parts),
        "state": "published",
    }


PROJECTIONS: dict[str, Callable[[View, Route, EntityRow], Fields]] = {
    "": as_itself,
    "announcement": announcement,
    "room": room,
    "article": article,
    "digest": digest,
}


def slug(text: str) -> str:
    """Lower-case, letters and digits of ASCII, hyphens between; umlauts are spelled out."""
    spelled = text.casefold().translate(_SPELLED)
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in spelled).split()
    if not words:
        raise RecordError("A name with at least one letter or digit was expected.")
    return "-".join(words)


def _is_answer(message: EntityRow, answer: str) -> bool:
    return bool(message.data.get("accepted")) or bare(answer) in marks_on(message.data)


def _said(view: View, message: EntityRow) -> str:
    at = str(message.data.get("sent_at") or message.data.get("published_at") or "")[:16].replace("T", " ")
    return f"{str(message.data.get('body') or '').strip()}\n\n*{_escape(view.author_name(message))}, {at} UTC*"


def _title(body: str) -> str:
    """The first line as a page title: no markup that a wiki path forbids, cut at a word."""
    line = next((line for line in body.splitlines() if line.strip()), "")
    plain = "".join(letter for letter in line if letter not in "#<>[]|{}*_`\\\n\t/").strip(" .:")
    words, title = plain.split(), ""
    for word in words:
        if title and len(title) + len(word) >= _TITLE_LENGTH:
            break
        title = f"{title} {word}".strip()[:_TITLE_LENGTH]
    if len(title) < len(plain) and (whole := max(title.rfind(mark) for mark in ("? ", ". ", "! "))) > 0:
        title = title[: whole + 1]
    if not title:
        raise RecordError("The question has no text that could be a title.")
    return title


def _escape(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>#|" else letter for letter in text)
