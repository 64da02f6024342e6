"""The pages' place in Airflow. Loaded by every task process, so the web part is imported only when it is asked for."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

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
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Asked for by the api-server only."""
        from landbridge_airflow.web.app import make_app

        return [{"app": make_app(), "url_prefix": PREFIX, "name": "Landbridge"}]
