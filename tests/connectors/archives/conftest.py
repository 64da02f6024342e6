"""Exports as the tools make them, small."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any, TypeVar

from connectors.archives.export import Export
from landbridge.connector import Connection

T = TypeVar("T", bound=Export)

SLACK: dict[str, Any] = {
    "users.json": [
        {"id": "U1", "name": "ada", "deleted": False, "profile": {"email": "ada@x.example", "real_name": "Ada Łoś"}},
        {"id": "U2", "name": "bo", "deleted": True, "profile": {"real_name": "Bo"}},
    ],
    "channels.json": [
        {"id": "C1", "name": "general", "is_archived": False, "topic": {"value": "All"}, "purpose": {"value": ""}},
        {"id": "C2", "name": "old", "is_archived": True},
    ],
    "groups.json": [{"id": "G1", "name": "board"}],
    "dms.json": [{"id": "D1", "members": ["U1", "U2"]}],
    "general/2026-01-02.json": [
        {"type": "message", "user": "U2", "text": "later", "ts": "1767312000.000100", "thread_ts": "1767225600.000100"},
        {"type": "message", "subtype": "tombstone", "user": "U1", "text": "gone", "ts": "1767312001.000100"},
    ],
    "general/2026-01-01.json": [
        {"type": "message", "subtype": "channel_join", "user": "U1", "text": "joined", "ts": "1767225500.000100"},
        {
            "type": "message", "user": "U1", "text": "Hi <@U2>", "ts": "1767225600.000100",
            "thread_ts": "1767225600.000100", "edited": {"user": "U1", "ts": "1767225700.000000"},
            "reactions": [{"name": "+1", "users": ["U2"], "count": 1}, {"name": "party_llama", "users": ["U1"], "count": 1}],
            "files": [
                {
                    "id": "F1", "name": "plan.pdf", "mimetype": "application/pdf", "size": 7,
                    "url_private_download": "https://files.slack.com/files-pri/T1-F1/download/plan.pdf?t=xoxe-s3cr3t",
                },
                {"id": "F2", "mode": "tombstone"},
            ],
        },
        {"type": "message", "subtype": "bot_message", "username": "Build", "text": "", "ts": "1767225601.000000",
         "attachments": [{"fallback": "Broken", "text": "*Broken*"}]},
    ],
    "board/2026-01-01.json": [{"type": "message", "user": "U1", "text": "secret", "ts": "1767225600.000200"}],
    "D1/2026-01-01.json": [{"type": "message", "user": "U1", "text": "between us", "ts": "1767225600.000300"}],
}  # fmt: skip


def packed(path: Path, members: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False))
    return path


def reader(cls: type[T], path: Path, **extra: Any) -> T:
    return cls(cls.Config.of(Connection("old", "x", str(path), extra=extra)))
