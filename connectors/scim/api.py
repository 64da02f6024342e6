"""One provider over HTTP: what it can do, its lists, and changes that are read back because a success proves little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from pydantic import Field, SecretStr, model_validator
from requests.auth import AuthBase

from connectors.scim import natives
from connectors.scim.changing import Changes, lost, operations, replaced, undone
from landbridge.connector import ConnectionConfig, Finding
from landbridge.errors import RecordError, TransientError
from landbridge.http import (
    Basic,
    BearerToken,
    Client,
    ClientCredentials,
    Meaning,
    Meanings,
    OffsetPages,
    Page,
    TokenEndpoint,
    get_path,
)

Json = dict[str, Any]
SCIM = {"Content-Type": "application/scim+json", "Accept": "application/scim+json, application/json"}
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
TOTAL = "totalResults"
FULLY = "Look the account up at the provider; where it cannot hold this value, leave the field out of the mapping."


class ScimConfig(ConnectionConfig):
    """A bearer token alone; with `login` a name and password; with `token_url` an application and its secret."""

    host: str = Field(title="Base address", examples=["https://identity.example.org/scim/v2"])
    login: str | None = Field(None, description="name, or client id where token_url is given; empty for a bearer token")
    password: SecretStr = Field(title="Token or password", min_length=1, description="bearer token, password or secret")
    token_url: str | None = Field(None, description="where tokens are issued (OAuth 2.0 client credentials)")
    scope: str = Field("", description="scopes to ask for at token_url")
    page_size: int = Field(100, ge=1, le=1000, description="resources per page")
    changes: bool = Field(True, description="ask for what changed since the last read, where the provider filters")
    exact_totals: bool = Field(True, description="off: the provider's totals are wrong; read on to an empty page")

    @model_validator(mode="after")
    def _tokens_need_a_client(self) -> ScimConfig:
        if self.token_url and not self.login:
            raise ValueError("token_url needs the client id as login")
        return self


class UnsupportedError(RecordError):
    """The provider does not do this, whatever it says about itself."""


class TakenError(RecordError):
    """A value that has to be unique is somebody else's, or was ours already."""


MEANINGS = Meanings(
    Meaning(RecordError, "412", "somebody else has changed it meanwhile."),
    Meaning(UnsupportedError, "405 501", "the provider does not support this ({})."),
    Meaning(TakenError, "409 uniqueness", "a value is taken ({})."),
)


@dataclass(frozen=True)
class Provider:
    """What it says it can do; where it says nothing, what most can."""

    patch: bool = True
    filter: bool = True


