"""Fills WordPress with the company's news, through its REST API and in the names of those who wrote it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from sandbox import php_server
from sandbox.company import Company, Person, Post, ascii_name
from sandbox.wordpress_client import EVERY_STATUS, Item, WordPressClient

CATEGORIES = {"company": "Company", "it": "IT", "sales": "Sales", "people": "People"}

T = TypeVar("T")
R = TypeVar("R")


def fill(admin: WordPressClient, company: Company) -> None:
    """What is there already, after an interrupted filling, is not made again."""
    authors = {post.author for post in company.posts}
    terms = {slug: _term(admin, "categories", slug, title) for slug, title in CATEGORIES.items()}
    tags = sorted({tag for post in company.posts for tag in post.tags})
    tag_ids = {tag: _term(admin, "tags", slug_of(tag), tag) for tag in tags}
    ids = dict(_together(lambda person: _account(admin, person, person.user_name in authors), company.in_intranet()))

    def publish(post: Post) -> None:
        made = _post(admin, post, ids[post.author], terms[post.category], [tag_ids[tag] for tag in post.tags])
        _comments(admin, post, int(made["id"]), ids)

    _together(publish, company.posts)


def slug_of(title: str) -> str:
    return "-".join(word for word in (ascii_name(part) for part in title.replace("-", " ").split()) if word)


def _term(admin: WordPressClient, taxonomy: str, slug: str, title: str) -> int:
    found = admin.get(taxonomy, slug=slug)
    term = found[0] if found else admin.call("POST", taxonomy, {"slug": slug, "name": title}).json()
    return int(term["id"])


def _account(admin: WordPressClient, person: Person, writes: bool) -> tuple[str, int]:
    user = admin.user(person.user_name)
    if user is None:
        wanted = {
            "username": person.user_name,
            "email": person.email,
            "name": person.full_name,
            "first_name": person.given,
            "last_name": person.family,
            "roles": ["author" if writes else "subscriber"],
            "password": secrets.token_urlsafe(24),
        }
        user = admin.call("POST", "users", wanted).json()
    return person.user_name, int(user["id"])


def _post(admin: WordPressClient, post: Post, author: int, category: int, tags: list[int]) -> Item:
    slug = slug_of(post.title)
    found = admin.get("posts", slug=slug, status=EVERY_STATUS)
    if found:
        return dict(found[0])
    wanted = {
        "title": post.title,
        "slug": slug,
        "content": post.html,
        "author": author,
        "categories": [category],
        "tags": tags,
        "date_gmt": _moment(post.published),
        "status": "publish",
    }
    return dict(admin.call("POST", "posts", wanted).json())


def _comments(admin: WordPressClient, post: Post, number: int, ids: dict[str, int]) -> None:
    there = {(comment["author"], comment["date_gmt"]) for comment in admin.comments(number)}
    for comment in post.comments:
        author, moment = ids[comment.author], _moment(comment.written)
        if (author, moment) not in there:
            wanted = {"post": number, "author": author, "content": comment.text, "date_gmt": moment}
            admin.call("POST", "comments", wanted | {"status": "approved"})


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _together(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(php_server.WORKERS) as pool:
        return list(pool.map(work, items))
