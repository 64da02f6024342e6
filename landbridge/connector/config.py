"""A connection (address and secret of one system) and how a connector's Config is made of it.

Credentials live in Airflow connections. Outside Airflow the same connections come from `AIRFLOW_CONN_<ID>` variables
(JSON) or from the file that LANDBRIDGE_CONNECTIONS names (JSON: id → connection), mode 0600.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from landbridge.errors import ConfigError, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True)
class Connection:
    """One Airflow connection as data; never printed."""

    id: str
    type: str
    host: str | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    port: int | None = None
    schema: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False)


class ConnectionConfig(BaseModel):
    """Base of each connector's Config: `host` is the base URL; what the connector adds comes from the connection's extra."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    login: str | None = None
    password: SecretStr | None = None

    @classmethod
    def of(cls, connection: Connection, options: Mapping[str, Any] | None = None) -> Self:
        """`options` are fields from config/systems.yaml. Raises ConfigError that names the field, never a value."""
        given = {"host": connection.host, "login": connection.login, "password": connection.password}
        data = {name: value for name, value in given.items() if value not in (None, "")} | connection.extra
        for name in options or ():
            # Airflow's form says every field, also one that was left as it is.
            unsaid = (None, "", cls.model_fields[name].default if name in cls.model_fields else None)
            if data.get(name) not in unsaid or name in (*given, *cls._secrets()):
                raise ConfigError(
                    f'Connection "{connection.id}" ({connection.type}): {name} is no field for options.',
                    remedy="Say it in the connection, and only there.",
                )
        data |= options or {}
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            wrong = [cls._problem(one) for one in error.errors(include_input=False, include_url=False)]
            raise ConfigError(
                f'Connection "{connection.id}" ({connection.type}): {"; ".join(text for text, _ in wrong)}.',
                remedy=" ".join(filter(None, (remedy for _, remedy in wrong))) or "Correct the connection.",
            ) from None

    @classmethod
    def _problem(cls, entry: ErrorDetails) -> tuple[str, str]:
        """What is wrong, and a remedy where that does not say it all; never a value."""
        name = ".".join(str(part) for part in entry["loc"])
        info = cls.model_fields.get(name)
        meant = (info.description if info else None) or ""
        match entry["type"]:
            case "missing":
                return f"{name} is missing{f' ({meant})' if meant else ''}", ""
            case "extra_forbidden":
                return f"there is no field {name}", did_you_mean(name, cls.model_fields, "Fields")
            case "string_pattern_mismatch" if meant:
                return f"{name}: expected {meant}", ""
        said = entry["msg"].removeprefix("Value error, ").replace("Input should be ", "expected ")
        return f"{name}: {said}" if name else said, ""

    @classmethod
    def _secrets(cls) -> list[str]:
        fields = cls.model_fields.items()
        return [name for name, info in fields if SecretStr in (info.annotation, *get_args(info.annotation))]


def needed(value: T | None, problem: str, remedy: str) -> T:
    """What a connection may leave out, for what does not go without it. Raises ConfigError."""
    if value is None:
        raise ConfigError(problem, remedy=remedy)
    return value


def load_connection(connection_id: str, environ: Callable[[str], str | None] = os.environ.get) -> Connection:
    """The connection by its id, from the environment or the connections file. Raises ConfigError."""
    text = environ(f"AIRFLOW_CONN_{connection_id.upper().replace('-', '_')}")
    data = _parse(text, connection_id) if text else _from_file(environ("LANDBRIDGE_CONNECTIONS"), connection_id)
    if data is None:
        variable = f"AIRFLOW_CONN_{connection_id.upper().replace('-', '_')}"
        if file := environ("LANDBRIDGE_CONNECTIONS"):
            raise ConfigError(
                f'Connection "{connection_id}" is not in {file}.', remedy=f"Add it there, or set {variable} (JSON)."
            )
        raise ConfigError(
            f'Connection "{connection_id}" is not defined.',
            remedy=f"Set {variable} (JSON) or name a connections file in LANDBRIDGE_CONNECTIONS.",
        )
    return connection_from(connection_id, data)


def connection_from(connection_id: str, data: dict[str, Any]) -> Connection:
    """An Airflow connection's JSON form as a Connection."""
    extra = data.get("extra") or {}
    return Connection(
        id=connection_id,
        type=str(data.get("conn_type", "")),
        host=data.get("host"),
        login=data.get("login"),
        password=data.get("password"),
        port=data.get("port"),
        schema=data.get("schema"),
        extra=json.loads(extra) if isinstance(extra, str) else dict(extra),
    )


def _parse(text: str, connection_id: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise ConfigError(f'Connection "{connection_id}": AIRFLOW_CONN_{connection_id.upper()} is not a JSON object.')
    return data


def _from_file(path: str | None, connection_id: str) -> dict[str, Any] | None:
    if not path:
        return None
    try:
        data = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise ConfigError(
            f"The connections file cannot be read: {why}.", file=path, remedy="LANDBRIDGE_CONNECTIONS names it."
        ) from None
    found = data.get(connection_id) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else None
