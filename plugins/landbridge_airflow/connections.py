"""Airflow's connections as Landbridge's."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from landbridge.connector import Connection
from landbridge.errors import ConfigError

HUB = "landbridge_hub"


def airflow_connection(connection_id: str) -> Connection:
    """From wherever Airflow keeps it: environment, secrets backend, metadata database. Raises ConfigError."""
    try:
        found = BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        raise ConfigError(
            f'Airflow has no connection "{connection_id}".',
            remedy=f"Add it under Admin → Connections, or set AIRFLOW_CONN_{connection_id.upper()}.",
        ) from None
    return converted(found)


def hub_url() -> str | None:
    """Of the connection landbridge_hub (extra `url`, or its parts); None leaves it to LANDBRIDGE_HUB or the default."""
    if os.environ.get("LANDBRIDGE_HUB"):
        return None
    try:
        found = BaseHook.get_connection(HUB)
    except AirflowNotFoundException:
        return None
    return str(found.extra_dejson.get("url") or found.get_uri())


def converted(found: Any) -> Connection:
    """An Airflow connection of either kind (task SDK or metadata database)."""
    # The form saves a field left empty as null or ""; to a Config that would be a value, not an absence.
    extra = {name: value for name, value in (found.extra_dejson or {}).items() if value not in (None, "")}
    return Connection(
        id=found.conn_id,
        type=found.conn_type or "",
        host=found.host,
        login=found.login,
        password=found.password,
        port=found.port,
        schema=found.schema,
        extra=extra,
    )
