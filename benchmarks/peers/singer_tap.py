"""A Singer tap for the local source, as the SDK's cookiecutter makes it: `singer_tap.py --config FILE [--state FILE]`."""

from __future__ import annotations

import sys
from typing import Any, ClassVar
from urllib.parse import parse_qs

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import HeaderLinkPaginator

_STRING, _BOOLEAN = th.StringType(), th.BooleanType()
_OBJECT = th.ObjectType(additional_properties=True)
_PROPERTIES: dict[str, dict[str, Any]] = {
    "users": {
        "id": _STRING, "number": _STRING, "login": _STRING, "profile": _OBJECT, "manager_id": _STRING,
        "active": _BOOLEAN, "flags": _OBJECT, "links": _OBJECT, "padding": _STRING, "created_at": th.DateTimeType(),
        "updated_at": th.DateTimeType(),
    },
    "documents": {
        "id": _STRING, "title": _STRING, "body": _STRING, "summary": _STRING, "language": _STRING,
        "author_id": _STRING, "state": _STRING, "category": _STRING, "tags": th.ArrayType(_STRING), "url": _STRING,
        "path": _STRING, "revision": _STRING, "links": _OBJECT, "padding": _STRING, "published_at": th.DateTimeType(),
        "updated_at": th.DateTimeType(),
    },
    "messages": {
        "id": _STRING, "room_id": _STRING, "thread_id": _STRING, "author_id": _STRING, "text": _STRING,
        "client": _OBJECT, "url": _STRING, "padding": _STRING, "sent_at": th.DateTimeType(),
        "updated_at": th.DateTimeType(),
    },
}  # fmt: skip


class Records(RESTStream):
    """One kind; `since` is sent where a state is known."""

    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    is_sorted = False

    @property
    def url_base(self) -> str:
        return str(self.config["source"])

    def get_new_paginator(self) -> HeaderLinkPaginator:
        return HeaderLinkPaginator()

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        if next_page_token:
            return parse_qs(next_page_token.query)
        since = self.get_starting_replication_key_value(context) if self.config.get("incremental") else None
        return {"since": since} if since else {}


class Bench(Tap):
    """The local source."""

    name = "tap-bench"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("source", th.StringType, required=True),
        th.Property("kind", th.StringType, required=True),
        th.Property("incremental", th.BooleanType, default=False),
    ).to_dict()

    def discover_streams(self) -> list[RESTStream]:
        kind = self.config["kind"]
        schema = th.PropertiesList(*(th.Property(name, type_) for name, type_ in _PROPERTIES[kind].items())).to_dict()
        stream = Records(self, name=kind, schema=schema, path=f"/{kind}")
        return [stream]


class Tuned(Bench):
    """Writes messages by msgspec, as the SDK offers it."""

    message_writer_class: ClassVar[type] = MsgSpecWriter


if __name__ == "__main__":
    (Tuned if "--tuned" in sys.argv else Bench).cli([one for one in sys.argv[1:] if one != "--tuned"])
