"""Who may act, and from where."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from fastapi import HTTPException, Request


def may_write(user: Any) -> bool:
    """Whoever may start a run. Not the custom-view permission: that lets a viewer post."""
    return bool(
        get_auth_manager().is_authorized_dag(
            method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(), user=user
        )
    )


def same_origin(request: Request) -> None:
    """A form on another site would be sent with the user's cookie; browsers say where a form came from."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise HTTPException(403, "This form came from another site.")
    if site is None and origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "This form came from another site.")