class Api(Finding):
    Config = ScimConfig
    config: ScimConfig

    def make_client(self) -> Client:
        return Client(
            self.config.host, auth=_auth(self.config), throttle=self.throttle, headers=SCIM, error_map=MEANINGS
        )

    @cached_property
    def provider(self) -> Provider:
        try:
            said = self.client.get("ServiceProviderConfig").json()
        except RecordError:
            return Provider()
        return Provider(_said(said, "patch.supported"), _said(said, "filter.supported"))

    @cached_property
    def supported(self) -> frozenset[str]:
        """The attributes that its schemas name, in small letters; empty where it publishes none."""
        try:
            schemas = self.client.get("Schemas").part("Resources", list)
        except (RecordError, TransientError):
            return frozenset()
        return frozenset(name for schema in schemas if isinstance(schema, dict) for name in _names(schema))

    def listed(self, path: str, **params: str) -> Iterator[Page]:
        total = TOTAL if self.config.exact_totals and self._totals_are_of_all(path) else ""
        size = self.config.page_size
        pages = OffsetPages("startIndex", "count", size, 1, items="Resources", total=total, optional=True)
        yield from self.client.pages(path, pages, params=params)

    def where(self, path: str, attribute: str, value: str) -> Iterator[Json]:
        """Resources with this value. What comes is looked at: there are providers that ignore the filter, or refuse it."""
        asked = {"filter": f"{attribute} eq {orjson.dumps(value).decode()}"} if self.provider.filter else {}
        try:
            yield from self._with(path, attribute, value, asked)
        except RecordError:
            if not asked:
                raise
            yield from self._with(path, attribute, value, {})

    def one(self, path: str, key: str) -> tuple[Json, str]:
        """A resource and its version, empty where the provider counts none."""
        answer = self.client.get(f"{path}/{{key}}", path_params={"key": key})
        raw = answer.part("", dict)
        natives.key_of(raw)
        return raw, str(get_path(raw, "meta.version") or answer.headers.get("ETag") or "")

    def change(self, path: str, key: str, wanted: Changes) -> Json:
        """The resource as it is afterwards. Raises RecordError where it was accepted, but did not take effect."""
        before, version = self.one(path, key)
        if not (todo := undone(before, wanted)):
            return before
        self.send(path, key, operations(todo), replaced(before, todo), version)
        after, _ = self.one(path, key)
        if names := lost(before, after, todo):
            raise RecordError(f"The provider accepted a change, but {', '.join(names)} is as before.", remedy=FULLY)
        return after

    def send(self, path: str, key: str, ops: list[Json], whole: Json, version: str) -> None:
        """By PATCH, of which all or nothing is applied; by PUT of the whole where there is none."""
        place, named = f"{path}/{{key}}", {"key": key}
        headers = SCIM | ({"If-Match": version} if version else {})
        if self.provider.patch:
            try:
                body = {"schemas": [PATCH], "Operations": ops}
                self.client.patch(place, path_params=named, json=body, headers=headers, safe=True)
                return
            except UnsupportedError:
                pass  # it said it could
        self.client.put(place, path_params=named, json=whole, headers=headers)

    def remove(self, path: str, key: str) -> None:
        self.client.remove(f"{path}/{{key}}", path_params={"key": key})

    # Steps of the above

    def _with(self, path: str, attribute: str, value: str, asked: dict[str, str]) -> Iterator[Json]:
        for page in self.listed(path, **asked):
            yield from (raw for raw in page.items if natives.is_equal(raw, attribute, value))

    @cached_property
    def _counted(self) -> dict[str, bool]:
        return {}

    def _totals_are_of_all(self, path: str) -> bool:
        """Some count the page only: taken for the whole, the rest would be gone. One small page tells."""
        if path not in self._counted:
            answer = self.client.get(path, params={"startIndex": 1, "count": 1})
            rows = get_path(answer.json(), "Resources") or []
            ends = bool(rows) and get_path(answer.json(), TOTAL) == len(rows)
            self._counted[path] = not (ends and self._goes_on(path, rows))
        return self._counted[path]

    def _goes_on(self, path: str, rows: list[Json]) -> bool:
        try:
            answer = self.client.get(path, params={"startIndex": len(rows) + 1, "count": 1})
        except RecordError:
            return False
        known = {raw.get("id") for raw in rows}
        return any(raw.get("id") not in known for raw in get_path(answer.json(), "Resources") or [])


def _auth(config: ScimConfig) -> AuthBase:
    secret = config.password.get_secret_value()
    if config.token_url:
        endpoint = TokenEndpoint(config.token_url, config.login or "", secret)
        return BearerToken(ClientCredentials(endpoint, config.scope))
    return Basic(config.login, secret) if config.login else BearerToken.fixed(secret)


def _said(said: Any, path: str) -> bool:
    found = get_path(said, path)
    return True if found is None else natives.boolean(found, path)


def _names(schema: Json) -> Iterator[str]:
    """The core's attributes by their names, an extension's behind its own."""
    above = f"{schema.get('id')}." if "extension" in str(schema.get("id")).lower() else ""
    for attribute in schema.get("attributes") or ():
        name = f"{above}{attribute.get('name')}".lower()
        yield name
        yield from (f"{name}.{part.get('name')}".lower() for part in attribute.get("subAttributes") or ())
