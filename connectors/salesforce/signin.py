"""How Landbridge signs in: as the app itself, or by a statement that it signs for its user."""

from __future__ import annotations

import time

import jwt
from pydantic import Field, SecretStr, model_validator

from landbridge.connector import ConnectionConfig
from landbridge.errors import ConfigError
from landbridge.http import Assertion, BearerToken, ClientCredentials, TokenEndpoint

LIFETIME = 180  # seconds; Salesforce takes no statement that is good for more than five minutes


class SalesforceConfig(ConnectionConfig):
    """`host` is the organisation's My Domain. Either a consumer secret, or a username and a private key."""

    host: str = Field(title="My Domain", examples=["https://acme.my.salesforce.com"])
    login: str = Field(title="Consumer key", description="of the connected app")
    password: SecretStr | None = Field(
        None, title="Consumer secret", description="for the client credentials flow; empty where a private key signs"
    )
    username: str | None = Field(None, description="user for whom the private key signs")
    private_key: SecretStr | None = Field(None, description="PEM, of the certificate that the connected app holds")
    audience: str = Field("https://login.salesforce.com", description="https://test.salesforce.com for a sandbox")
    version: str = Field("62.0", pattern=r"^\d{2,3}\.0$", description="version of the API")
    marker_field: str = Field(
        "Landbridge_Marker__c", pattern=r"^\w+__c$", description="external id field of Case that holds our mark"
    )
    bulk: bool = Field(True, description="read in full by Bulk API 2.0, which spares the allowance of calls")

    @model_validator(mode="after")
    def _one_way(self) -> SalesforceConfig:
        if (self.password is None) == (self.private_key is None or self.username is None):
            raise ValueError("either a consumer secret (password), or username and private_key are expected")
        return self


def token_of(config: SalesforceConfig) -> BearerToken:
    """Salesforce does not say how long a token is good; a refused one (INVALID_SESSION_ID) is replaced."""
    url = f"{config.host.rstrip('/')}/services/oauth2/token"
    secret = config.password.get_secret_value() if config.password else ""
    endpoint = TokenEndpoint(url, config.login, secret, in_body=True)
    if config.password:
        return BearerToken(ClientCredentials(endpoint))
    return BearerToken(Assertion(endpoint, lambda: _statement(config)))


def _statement(config: SalesforceConfig) -> str:
    claims = {"iss": config.login, "sub": config.username, "aud": config.audience, "exp": int(time.time()) + LIFETIME}
    key = config.private_key.get_secret_value() if config.private_key else ""
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        problem = type(error).__name__
    raise ConfigError(
        f"The private key cannot sign ({problem}).", remedy="Paste it as PEM, with its first and last line."
    )
