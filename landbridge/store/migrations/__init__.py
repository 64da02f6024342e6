"""The history of the hub's tables, run from Python: a deployer needs neither alembic.ini nor the alembic command.

Alembic is imported only where something has to be migrated: every command and task would pay for it.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
_PREFIX = "hub_"
# Alembic keeps the running migration in module globals.
_one_at_a_time = threading.Lock()


def upgrade(conn: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = conn
    with _one_at_a_time:
        command.upgrade(config, "head")


def current(conn: Connection) -> str | None:
    """The hub's revision; None where it has no tables yet."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def head() -> str:
    """The newest revision; each is named like its file."""
    return max(path.stem.removeprefix(_PREFIX) for path in (_HERE / "versions").glob(f"{_PREFIX}*.py"))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
