"""The recordings beside a connector's tests: is a secret in one of them that a scrubbing would have replaced?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr

from landbridge.connector import Connector
from landbridge.testing.recording import SECRET

# As products mark theirs, so that they are found wherever they stand.
_MARKED = re.compile(
    r"\b(?:xox[a-z]-|xapp-|gh[pousr]_|github_pat_|glpat-|pat-[a-z]{2}\d-|sk_live_|AKIA|ya29\.)[\w.-]{8,}"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def leaks(cls: type[Connector], tests: Path) -> Iterator[tuple[Path, int, str]]:
    """File, line (1-based) and what stands there, by its field or kind; never the secret itself."""
    for file in sorted(tests.rglob(f"recordings/{cls.system}*.json")):
        text = file.read_text(encoding="utf-8")
        for name, value in _of_config(cls, text):
            yield file, _line(text, text.find(json.dumps(value, ensure_ascii=False))), f"the connection's {name}"
        for found in _MARKED.finditer(text):
            yield file, _line(text, found.start()), f"what looks like a secret ({found[0][:4]}…)"


def _of_config(cls: type[Connector], text: str) -> Iterator[tuple[str, Any]]:
    try:
        data = json.loads(text)
    except ValueError:
        return
    config = data.get("config") if isinstance(data, dict) else None
    for name, value in config.items() if isinstance(config, dict) else ():
        field = cls.Config.model_fields.get(name)
        if field and SecretStr in (field.annotation, *get_args(field.annotation)) and value not in (SECRET, None, ""):
            yield name, value


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, max(at, 0)) + 1
