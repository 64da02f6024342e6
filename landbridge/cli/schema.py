"""`landbridge schema write`: JSON Schemas of all configuration files, so that editors complete and check them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from landbridge.cli.app import group
from landbridge.cli.command import command
from landbridge.cli.exits import Exit
from landbridge.cli.files import CHECK, Files, show
from landbridge.cli.output import words
from landbridge.cli.session import Session
from landbridge.mapping import mapping_schema
from landbridge.policy import PolicyConfig
from landbridge.sync.config import Duration, FlowConfig, Rate, SystemsFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WRITTEN_AS: dict[Any, tuple[str, str]] = {
    get_args(Duration)[1].func: (
        r"^(at once|\d+\s*(second|minute|hour|day|week)s?)$",
        'A duration: "15 minutes", "1 hour", "30 days" or "at once".',
    ),
    get_args(Rate)[1].func: (
        r"^\d+(\.\d+)?\s*/\s*(s|second|min|minute|h|hour)$",
        'Requests in a time: "50/s", "60/min".',
    ),
}
FILES: dict[str, tuple[str, type[BaseModel]]] = {
    "systems": ("config/systems.yaml: the systems and how they are read and written", SystemsFile),
    "flow": ("config/flows/<flow>.yaml: what feeds a kind, and where it is shown", FlowConfig),
    "policy": ("config/policy.yaml: what may be seen more widely, and what is not to be read", PolicyConfig),
}

app = group("schema")


class _Generator(GenerateJsonSchema):
    """Values as they are written in YAML, not as pydantic holds them."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        written = _WRITTEN_AS.get(schema["function"]["function"])
        if written is None:
            return super().function_before_schema(schema)
        return {"type": "string", "pattern": written[0], "description": written[1]}

    def encode_default(self, dft: Any) -> Any:
        return words(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def schema_of(model: type[BaseModel], title: str, description: str) -> dict[str, Any]:
    made = model.model_json_schema(schema_generator=_Generator)
    _write_rates(made)
    return {"$schema": DIALECT, **made, "title": title, "description": description}


def _write_rates(made: dict[str, Any]) -> None:
    """A rate is held as a number of requests a second, which no file may say."""
    for part in made.get("$defs", {}).values():
        rate = part.get("properties", {}).get("rate", {})
        if isinstance(rate.get("default"), float):
            rate["default"] = f"{rate['default']:g}/s"


def schemas() -> dict[str, dict[str, Any]]:
    """File name → schema."""
    found = {
        f"{name}.schema.json": schema_of(model, f"Landbridge {name}", says) for name, (says, model) in FILES.items()
    }
    return {"mapping.schema.json": mapping_schema(), **found}


def texts() -> dict[str, str]:
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas().items()}


@command(
    app, "write",
    ("landbridge schema write", "After an upgrade, so that the editor knows the new options."),
    ("landbridge schema write --check", "Only say whether they are as they should be."),
)  # fmt: skip
def write(session: Session, check: CHECK = False) -> Exit:
    """Write config/schemas/*.schema.json.

    An editor uses one where the first line of a YAML file is, for instance for a flow,
    `# yaml-language-server: $schema=../schemas/flow.schema.json`.
    """
    files = Files(session.home / "config" / "schemas", texts())
    return show(session, files, check)
