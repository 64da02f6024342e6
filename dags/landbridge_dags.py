"""All DAGs of Landbridge, made from config/. Not named landbridge.py: Airflow puts this folder on the import path."""

from __future__ import annotations

from landbridge_airflow.factory import build

globals().update(build())
