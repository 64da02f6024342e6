"""Connection forms made from connectors' Configs; `python -m landbridge_airflow.forms` keeps connection_forms.json."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from landbridge.connector import ConnectionConfig, conn_type, connector_class, connector_names
from landbridge_airflow.conn_types import FORMS

STANDARD = ("host", "login", "password")
LABELS = {"host": "Base URL", "login": "Login", "password": "Password"}
ACRONYMS = {"api", "ca", "id", "ldap", "scim", "sql", "tls", "url"}
# What JSON Schema says about a value and Airflow's form can show.
SHOWN = ("type", "default", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "items")


def form(name: str) -> dict[str, Any]:
    """The connection type of one connector, as Airflow's provider info wants it. Imports the connector."""
    cls = connector_class(name)
    schema = cls.Config.model_json_schema()
    fields = cls.Config.model_fields
    extra = [field for field in fields if field not in STANDARD]
    # What has to be filled in stands first; otherwise as the Config declares it.
    extra.sort(key=lambda field: not fields[field].is_required())
    return {
        "connection-type": conn_type(name),
        "hook-name": hook_name(cls.__name__),
        "hook-class-name": f"landbridge_airflow.hooks.{name}",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port", "extra", *_unused(cls.Config)],
            "relabeling": {field: _label(field, fields[field]) for field in STANDARD},
            "placeholders": {field: said for field in STANDARD if (said := _placeholder(fields[field]))},
        },
        "conn-fields": {field: _field(field, fields[field], schema) for field in extra},
    }


def hook_name(connector: str) -> str:
    """What the list of connection types says."""
    return f"Landbridge: {connector.upper() if connector.lower() in ACRONYMS else connector}"


def _placeholder(info: FieldInfo) -> str:
    """An example, or the description: Airflow's form shows none beside these fields."""
    return str(info.examples[0]) if info.examples else info.description or ""


def _unused(config: type[ConnectionConfig]) -> list[str]:
    """A Config says that it has no login or password by declaring the field as always None."""
    return [field for field in ("login", "password") if config.model_fields[field].annotation is type(None)]


def _label(field: str, info: FieldInfo) -> str:
    words = " ".join(word.upper() if word in ACRONYMS else word for word in field.split("_"))
    return info.title or LABELS.get(field) or words[:1].upper() + words[1:]


def _field(field: str, info: FieldInfo, schema: dict[str, Any]) -> dict[str, Any]:
    found = {"label": _label(field, info), "schema": _shown(schema["properties"][field], info, schema.get("$defs", {}))}
    if info.description:
        found["description"] = info.description
    return found


def _shown(property_: dict[str, Any], info: FieldInfo, definitions: dict[str, Any]) -> dict[str, Any]:
    """The property with references resolved and alternatives joined: Airflow's form knows neither."""
    alternatives = [_resolved(part, definitions) for part in property_.get("anyOf", [property_])]
    shown: dict[str, Any] = {}
    for alternative in alternatives:
        shown.update({name: alternative[name] for name in SHOWN if name in alternative and name != "type"})
    if "items" in shown:
        shown["items"] = _resolved(shown["items"], definitions)
    types = [alternative.get("type", "string") for alternative in alternatives]
    if not info.is_required() and "null" not in types:
        types.append("null")
    shown["type"] = types[0] if len(types) == 1 else types
    if "default" in property_:
        shown["default"] = property_["default"]
    if _is_secret(info):
        shown["format"] = "password"
        shown.pop("default", None)
    return shown


def _resolved(part: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref", "").rpartition("/")[2]
    return {**definitions.get(reference, {}), **{name: value for name, value in part.items() if name != "$ref"}}


def _is_secret(info: FieldInfo) -> bool:
    return SecretStr in (info.annotation, *getattr(info.annotation, "__args__", ()))


def text() -> str:
    """The file as it should be."""
    return json.dumps([form(name) for name in connector_names()], indent=2) + "\n"


if __name__ == "__main__":
    FORMS.write_text(text())
