"""How Airflow calls Landbridge's connection types, and where their forms are kept."""

from __future__ import annotations

from pathlib import Path

FORMS = Path(__file__).with_name("connection_forms.json")


def conn_type(connector: str) -> str:
    return f"landbridge_{connector}"
