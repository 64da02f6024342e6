"""Tryton's JSON-RPC as the seed, the demo and the tests speak it; the connector has its own client."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import requests

from sandbox.errors import SandboxError

Values = Mapping[str, Any]
Domain = Sequence[Any]


class TrytonClient:
    """One session of one Tryton user; dates, moments and decimals go in and come out as Python's own types."""

    def __init__(self, url: str, database: str, login: str, password: str, *, timeout: float = 60.0) -> None:
        self.login = login
        self._endpoint = f"{url}/{database}/rpc/"
        self._timeout = timeout
        self._http = requests.Session()
        self.user_id, token, *_ = self._post("common.db.login", [login, {"password": password}, "en"])
        session = base64.b64encode(f"{login}:{self.user_id}:{token}".encode()).decode()
        self._http.headers["Authorization"] = f"Session {session}"
        self.context: dict[str, Any] = {}
        self.refresh_context()

    @classmethod
    def of(cls, facts: Mapping[str, Any], account: str = "admin") -> TrytonClient:
        """Logs in as `admin`, `hr`, `crm` or one of the salespeople, from the facts of a seeded sandbox."""
        return cls(facts["url"], facts["database"], account, facts["passwords"][account])

    def refresh_context(self) -> None:
        """The user's company is part of every call; it is known only once the user has one."""
        self.context = self._post("model.res.user.get_preferences", [True, {}])

    def call(self, method: str, *params: Any) -> Any:
        """Any method, such as `model.party.party.search`, with the user's context."""
        return self._post(method, [*params, self.context])

    def find(self, model: str, domain: Domain, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Records by id; `party.code` among the fields comes nested, as `{"party.": {"code": …}}`."""
        # Asked for inactive ones too: a default search hides what has been switched off.
        context = {**self.context, "active_test": False}
        order = [["id", "ASC"]]
        return list(self._post(f"model.{model}.search_read", [domain, 0, None, order, list(fields), context]))

    def one(self, model: str, domain: Domain, fields: Sequence[str]) -> dict[str, Any]:
        found = self.find(model, domain, fields)
        if len(found) != 1:
            raise SandboxError(f"Tryton has {len(found)} records of {model} where one was expected.")
        return found[0]

    def count(self, model: str, domain: Domain = ()) -> int:
        return int(self._post(f"model.{model}.search_count", [list(domain), 0, None, self.context]))

    def create(self, model: str, *records: Values) -> list[int]:
        return list(self.call(f"model.{model}.create", list(records))) if records else []

    def write(self, model: str, ids: Sequence[int], values: Values) -> None:
        self.call(f"model.{model}.write", list(ids), values)

    def delete(self, model: str, ids: Sequence[int]) -> None:
        self.call(f"model.{model}.delete", list(ids))

    def press(self, model: str, button: str, ids: Sequence[int]) -> None:
        """A button of the form, for what Tryton does not let anyone write: the state of an opportunity."""
        self.call(f"model.{model}.{button}", list(ids))

    def close(self) -> None:
        self._http.close()

    def _post(self, method: str, params: list[Any]) -> Any:
        body = {"id": 1, "method": method, "params": _encode(params)}
        response = self._http.post(self._endpoint, json=body, timeout=self._timeout)
        if response.status_code != 200:
            raise SandboxError(f"Tryton answered {method} for {self.login} with HTTP {response.status_code}.")
        answer = response.json()
        if error := answer.get("error"):
            raise SandboxError(f"Tryton refused {method} for {self.login}: {_reason(error)}")
        return _decode(answer["result"])


def _reason(error: Any) -> str:
    """An error is [kind, [message, description, domain]] or [text, traceback]: only the first words are of use."""
    kind, detail = [*error, ""][:2]
    if kind in ("UserError", "UserWarning") and isinstance(detail, list):
        return " ".join(str(part) for part in detail[:2] if part)
    return str(kind)


def _encode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{part: getattr(value, part) for part in parts}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return date(value["year"], value["month"], value["day"])
        case "datetime":
            return datetime(**{part: number for part, number in value.items() if part != "__class__"})
        case _:
            return {key: _decode(item) for key, item in value.items()}
