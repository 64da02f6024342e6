"""Connectors are found by the entry point group `landbridge.connectors`, also those outside this repository."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from landbridge.connector.base import Connector
from landbridge.errors import ConfigError, did_you_mean

GROUP = "landbridge.connectors"
_CONN_TYPE = "landbridge_"


@cache
def _found() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def connector_names(distribution: str | None = None) -> list[str]:
    """All, or those that one distribution brings."""
    return sorted(name for name, entry in _found().items() if distribution in (None, entry.dist and entry.dist.name))


def conn_type(name: str) -> str:
    """How Airflow calls the connections of this connector."""
    return f"{_CONN_TYPE}{name}"


def meant_for(conn_type: str) -> str | None:
    """The connector whose connections have this type; None for a type that is not Landbridge's."""
    return conn_type.removeprefix(_CONN_TYPE) if conn_type.startswith(_CONN_TYPE) else None


def connector_class(name: str) -> type[Connector]:
    """The class by its name. Raises ConfigError that lists what is there."""
    entry = _found().get(name)
    if entry is None:
        raise ConfigError(
            f"No connector {name!r} is installed.",
            remedy=f"{did_you_mean(name, connector_names(), 'Installed')} One of your own: pip install -e its folder.",
        )
    try:
        loaded = entry.load()
    except ImportError as error:
        raise ConfigError(
            f"The connector {name!r} cannot be loaded: {error}.", remedy=f"Install its extra: landbridge[{name}]."
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Connector)):
        raise ConfigError(f"Entry point {name!r} of {GROUP} is not a Connector class.")
    return loaded


def mapping_folders(names: Collection[str]) -> list[Path]:
    """Where these connectors keep mappings of their own: `mappings/<connector>/<stream>.yaml` beside their module.

    No connector is imported for it, since the DAG files ask whenever they are parsed.
    """
    folders = dict.fromkeys(_folder(entry) for name, entry in _found().items() if name in names)
    return [folder / "mappings" for folder in folders if folder and (folder / "mappings").is_dir()]


def _folder(entry: EntryPoint) -> Path | None:
    """The folder of the connector's module; None where that lies among others' in site-packages, or nowhere."""
    package, *below = entry.module.split(".")[:-1] or [""]
    spec = find_spec(package) if package else None
    place = next(iter(spec.submodule_search_locations or ()), None) if spec else None
    return Path(place, *below) if place else None
