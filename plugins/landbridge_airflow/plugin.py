"""The pages' place in Airflow.

Airflow loads plugins in the processes that it forks tasks from: with the engine imported here, a task starts with it
in memory instead of importing it (0.2 s of CPU each). The web part is for the api-server alone and stays out.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

import landbridge_airflow.steps  # noqa: F401

PREFIX = "/landbridge"


class LandbridgePlugin(AirflowPlugin):
    name = "landbridge"

    external_views = [
        {
            "name": "Landbridge",
            "href": f"{PREFIX[1:]}/",
            "destination": "nav",
            "url_route": "landbridge",
            "nav_top_level": True,
            "icon": f"{PREFIX[1:]}/static/icon.svg",
            "icon_dark_mode": f"{PREFIX[1:]}/static/icon-dark.svg",
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Asked for by the api-server only."""
        from landbridge_airflow.web.app import make_app

        return [{"app": make_app(), "url_prefix": PREFIX, "name": "Landbridge"}]
