"""A person at work in WordPress, for the demo and the tests: writes posts and comments, looks at what is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import requests

Item = dict[str, Any]
# `any` leaves out the trash.
EVERY_STATUS = "publish,future,draft,pending,private,trash"


class WordPressClient:
    """One account's REST session; the errors are those of requests."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.auth = (login, password)

    def call(self, method: str, path: str, data: Mapping[str, Any] | None = None, **params: Any) -> requests.Response:
        response = self._session.request(
            method, f"{self.url}/wp-json/wp/v2/{path}", json=data, params=params, timeout=30
        )
        if not response.ok:
            raise requests.HTTPError(
                f"{method} {path}: {response.status_code} {response.text[:300]}", response=response
            )
        return response

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, **params).json()

    def count(self, path: str, **params: Any) -> int:
        return int(self.call("GET", path, per_page=1, _fields="id", **params).headers["X-WP-Total"])

    def everything(self, path: str, **params: Any) -> list[Item]:
        """Goes by the number of pages: the total also counts items that this account is not shown."""
        items: list[Item] = []
        page, pages = 1, 1
        while page <= pages:
            response = self.call("GET", path, per_page=100, page=page, **params)
            items += response.json()
            page, pages = page + 1, int(response.headers["X-WP-TotalPages"])
        return items

    # Accounts

    def me(self) -> Item:
        return dict(self.get("users/me", context="edit"))

    def user(self, login: str) -> Item | None:
        """Needs an account that may list users; others are not shown logins."""
        found = self.get("users", search=login, context="edit", per_page=100)
        return next((user for user in found if user["username"] == login), None)

    # Posts

    def write_post(self, title: str, html: str, category: str, *, tags: tuple[str, ...] = (), **more: Any) -> Item:
        categories = [self.term("categories", category)]
        data = {"title": title, "content": html, "categories": categories, "status": "publish", **more}
        if tags:
            data["tags"] = [self.term("tags", tag) for tag in tags]
        return dict(self.call("POST", "posts", data).json())

    def term(self, taxonomy: str, slug: str) -> int:
        found = self.get(taxonomy, slug=slug, _fields="id")
        return int(found[0]["id"])

    def edit_post(self, post: int, **changes: Any) -> Item:
        return dict(self.call("POST", f"posts/{post}", changes).json())

    def unpublish(self, post: int) -> Item:
        return self.edit_post(post, status="draft")

    def trash_post(self, post: int) -> Item:
        return dict(self.call("DELETE", f"posts/{post}").json())

    def post(self, post: int) -> Item:
        return dict(self.get(f"posts/{post}"))

    def posts(self, **params: Any) -> list[Item]:
        """What everyone may read; with context="edit" and status=EVERY_STATUS also what only editors may."""
        return self.everything("posts", **params)

    # Comments

    def comment(self, post: int, text: str, *, parent: int = 0) -> Item:
        """Waits when WordPress finds this person too quick: it takes one comment in 15 seconds from each."""
        for _ in range(9):
            try:
                return dict(self.call("POST", "comments", {"post": post, "content": text, "parent": parent}).json())
            except requests.HTTPError as error:
                if error.response is None or error.response.json().get("code") != "comment_flood":
                    raise
                time.sleep(2)
        raise TimeoutError(f"WordPress keeps refusing comments on post {post} as too quick.")

    def edit_comment(self, comment: int, text: str) -> Item:
        """Only moderators, and the author of the post, may."""
        return dict(self.call("POST", f"comments/{comment}", {"content": text}).json())

    def delete_comment(self, comment: int, *, for_good: bool = False) -> Item:
        return dict(self.call("DELETE", f"comments/{comment}", force=str(for_good).lower()).json())

    def comments(self, post: int | None = None, **params: Any) -> list[Item]:
        if post is not None:
            params["post"] = post
        return self.everything("comments", **params)
