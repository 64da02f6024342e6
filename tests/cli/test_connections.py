"""Connections that are not there or not right: what is wrong is said with where, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import Field, SecretStr, model_validator

from landbridge.connector import Connection, ConnectionConfig, load_connection
from landbridge.errors import ConfigError


def refusal(environ: dict[str, str]) -> ConfigError:
    with pytest.raises(ConfigError) as found:
        load_connection("help-desk", environ.get)
    return found.value


def test_without_any_both_ways_are_named() -> None:
    error = refusal({})
    assert error.args == ('Connection "help-desk" is not defined.',)
    assert "AIRFLOW_CONN_HELP_DESK (JSON)" in error.remedy
    assert "LANDBRIDGE_CONNECTIONS" in error.remedy


def test_one_that_is_not_in_the_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"hr": {"password": "geheim"}}))
    error = refusal({"LANDBRIDGE_CONNECTIONS": str(file)})
    assert error.args == (f'Connection "help-desk" is not in {file}.',)
    assert error.remedy == "Add it there, or set AIRFLOW_CONN_HELP_DESK (JSON)."


@pytest.mark.parametrize(("text", "why"), [(None, "No such file or directory"), ('{"hr": "geheim', "it is no JSON")])
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: str | None, why: str) -> None:
    file = tmp_path / "connections.json"
    if text is not None:
        file.write_text(text)
    error = refusal({"LANDBRIDGE_CONNECTIONS": str(file)})
    assert error.args == (f"{file}: The connections file cannot be read: {why}.",)
    assert error.remedy
    assert "geheim" not in str(error)


class EitherConfig(ConnectionConfig):
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _some(self) -> EitherConfig:
        if self.token is None and self.password is None:
            raise ValueError("expected a token or a password")
        return self


def test_what_is_wrong_with_a_connection_as_a_whole_names_no_empty_field() -> None:
    with pytest.raises(ConfigError) as found:
        EitherConfig.of(Connection("chat", "landbridge_chat", "https://chat.example"))
    assert found.value.args == ('Connection "chat" (landbridge_chat): expected a token or a password.',)


class StrictConfig(ConnectionConfig):
    host: str = Field(pattern="^https://", description="address of the chat, e.g. https://chat.example")
    password: SecretStr = Field(description="token of the bot")
    size: int = 5


def test_all_that_is_wrong_with_a_connection_is_told_at_once_by_what_is_expected() -> None:
    extra = {"size": "viele", "pasword": "geheim"}
    with pytest.raises(ConfigError) as found:
        StrictConfig.of(Connection("chat", "landbridge_chat", "chat.example", extra=extra))
    assert found.value.args == (
        'Connection "chat" (landbridge_chat): host: expected address of the chat, e.g. https://chat.example; '
        "password is missing (token of the bot); "
        "size: expected a valid integer, unable to parse string as an integer; there is no field pasword.",
    )
    assert found.value.remedy == "Did you mean password?"
