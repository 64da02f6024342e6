"""Singer's pipe: the tap | target-postgres, upserting.

default   as installed
tuned     COPY, batches of 50,000, no validation of each record, msgspec instead of json where the SDK has it

python singer_peer.py default|tuned KIND SOURCE DATABASE_URL FOLDER [--since MOMENT]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

TUNED = {"use_copy": True, "batch_size_rows": 50_000, "validate_records": False, "add_record_metadata": False,
         "activate_version": False}  # fmt: skip


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("variant", "kind", "source", "database", "folder"):
        parser.add_argument(name)
    parser.add_argument("--since", default="")
    return parser.parse_args()


def written(folder: Path, name: str, data: dict[str, Any]) -> str:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(data))
    return str(path)


def main() -> None:
    options = arguments()
    folder = Path(options.folder)
    bin_, here = Path(sys.executable).parent, Path(__file__).parent
    tuned = options.variant == "tuned"
    tap = {"source": options.source, "kind": options.kind, "incremental": bool(options.since)}
    url = options.database.replace("postgresql://", "postgresql+psycopg://")
    target = {"sqlalchemy_url": url, "default_target_schema": "bench", "load_method": "upsert"}
    if tuned:
        target |= TUNED
    loader = [sys.executable, str(here / "singer_target.py")] if tuned else [str(bin_ / "target-postgres")]
    command = [sys.executable, str(here / "singer_tap.py"), "--config", written(folder, "tap", tap)]
    if tuned:
        command.append("--tuned")
    if options.since:
        bookmark = {"replication_key": "updated_at", "replication_key_value": options.since}
        command += ["--state", written(folder, "state", {"bookmarks": {options.kind: bookmark}})]
    reading = subprocess.Popen(command, stdout=subprocess.PIPE)
    writing = subprocess.Popen(
        [*loader, "--config", written(folder, "target", target)],
        stdin=reading.stdout, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert reading.stdout is not None
    reading.stdout.close()
    codes = writing.wait(), reading.wait()
    if any(codes):
        sys.exit(f"target-postgres ended with {codes[0]}, the tap with {codes[1]}")
    versions = f"Singer SDK {version('singer-sdk')}, target-postgres {version('meltanolabs-target-postgres')}"
    print(json.dumps({"version": versions}))


if __name__ == "__main__":
    main()
