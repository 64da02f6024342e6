"""The history of the hub's tables, run from Python: a deployer needs neither alembic.ini nor the alembic command."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

# Alembic keeps the running migration in module globals.
_one_at_a_time = threading.Lock()


def upgrade(conn: Connection) -> None:
    config = _config()
    config.attributes["connection"] = conn
    with _one_at_a_time:
        command.upgrade(config, "head")


def current(conn: Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
