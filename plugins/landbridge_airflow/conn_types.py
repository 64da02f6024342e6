"""Where the forms of Airflow's connection types are kept."""

from __future__ import annotations

from pathlib import Path

FORMS = Path(__file__).with_name("connection_forms.json")
