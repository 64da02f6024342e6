"""dlt from the local source to PostgreSQL, merged by primary key.

default   its REST source and its own choice of everything else
csv       the same, loaded by COPY
arrow     pages turned into Arrow tables first, which skips dlt's own normalising; also loaded by COPY

python dlt_peer.py default|csv|arrow KIND SOURCE DATABASE_URL FOLDER [--since MOMENT]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from typing import Any

parser = argparse.ArgumentParser()
for name in ("variant", "kind", "source", "database", "folder"):
    parser.add_argument(name)
parser.add_argument("--since", default="")
options = parser.parse_args()

# Before dlt is imported: it reads its settings then.
os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "DLT_DATA_DIR": options.folder,
    "DLT_PROJECT_DIR": options.folder,
}  # fmt: skip

import dlt  # noqa: E402
from dlt.sources.helpers.rest_client import RESTClient  # noqa: E402
from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402


def rest() -> Any:
    endpoint: dict[str, Any] = {"path": options.kind, "data_selector": "$", "paginator": HeaderLinkPaginator()}
    if options.since:
        endpoint["params"] = {"since": "{incremental.start_value}"}
        endpoint["incremental"] = {"cursor_path": "updated_at", "initial_value": options.since}
    resource = {"name": options.kind, "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}
    nesting = None if options.variant == "default" else 0
    client = {"base_url": options.source}
    return rest_api_source({"client": client, "resources": [resource]}, max_table_nesting=nesting)  # type: ignore[typeddict-item]


def flat(native: dict[str, Any]) -> dict[str, Any]:
    """One level, as a table needs it: what is nested deeper becomes JSON text."""
    found: dict[str, Any] = {}
    for key, value in native.items():
        if isinstance(value, dict) and key == "profile":
            found |= {f"{key}__{name}": one for name, one in flat(value).items()}
        else:
            found[key] = json.dumps(value) if isinstance(value, dict | list) else value
    return found


def tables() -> Iterator[Any]:
    import pyarrow

    params = {"since": options.since} if options.since else {}
    client = RESTClient(options.source, paginator=HeaderLinkPaginator())
    for page in client.paginate(options.kind, params=params):
        if page:
            yield pyarrow.Table.from_pylist([flat(one) for one in page])


def main() -> None:
    pipeline = dlt.pipeline(
        f"bench_{options.variant}", destination=dlt.destinations.postgres(options.database), dataset_name="bench",
        pipelines_dir=options.folder,
    )  # fmt: skip
    if options.variant == "arrow":
        data = dlt.resource(tables, name=options.kind, primary_key="id", write_disposition="merge")
    else:
        data = rest()
    pipeline.run(data, loader_file_format=None if options.variant == "default" else "csv")
    print(json.dumps({"version": f"dlt {dlt.__version__}"}))


if __name__ == "__main__":
    main()
