"""Streams as Airflow assets, so that Airflow's own graph shows which system is joined to which."""

from __future__ import annotations

from airflow.sdk import Asset


def asset(stream: str) -> Asset:
    """The asset of "system/stream"."""
    return Asset(name=stream, uri=f"landbridge://{stream}", group="landbridge")


def system_of(stream: str) -> str:
    """The system of "system/stream"."""
    return stream.partition("/")[0]
