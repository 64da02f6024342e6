"""What Discourse says in each answer beside what matters here; of groups, uploads and lists of topics."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from sandbox.emulators.base import Refused, Request

Json = dict[str, Any]
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
GROUP = dict.fromkeys(
    ("title", "grant_trust_level", "incoming_email", "flair_url", "flair_bg_color", "flair_color", "bio_cooked",
     "bio_excerpt", "membership_request_template")
) | dict.fromkeys(
    ("primary_group", "has_messages", "public_admission", "public_exit", "allow_membership_requests", "publish_read_state"),
    False,
) | {
    "mentionable_level": 0, "messageable_level": 0, "visibility_level": 0, "default_notification_level": 3,
    "members_visibility_level": 0, "can_see_members": True, "can_admin_group": True,
}  # fmt: skip
# What a group says of itself beside what a list says of it.
ONE_GROUP = dict.fromkeys(
    ("automatic_membership_email_domains", "smtp_server", "smtp_port", "smtp_ssl_mode", "email_username", "email_password")
) | dict.fromkeys(
    ("is_group_user", "is_group_owner_display", "mentionable", "messageable", "allow_unknown_sender_topic_replies"), False
) | {"message_count": 0} | {
    f"{level}_category_ids": [] for level in ("watching", "tracking", "watching_first_post", "regular", "muted")
}  # fmt: skip
MEMBER = {"avatar_template": "/letter.png", "title": None, "timezone": "Europe/Berlin"} | dict.fromkeys(
    ("last_posted_at", "last_seen_at", "added_at"), "2026-01-01T00:00:00.000Z"
)
LISTED_TOPIC = {
    "reply_count": 0, "archetype": "regular", "visible": True, "closed": False, "archived": False, "pinned": False,
    "pinned_globally": False, "unseen": False, "bumped": True, "views": 0, "like_count": 0, "has_summary": False,
    "posters": [], "tags_descriptions": {},
}  # fmt: skip


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "topic"


def missing() -> Refused:
    return Refused({"errors": ["The requested URL or resource could not be found."], "error_type": "not_found"}, 404)


def uploaded(request: Request) -> tuple[str, bytes]:
    """Name and bytes of the file in a form."""
    head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    form = message_from_bytes(head + request.body, policy=HTTP)
    for part in form.iter_parts():  # type: ignore[attr-defined]
        if part.get_filename():
            return str(part.get_filename()), part.get_payload(decode=True)
    raise Refused({"errors": ["No file."], "error_type": "invalid_parameters"}, 400)


def group(one: Json) -> Json:
    return GROUP | {
        "id": one["id"], "name": one["name"], "display_name": one["name"], "full_name": one["full_name"],
        "bio_raw": one["bio_raw"], "automatic": one["automatic"], "user_count": len(one["members"]),
    }  # fmt: skip


def member(user: Json) -> Json:
    return MEMBER | {name: user[name] for name in ("id", "username", "name")}
