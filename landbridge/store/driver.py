"""The driver's own connection below SQLAlchemy's, for sets of rows."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
from sqlalchemy import Connection


def postgresql_of(conn: Connection) -> psycopg.Connection[Any] | None:
    """None where the hub is in SQLite."""
    driver = conn.connection.driver_connection
    return driver if isinstance(driver, psycopg.Connection) else None


def sqlite_of(conn: Connection) -> sqlite3.Connection:
    driver = conn.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
