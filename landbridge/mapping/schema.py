"""JSON Schema of mapping files, so that editors complete and check them."""

from __future__ import annotations

from typing import Any, get_args

from landbridge.mapping.canonical import canonical_paths
from landbridge.mapping.files import Direction, Strength
from landbridge.mapping.transforms import TRANSFORMS
from landbridge.model import KINDS


def mapping_schema() -> dict[str, Any]:
    """Draft 2020-12; what `fields` may hold follows from `kind`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Landbridge mapping",
        "description": "One stream of a system and the kind it maps to; each line serves both directions.",
        "type": "object",
        "additionalProperties": False,
        "required": ["system", "stream", "kind", "fields", "examples"],
        "properties": _properties(),
        "allOf": [_fields_of(kind) for kind in KINDS],
        "$defs": {
            "expression": _expression(),
            "field": _field(),
            "example": _example(),
        },
    }


def _properties() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return {
        "system": {
            **text,
            "description": "The connector's name; the system's where the connector has no mappings of its own.",
        },
        "stream": {**text, "description": "The stream's name in the connector."},
        "kind": {"enum": list(KINDS)},
        "only": {
            **text,
            "description": "A condition over the native record; what it refuses is filtered and counted.",
        },
        "match": {
            "type": "array",
            "items": text,
            "description": "Fields that identify, the strongest first.",
        },
        "fields": {
            "type": "object",
            "minProperties": 1,
            "description": "Canonical path: where the system has it.",
        },
        "create": {
            "type": "object",
            "description": "Native values set only on create.",
        },
        "examples": {
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/$defs/example"},
        },
    }


def _fields_of(kind: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path, shape in canonical_paths(kind).items():
        hint = {"description": f"One of {', '.join(sorted(shape.words))}."} if shape.words else {}
        fields[path] = {"$ref": "#/$defs/field", **hint}
    return {
        "if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
        "then": {"properties": {"fields": {"properties": fields, "additionalProperties": False}}},
    }


def _expression() -> dict[str, Any]:
    transforms = "\n".join(f"- {one.usage}: {one.does}" for one in TRANSFORMS.values())
    return {
        "description": f"A path, `a or b`, a condition, or `path | transform`.\n{transforms}",
        "oneOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "minLength": 1},
            },
        ],
    }


def _field() -> dict[str, Any]:
    return {
        "oneOf": [
            {"$ref": "#/$defs/expression"},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["native"],
                "properties": {
                    "native": {"$ref": "#/$defs/expression"},
                    "strength": {"enum": list(get_args(Strength)), "default": "normal"},
                    "direction": {"enum": list(get_args(Direction)), "default": "both"},
                },
            },
        ]
    }


def _example() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "native", "canonical"],
        "properties": {
            "name": {"type": "string"},
            "native": {"type": "object"},
            "canonical": {"type": "object"},
            "into_only": {"type": "boolean", "description": "Not run outwards."},
            "out": {
                "type": "object",
                "description": "What writing gives, where it is not part of the native.",
            },
        },
    }
