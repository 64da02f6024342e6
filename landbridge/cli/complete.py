"""What the shell offers after Tab; where the configuration cannot be read, nothing."""

from __future__ import annotations

from pathlib import Path

import typer

from landbridge.errors import LandbridgeError
from landbridge.model import KINDS
from landbridge.sync import Company, load_company


def flows_of(context: typer.Context, incomplete: str) -> list[str]:
    company = _company(context)
    return _starting(company.flows, incomplete) if company else []


def systems_of(context: typer.Context, incomplete: str) -> list[str]:
    company = _company(context)
    return _starting(company.systems, incomplete) if company else []


def streams_of(context: typer.Context, incomplete: str) -> list[str]:
    company, system = _company(context), context.params.get("system")
    return _starting(company.systems[system].streams, incomplete) if company and system in company.systems else []


def kinds_of(incomplete: str) -> list[str]:
    return _starting(KINDS, incomplete)


def _company(context: typer.Context) -> Company | None:
    home = context.params.get("home")
    try:
        return load_company(Path(home) if home else None)
    except LandbridgeError:
        return None


def _starting(names: object, incomplete: str) -> list[str]:
    return [name for name in names if str(name).startswith(incomplete)]  # type: ignore[attr-defined]
