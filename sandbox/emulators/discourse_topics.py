"""What a Discourse forum says of topics in lists: tags, and which answers were accepted."""

from __future__ import annotations

from typing import Any

from sandbox.emulators.base import Reply, Request, route
from sandbox.emulators.discourse_groups import Groups
from sandbox.emulators.discourse_parts import LISTED_TOPIC, Json, missing, slug

TOPICS_PAGE = 30


class Topics(Groups):
    """Filled by the forum."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.topics: dict[int, Json] = {}
        self.posts: dict[int, Json] = {}
        # The plug-in for solutions; older versions repeat the last post on the next page, and name tags as texts.
        self.solved = True
        self.old = False
        self.solutions: dict[int, int] = {}

    def accept(self, post: int) -> None:
        self.solutions[self.posts[post]["topic_id"]] = post

    @route("GET", "/latest.json")
    def latest_topics(self, request: Request) -> Reply:
        named = request.params.get("topic_ids")
        found = [one for one in self.topics.values() if not one["deleted"]]
        if named is not None:
            found = [one for one in found if str(one["id"]) in named.split(",")]
        if self.solved and request.params.get("solved") == "yes":
            found = [one for one in found if one["id"] in self.solutions]
        found.sort(key=lambda one: one["bumped_at"], reverse=True)
        topics = [self._topic_listed(one) for one in found[:TOPICS_PAGE]]
        return Reply({"users": [], "primary_groups": [], "topic_list": {"per_page": TOPICS_PAGE, "topics": topics}})

    @route("GET", "/tags.json")
    def tag_list(self, request: Request) -> Reply:
        names = sorted({tag for topic in self.topics.values() for tag in topic["tags"]})
        tags = [
            {"id": name if self.old else at, "text": name, "name": name, "count": 1} for at, name in enumerate(names)
        ]
        return Reply({"tags": tags, "extras": {"categories": []}})

    @route("POST", "/solution/{done}.json")
    def solve(self, request: Request) -> Reply:
        post = self.posts.get(int(request.json["id"]))
        if not self.solved or post is None:
            raise missing()
        if request.values["done"] == "accept":
            self.accept(post["id"])
        else:
            self.solutions.pop(post["topic_id"], None)
        return Reply({"success": "OK"})

    def _tags(self, topic: Json) -> list[Any]:
        return [tag if self.old else {"id": at, "name": tag, "slug": slug(tag)} for at, tag in enumerate(topic["tags"])]

    def _answers(self, topic: Json) -> Json:
        post = self.posts.get(self.solutions.get(topic["id"], 0)) if self.solved else None
        if post is None:
            return {}
        if self.old:
            return {"accepted_answer": {"post_number": post["post_number"], "username": post["username"]}}
        return {"accepted_answers": [{"id": post["id"], "post_number": post["post_number"]}]}

    def _topic_listed(self, topic: Json) -> Json:
        about = {name: topic[name] for name in ("id", "title", "category_id", "bumped_at")}
        about |= {"fancy_title": topic["title"], "slug": slug(topic["title"]), "tags": self._tags(topic)}
        solved = {"has_accepted_answer": topic["id"] in self.solutions} if self.solved else {}
        return LISTED_TOPIC | about | solved

    def _accepted(self, post: Json) -> Json:
        if not self.solved:
            return {}
        answer = self.solutions.get(post["topic_id"])
        return {"accepted_answer": answer == post["id"], "topic_accepted_answer": answer is not None}

    def _shown(self, post: Json) -> Json:
        names = {"name": post["username"], "display_username": post["username"]}
        about = {"raw": post["raw"], "posts_count": 1, "post_url": f"/t/{post['topic_id']}/{post['post_number']}"}
        return self._plain(post) | names | about
