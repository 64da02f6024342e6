"""A connector of another distribution: its system is a JSON file, its streams are people and their accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from landbridge.connector import Account, Complete, ConnectionConfig, Connector, Item, Stream, reads, writes
from landbridge.errors import AuthError, RecordError


class ToyConfig(ConnectionConfig):
    host: str = Field(title="File", examples=["/var/lib/toy.json"])
    login: None = None
    password: SecretStr = Field(title="Access token")
    pace: int = Field(60, ge=1, description="Requests a minute.")
    region: str | None = None
    second_secret: SecretStr | None = None


class Toy(Connector):
    system = "toy"
    Config = ToyConfig

    people = Stream(path="people", key=("id",), kind="person")
    accounts = Stream(path="accounts", key=("id",), kind="person")

    @property
    def file(self) -> Path:
        return Path(self.config.host)

    def data(self) -> dict[str, dict[str, Any]]:
        if self.config.password.get_secret_value() != "open sesame":
            raise AuthError("The toy refuses the access token.")
        return json.loads(self.file.read_text())

    def save(self, data: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(data))

    def check(self) -> Account:
        self.data()
        return Account("toy@example.org", detail="2 streams")

    @reads(people)
    def read_people(self, cursor: Any) -> Iterator[Item]:
        yield from self._all(self.people)

    @reads(accounts)
    def read_accounts(self, cursor: Any) -> Iterator[Item]:
        yield from self._all(self.accounts)

    def _all(self, stream: Stream) -> Iterator[Item]:
        for native in self.data()[stream.name].values():
            yield self.item(stream, native)
        yield Complete()

    @writes(accounts, "create")
    def create_account(self, native: dict[str, Any], marker: str) -> dict[str, Any]:
        if "<" in native.get("name", ""):
            raise RecordError("The toy takes no name such as <b>this</b>.")
        return self._put({"id": native["mail"], "active": True, **native})

    @writes(accounts, "update")
    def update_account(self, key: str, changes: dict[str, Any], marker: str) -> dict[str, Any]:
        return self._put({**self.data()["accounts"][key], **changes})

    @writes(accounts, "disable")
    def disable_account(self, key: str, marker: str) -> dict[str, Any]:
        return self._put({**self.data()["accounts"][key], "active": False})

    def _put(self, native: dict[str, Any]) -> dict[str, Any]:
        data = self.data()
        data["accounts"][native["id"]] = native
        self.save(data)
        return native
