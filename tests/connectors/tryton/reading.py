"""How the tests look at what the connector reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.tryton.connector import Tryton
from landbridge.connector import Complete, Record
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck

MAPPINGS = Path(__file__).parents[3] / "mappings" / "tryton"
COMPANY = halbrueck()
Make = Callable[..., Tryton]


def in_full(connector: Tryton, stream: str) -> dict[str, dict[str, Any]]:
    *items, last = connector.read(stream)
    assert isinstance(last, Complete)
    return {item.key: item.native for item in items if isinstance(item, Record)}


def claims(connector: Tryton, stream: str) -> dict[str, dict[str, Any]]:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    natives = {key: native for key, native in in_full(connector, stream).items() if mapping.accepts(native)}
    return {key: validate(mapping.kind, mapping.into(native).claim) for key, native in natives.items()}
