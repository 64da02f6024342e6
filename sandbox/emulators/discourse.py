"""A Discourse forum: categories, topics, posts, people, groups, files and accepted answers.

60 calls a minute and key; administrators see what was deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.company import Company
from sandbox.emulators.base import Limits, Refused, Reply, Request, route
from sandbox.emulators.discourse_parts import (
    CATEGORY,
    DETAILS,
    POST,
    TOPIC,
    USER,
    Json,
    missing,
    slug,
)
from sandbox.emulators.discourse_topics import Topics
from sandbox.emulators.system import EmulatedSystem

PAGE = 50
USERS_PAGE = 100
OWN = "landbridge"
HELP = "it-help"


class Discourse(Topics):
    name = "discourse"

    def __init__(self, *, per_minute: int = 60, **options: Any) -> None:
        super().__init__(**options)
        self.per_minute = per_minute
        self.limits = Limits(self.clock)
        self.categories: dict[int, Json] = {}
        self.add_user(OWN, f"{OWN}@forum.example", admin=True)
        self.add_category("General")
        self.add_group("admins", OWN, automatic=True)

    def seed(self, company: Company) -> None:
        """The questions of the help desk, with the answers that helped; a group for each department."""
        said = [one for one in company.messages if one.room == HELP]
        writers = {one.author for one in said}
        for person in company.people:
            if person in company.in_intranet() or person.user_name in writers:
                self.add_user(person.user_name, person.email, person.full_name)
        for department in company.departments:
            members = (one.user_name for one in company.people if one.department == department.code)
            self.add_group(slug(department.name), *(name for name in members if name in self.users))
        category, topics = self.add_category("IT help"), dict[str, int]()
        for one in said:
            title, topic = one.text.partition("\n")[0][:80], topics.get(one.thread or "", 0)
            post = self.write(one.author, one.text, topic=topic, title=title, category=category)
            topics[one.key] = post["topic_id"]
            if topic and any(emoji == "✅" for emoji, _ in one.reactions):
                self.accept(post["id"])

    # As people use it

    def add_user(self, username: str, email: str, name: str | None = None, **other: Any) -> None:
        about = {"id": len(self.users) + 1, "username": username, "name": name, "email": email}
        self.users[username] = USER | about | other

    def add_category(self, name: str, *, restricted: bool = False, inside: int | None = None) -> int:
        number = len(self.categories) + 1
        self.categories[number] = {"id": number, "name": name, "restricted": restricted, "inside": inside}
        return number

    def write(
        self, username: str, raw: str, *, topic: int = 0, title: str = "", category: int = 1, kind: int = 1
    ) -> Json:
        """A post: the first of a new topic where none is named; of kind 4 it is a whisper among the staff."""
        if not topic:
            topic = len(self.topics) + 1
            self.topics[topic] = {
                "id": topic, "title": title, "category_id": category, "deleted": False, "tags": [], "bumped_at": "",
            }  # fmt: skip
        number = 1 + sum(post["topic_id"] == topic for post in self.posts.values())
        now = self._now()
        post = {
            "id": len(self.posts) + 1, "username": username, "raw": raw, "topic_id": topic, "post_number": number,
            "created_at": now, "updated_at": now, "version": 1, "post_type": kind,
        }  # fmt: skip
        self.posts[post["id"]] = post
        self.topics[topic]["bumped_at"] = now
        return post

    def edit(self, post: int, raw: str) -> None:
        known = self.posts[post]
        known |= {"raw": raw, "version": known["version"] + 1, "updated_at": self._now()}

    def remove(self, post: int) -> None:
        self.posts[post]["deleted_at"] = self._now()

    def remove_topic(self, topic: int) -> None:
        """Its first post is deleted; the others are not shown any more."""
        self.topics[topic]["deleted"] = True
        self.remove(
            next(id for id, post in self.posts.items() if (post["topic_id"], post["post_number"]) == (topic, 1))
        )

    # As programs do

    def admit(self, request: Request) -> Reply | None:
        if request.headers.get("Api-Key") != self.token or self._who(request) not in self.users:
            error = {
                "errors": ["You are not permitted to view the requested resource. The API username or key is invalid."],
                "error_type": "invalid_access",
            }
            return Reply(error, 403)
        wait = self.limits.wait(self.token, self.per_minute, 60)
        if wait <= 0:
            return None
        seconds = int(wait) + 1
        error = {"errors": ["Slow down."], "error_type": "rate_limit", "extras": {"wait_seconds": seconds}}
        return Reply(error, 429, {"Retry-After": str(seconds)})

    def unknown(self, request: Request) -> Reply:
        return missing().reply

    @route("GET", "/u/{username}.json")
    def user(self, request: Request) -> Reply:
        if request.values["username"] not in self.users:
            raise missing()
        found = self.users[request.values["username"]]
        return Reply({"user_badges": [], "user": {name: found[name] for name in ("id", "username", "name", "admin")}})

    @route("GET", "/admin/users/list/active.json")
    def user_list(self, request: Request) -> Reply:
        if not self.users[self._who(request)]["admin"]:
            raise missing()
        start = (int(request.params.get("page", 1)) - 1) * USERS_PAGE
        return Reply([user for user in self.users.values() if user["active"]][start : start + USERS_PAGE])

    @route("GET", "/categories.json")
    def category_list(self, request: Request) -> Reply:
        top = [self._category(one) for one in self.categories.values() if not one["inside"]]
        return Reply({"category_list": {"can_create_category": True, "can_create_topic": True, "categories": top}})

    @route("GET", "/posts.json")
    def latest(self, request: Request) -> Reply:
        before = int(request.params.get("before", 0)) or len(self.posts) + 1
        last = before if self.old else before - 1
        seen = [post for post in reversed(self.posts.values()) if post["id"] <= last and self._visible(post)]
        # Whispers were listed for the staff once.
        seen = [post for post in seen if post["post_type"] == 1 or self.old]
        return Reply({"latest_posts": [self._listed(post) for post in seen[:PAGE]]})

    @route("GET", "/posts/{id}.json")
    def post(self, request: Request) -> Reply:
        return Reply(self._shown(self._post(request)))

    @route("GET", "/t/{id}.json")
    def topic(self, request: Request) -> Reply:
        topic = self._topic(request)
        posts = [post for post in self.posts.values() if post["topic_id"] == topic["id"]]
        first = self._plain(posts[0]) | {
            "name": posts[0]["username"], "display_username": posts[0]["username"], "read": True, "link_counts": [],
            "reviewable_id": 0,
        }  # fmt: skip
        about = {
            "id": topic["id"], "title": topic["title"], "fancy_title": topic["title"], "slug": slug(topic["title"]),
            "category_id": topic["category_id"], "posts_count": len(posts), "highest_post_number": len(posts),
            "created_at": posts[0]["created_at"], "last_posted_at": posts[-1]["created_at"], "user_id": 1,
            "draft_key": f"topic_{topic['id']}", "details": DETAILS | {"created_by": _person(), "last_poster": _person()},
            "post_stream": {"posts": [first], "stream": [post["id"] for post in posts]}, "tags": self._tags(topic),
            "deleted_at": posts[0].get("deleted_at"),
        }  # fmt: skip
        return Reply(TOPIC | about | self._answers(topic))

    @route("GET", "/posts/by_number/{topic}/{number}.json")
    def by_number(self, request: Request) -> Reply:
        wanted = (int(request.values["topic"]), int(request.values["number"]))
        found = [post for post in self.posts.values() if (post["topic_id"], post["post_number"]) == wanted]
        if not found:
            raise missing()
        return Reply(self._shown(found[0]))

    @route("POST", "/posts.json")
    def create(self, request: Request) -> Reply:
        data: Json = request.json or {}
        if len(str(data.get("raw", ""))) < 5 or (not data.get("topic_id") and len(str(data.get("title", ""))) < 15):
            raise Refused({"action": "create_post", "errors": ["Too short."]}, 422)
        if data.get("topic_id") and (self.topics.get(data["topic_id"]) or {"deleted": True})["deleted"]:
            raise missing()
        made = self.write(
            self._who(request), data["raw"], topic=data.get("topic_id", 0), title=data.get("title", ""),
            category=data.get("category", 1),
        )  # fmt: skip
        made |= {"created_at": data["created_at"]} if data.get("created_at") else {}
        return Reply(self._shown(made) | {"draft_sequence": 0})

    @route("PUT", "/posts/{id}.json")
    def update(self, request: Request) -> Reply:
        post = self._post(request)
        self.edit(post["id"], request.json["post"]["raw"])
        return Reply({"post": self._shown(post) | {"draft_sequence": 0}})

    @route("PUT", "/t/-/{id}.json")
    def rename(self, request: Request) -> Reply:
        topic = self._topic(request)
        told = dict(request.json["topic"])
        if "tags" in told:
            told["tags"] = [tag if isinstance(tag, str) else tag["name"] for tag in told["tags"] if tag]
        topic |= told
        basic = {
            "id": topic["id"],
            "title": topic["title"],
            "fancy_title": topic["title"],
            "slug": slug(topic["title"]),
        }
        return Reply({"basic_topic": basic | {"posts_count": 1}})

    @route("DELETE", "/posts/{id}.json")
    def delete(self, request: Request) -> Reply:
        self.remove(self._post(request)["id"])
        return Reply()

    @route("DELETE", "/t/{id}.json")
    def delete_topic(self, request: Request) -> Reply:
        topic = self._topic(request)
        if topic["deleted"]:
            raise missing()
        self.remove_topic(topic["id"])
        return Reply()

    # Steps of the above

    def _who(self, request: Request) -> str:
        return request.headers.get("Api-Username", "")

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _post(self, request: Request) -> Json:
        found = self.posts.get(int(request.values["id"]))
        if found is None:
            raise missing()
        return found

    def _topic(self, request: Request) -> Json:
        found = self.topics.get(int(request.values["id"]))
        if found is None:
            raise missing()
        return found

    def _visible(self, post: Json) -> bool:
        return not post.get("deleted_at") and not self.topics[post["topic_id"]]["deleted"]

    def _plain(self, post: Json) -> Json:
        own = {name: value for name, value in post.items() if name != "raw"}
        title = slug(self.topics[post["topic_id"]]["title"])
        about = {"cooked": f"<p>{post['raw']}</p>", "topic_slug": title, "user_id": 1, "reviewable_id": None}
        return POST | own | about | self._accepted(post)

    def _listed(self, post: Json) -> Json:
        topic = self.topics[post["topic_id"]]
        about = {
            "topic_title": topic["title"], "topic_html_title": topic["title"], "category_id": topic["category_id"],
            "excerpt": "", "truncated": False, "badges_granted": [], "can_see_hidden_post": True, "flair_group_id": None,
        }  # fmt: skip
        return self._shown(post) | about

    def _category(self, category: Json) -> Json:
        inside = [self._category(one) for one in self.categories.values() if one["inside"] == category["id"]]
        about = {
            "id": category["id"], "name": category["name"], "slug": slug(category["name"]), "description_text": "",
            "read_restricted": category["restricted"], "has_children": bool(inside),
            "subcategory_ids": [one["id"] for one in inside],
        }  # fmt: skip
        return CATEGORY | about | ({"subcategory_list": inside} if inside else {})


class DiscourseSystem(EmulatedSystem):
    name: ClassVar[str] = "discourse"
    emulator: ClassVar[str] = "sandbox.emulators.discourse:Discourse"
    connection: ClassVar[str] = "forum"

    def connections(self) -> dict[str, dict[str, Any]]:
        made = super().connections()
        return {name: data | {"login": OWN} for name, data in made.items()}


def _person() -> Json:
    return {"id": 1, "username": OWN, "name": OWN, "avatar_template": "/letter.png"}
