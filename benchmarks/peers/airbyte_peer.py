"""PyAirbyte with a declarative source to PostgreSQL, merged by primary key.

python airbyte_peer.py default KIND SOURCE DATABASE_URL FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any
from urllib.parse import urlsplit

parser = argparse.ArgumentParser()
for name in ("variant", "kind", "source", "database", "folder"):
    parser.add_argument(name)
options = parser.parse_args()

# Before airbyte is imported: it asks then.
os.environ |= {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1", "AIRBYTE_PROJECT_DIR": options.folder}

import airbyte  # noqa: E402
from airbyte.caches import PostgresCache  # noqa: E402
from airbyte.strategies import WriteStrategy  # noqa: E402

_OBJECT = {"type": ["object", "null"], "additionalProperties": True}
_TYPES: dict[str, dict[str, Any]] = {
    "active": {"type": ["boolean", "null"]}, "profile": _OBJECT, "flags": _OBJECT, "links": _OBJECT, "client": _OBJECT,
    "tags": {"type": ["array", "null"], "items": {"type": "string"}},
}  # fmt: skip
_FIELDS = {
    "users": "id number login profile manager_id active flags links padding created_at updated_at",
    "documents": "id title body summary language author_id state category tags url path revision links padding "
    "published_at updated_at",
    "messages": "id room_id thread_id author_id text client url padding sent_at updated_at",
}


def manifest() -> dict[str, Any]:
    """As Airbyte's Connector Builder makes it."""
    fields = {name: _TYPES.get(name, {"type": ["string", "null"]}) for name in _FIELDS[options.kind].split()}
    requester = {"type": "HttpRequester", "url_base": options.source, "path": f"/{options.kind}", "http_method": "GET"}
    paginator = {
        "type": "DefaultPaginator",
        "page_token_option": {"type": "RequestOption", "field_name": "page", "inject_into": "request_parameter"},
        "pagination_strategy": {"type": "PageIncrement", "page_size": 1000, "start_from_page": 1},
    }
    selector = {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}}
    schema = {"$schema": "http://json-schema.org/schema#", "type": "object", "properties": fields}
    stream = {
        "type": "DeclarativeStream", "name": options.kind, "primary_key": ["id"],
        "retriever": {"type": "SimpleRetriever", "requester": requester, "record_selector": selector, "paginator": paginator},
        "schema_loader": {"type": "InlineSchemaLoader", "schema": schema},
    }  # fmt: skip
    return {
        "type": "DeclarativeSource", "version": "6.0.0", "streams": [stream],
        "check": {"type": "CheckStream", "stream_names": [options.kind]},
        "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}},
    }  # fmt: skip


def main() -> None:
    address = urlsplit(options.database)
    cache = PostgresCache(
        host=address.hostname or "", port=address.port or 5432, username=address.username or "",
        password=address.password or "", database=address.path.lstrip("/"), schema_name="bench",
        cache_dir=options.folder,
    )  # fmt: skip
    source = airbyte.get_source("source-bench", config={}, source_manifest=manifest(), streams=[options.kind])
    source.read(cache=cache, write_strategy=WriteStrategy.MERGE)
    print(json.dumps({"version": f"PyAirbyte {airbyte.version.get_version()}"}))


if __name__ == "__main__":
    main()
