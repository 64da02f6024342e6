"""A Discourse forum: categories, topics, posts, people; 60 calls a minute and key, deletions that administrators see."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.company import Company
from sandbox.emulators.base import Emulator, Limits, Refused, Reply, Request, route
from sandbox.emulators.system import EmulatedSystem

PAGE = 50
USERS_PAGE = 100
OWN = "landbridge"
# What every answer has and nothing here depends on.
POST = dict.fromkeys(
    (
        "deleted_at", "edit_reason", "flair_bg_color", "flair_color", "flair_name", "flair_url", "primary_group_name",
        "reply_to_post_number", "user_title",
    )
) | dict.fromkeys(
    ("admin", "bookmarked", "can_recover", "can_wiki", "hidden", "moderator", "staff", "user_deleted", "wiki", "yours"), False
) | dict.fromkeys(
    ("incoming_link_count", "quote_count", "readers_count", "reads", "reply_count", "reviewable_score_count",
     "reviewable_score_pending_count", "score"), 0
) | {
    "actions_summary": [], "avatar_template": "/letter.png", "can_delete": True, "can_edit": True,
    "can_view_edit_history": True, "post_type": 1, "trust_level": 1,
}  # fmt: skip
TOPIC = dict.fromkeys(
    ("deleted_at", "deleted_by", "draft", "featured_link", "image_url", "pinned_at", "pinned_until",
     "slow_mode_enabled_until", "thumbnails", "topic_timer", "unpinned")
) | dict.fromkeys(
    ("archived", "bookmarked", "closed", "has_deleted", "has_summary", "pinned", "pinned_globally", "show_read_indicator"), False
) | dict.fromkeys(
    ("draft_sequence", "like_count", "message_bus_last_id", "participant_count", "reply_count", "slow_mode_seconds", "views",
     "word_count"), 0
) | {name: [] for name in ("actions_summary", "bookmarks", "suggested_topics", "tags", "timeline_lookup")} | {
    "archetype": "regular", "chunk_size": 20, "visible": True, "tags_descriptions": {},
}  # fmt: skip
DETAILS = {"can_edit": True, "can_remove_self_id": 1, "notification_level": 1, "participants": []} | dict.fromkeys(
    (
        "can_move_posts", "can_delete", "can_remove_allowed_users", "can_create_post", "can_reply_as_new_topic",
        "can_invite_to", "can_invite_via_email", "can_flag_topic", "can_convert_topic", "can_review_topic",
        "can_close_topic", "can_archive_topic", "can_split_merge_topic", "can_edit_staff_notes",
        "can_toggle_topic_visibility", "can_pin_unpin_topic", "can_banner_topic", "can_moderate_category",
    ), True,
)  # fmt: skip
CATEGORY = dict.fromkeys(
    (
        "emoji", "icon", "description", "description_excerpt", "topic_url", "topic_template", "topic_title_placeholder",
        "subcategory_count", "sort_order", "sort_ascending", "default_view", "uploaded_logo", "uploaded_logo_dark",
        "uploaded_background", "uploaded_background_dark",
    )
) | dict.fromkeys(
    ("topic_count", "post_count", "position", "notification_level", "num_featured_topics", "minimum_required_tags",
     "topics_day", "topics_week", "topics_month", "topics_year", "topics_all_time"), 0
) | {
    "color": "0088CC", "text_color": "FFFFFF", "style_type": "square", "permission": 1, "can_edit": True,
    "show_subcategory_list": False, "subcategory_list_style": "rows", "default_top_period": "all",
    "default_list_filter": "all", "navigate_to_first_post_after_read": False,
}  # fmt: skip
USER = dict.fromkeys(
    ("last_seen_at", "last_emailed_at", "last_seen_age", "last_emailed_age", "created_at_age",
     "manual_locked_trust_level", "title")
) | dict.fromkeys(("time_read", "days_visited", "posts_read_count", "topics_entered", "post_count"), 0) | {
    "active": True, "admin": False, "moderator": False, "staged": False, "trust_level": 1, "secondary_emails": [],
    "avatar_template": "/letter.png", "created_at": "2026-01-01T00:00:00.000Z",
}  # fmt: skip

Json = dict[str, Any]


class Discourse(Emulator):
    name = "discourse"

    def __init__(self, *, per_minute: int = 60, **options: Any) -> None:
        super().__init__(**options)
        self.per_minute = per_minute
        self.limits = Limits(self.clock)
        self.users: dict[str, Json] = {}
        self.categories: dict[int, Json] = {}
        self.topics: dict[int, Json] = {}
        self.posts: dict[int, Json] = {}
        self.add_user(OWN, f"{OWN}@forum.example", admin=True)
        self.add_category("General")

    def seed(self, company: Company) -> None:
        for person in company.in_intranet():
            self.add_user(person.user_name, person.email, person.full_name)

    # As people use it

    def add_user(self, username: str, email: str, name: str | None = None, **other: Any) -> None:
        about = {"id": len(self.users) + 1, "username": username, "name": name, "email": email}
        self.users[username] = USER | about | other

    def add_category(self, name: str, *, restricted: bool = False, inside: int | None = None) -> int:
        number = len(self.categories) + 1
        self.categories[number] = {"id": number, "name": name, "restricted": restricted, "inside": inside}
        return number

    def write(self, username: str, raw: str, *, topic: int = 0, title: str = "", category: int = 1) -> Json:
        """A post: the first of a new topic where none is named."""
        if not topic:
            topic = len(self.topics) + 1
            self.topics[topic] = {"id": topic, "title": title, "category_id": category, "deleted": False}
        number = 1 + sum(post["topic_id"] == topic for post in self.posts.values())
        now = self._now()
        post = {
            "id": len(self.posts) + 1, "username": username, "raw": raw, "topic_id": topic, "post_number": number,
            "created_at": now, "updated_at": now, "version": 1,
        }  # fmt: skip
        self.posts[post["id"]] = post
        return post

    def edit(self, post: int, raw: str) -> None:
        known = self.posts[post]
        known |= {"raw": raw, "version": known["version"] + 1, "updated_at": self._now()}

    def remove(self, post: int) -> None:
        self.posts[post]["deleted_at"] = self._now()

    # As programs do

    def admit(self, request: Request) -> Reply | None:
        if request.headers.get("Api-Key") != self.token or self._who(request) not in self.users:
            error = {
                "errors": ["You are not permitted to view the requested resource."],
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
        return _missing().reply

    @route("GET", "/u/{username}.json")
    def user(self, request: Request) -> Reply:
        if request.values["username"] not in self.users:
            raise _missing()
        found = self.users[request.values["username"]]
        return Reply({"user_badges": [], "user": {name: found[name] for name in ("id", "username", "name", "admin")}})

    @route("GET", "/admin/users/list/active.json")
    def user_list(self, request: Request) -> Reply:
        if not self.users[self._who(request)]["admin"]:
            raise _missing()
        start = (int(request.params.get("page", 1)) - 1) * USERS_PAGE
        return Reply([user for user in self.users.values() if user["active"]][start : start + USERS_PAGE])

    @route("GET", "/categories.json")
    def category_list(self, request: Request) -> Reply:
        top = [self._category(one) for one in self.categories.values() if not one["inside"]]
        return Reply({"category_list": {"can_create_category": True, "can_create_topic": True, "categories": top}})

    @route("GET", "/posts.json")
    def latest(self, request: Request) -> Reply:
        before = int(request.params.get("before", 0)) or len(self.posts) + 1
        seen = [post for post in reversed(self.posts.values()) if post["id"] < before and self._visible(post)]
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
            "id": topic["id"], "title": topic["title"], "fancy_title": topic["title"], "slug": _slug(topic["title"]),
            "category_id": topic["category_id"], "posts_count": len(posts), "highest_post_number": len(posts),
            "created_at": posts[0]["created_at"], "last_posted_at": posts[-1]["created_at"], "user_id": 1,
            "draft_key": f"topic_{topic['id']}", "details": DETAILS | {"created_by": _person(), "last_poster": _person()},
            "post_stream": {"posts": [first], "stream": [post["id"] for post in posts]},
        }  # fmt: skip
        return Reply(TOPIC | about)

    @route("POST", "/posts.json")
    def create(self, request: Request) -> Reply:
        data: Json = request.json or {}
        if len(str(data.get("raw", ""))) < 5 or (not data.get("topic_id") and len(str(data.get("title", ""))) < 15):
            raise Refused({"action": "create_post", "errors": ["Too short."]}, 422)
        if data.get("topic_id") and (self.topics.get(data["topic_id"]) or {"deleted": True})["deleted"]:
            raise _missing()
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
        topic |= request.json["topic"]
        basic = {
            "id": topic["id"],
            "title": topic["title"],
            "fancy_title": topic["title"],
            "slug": _slug(topic["title"]),
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
            raise _missing()
        topic["deleted"] = True
        for post in [
            post for post in self.posts.values() if post["topic_id"] == topic["id"] and post["post_number"] == 1
        ]:
            self.remove(post["id"])
        return Reply()

    # Steps of the above

    def _who(self, request: Request) -> str:
        return request.headers.get("Api-Username", "")

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _post(self, request: Request) -> Json:
        found = self.posts.get(int(request.values["id"]))
        if found is None:
            raise _missing()
        return found

    def _topic(self, request: Request) -> Json:
        found = self.topics.get(int(request.values["id"]))
        if found is None:
            raise _missing()
        return found

    def _visible(self, post: Json) -> bool:
        return not post.get("deleted_at") and not self.topics[post["topic_id"]]["deleted"]

    def _plain(self, post: Json) -> Json:
        own = {name: value for name, value in post.items() if name != "raw"}
        slug = _slug(self.topics[post["topic_id"]]["title"])
        return POST | own | {"cooked": f"<p>{post['raw']}</p>", "topic_slug": slug, "user_id": 1, "reviewable_id": None}

    def _shown(self, post: Json) -> Json:
        names = {"name": post["username"], "display_username": post["username"]}
        about = {"raw": post["raw"], "posts_count": 1, "post_url": f"/t/{post['topic_id']}/{post['post_number']}"}
        return self._plain(post) | names | about

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
            "id": category["id"], "name": category["name"], "slug": _slug(category["name"]), "description_text": "",
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


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "topic"


def _person() -> Json:
    return {"id": 1, "username": OWN, "name": OWN, "avatar_template": "/letter.png"}


def _missing() -> Refused:
    return Refused({"errors": ["The requested URL or resource could not be found."], "error_type": "not_found"}, 404)
