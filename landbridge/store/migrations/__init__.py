"""The history of the hub's tables, run from Python: a deployer needs neither alembic.ini nor the alembic command."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic keeps the running migration in module globals.
_one_at_a_time = threading.Lock()
_VERSION = text("SELECT version_num FROM alembic_version")


def upgrade(conn: Connection) -> None:
    # Here, because importing it takes a quarter of a second and hardly any process has anything to migrate.
    from alembic import command

    config = _config()
    config.attributes["connection"] = conn
    with _one_at_a_time:
        command.upgrade(config, "head")


def current(conn: Connection) -> str | None:
    """The revision that the database is at; None where it has no tables."""
    return conn.scalar(_VERSION) if inspect(conn).has_table("alembic_version") else None


@cache
def head() -> str:
    """The newest revision: files are named after theirs, which are numbered in order."""
    return max(path.stem for path in (Path(__file__).parent / "versions").glob("hub_*.py")).removeprefix("hub_")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
