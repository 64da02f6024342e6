"""What Airflow is told about Landbridge's connection types.

Asked for while Airflow itself is still being imported, in every process: so this reads a generated file and imports
neither Airflow nor a connector, except one that came from another distribution and has no entry in the file.
"""

from __future__ import annotations

import json
import logging
from importlib.metadata import version
from typing import Any

from landbridge.connector.registry import conn_type, connector_names
from landbridge_airflow.conn_types import FORMS

log = logging.getLogger(__name__)


def get_provider_info() -> dict[str, Any]:
    return {
        "package-name": "landbridge",
        "name": "Landbridge",
        "description": "Joins a company's social tools to its core systems.",
        "versions": [version("landbridge")],
        "connection-types": connection_types(),
    }


def connection_types() -> list[dict[str, Any]]:
    """One per installed connector."""
    known = {form["connection-type"]: form for form in json.loads(FORMS.read_text())}
    return [found for name in connector_names() if (found := known.get(conn_type(name)) or _foreign(name))]


def _foreign(name: str) -> dict[str, Any] | None:
    from landbridge_airflow.forms import form

    try:
        return form(name)
    except Exception as error:  # another's broken connector must not take all of Airflow down
        log.warning("The connector %s cannot be loaded, its connections have no form: %s", name, type(error).__name__)
        return None
