"""The sign-in to what is registered in Microsoft Entra: Microsoft's own products, and everyone's that trust it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import Field, SecretStr, model_validator

from landbridge.connector.config import ConnectionConfig
from landbridge.errors import ConfigError
from landbridge.http import BearerToken

if TYPE_CHECKING:
    from landbridge.http.entra import Registration


class EntraSignIn(ConnectionConfig):
    """One registered application of one tenant; it signs in as itself, as a person, or both."""

    login: str = Field(min_length=1, title="Application (client) id", description="id of the registered application")
    password: SecretStr | None = Field(None, title="Client secret", description="its secret; better a certificate")
    tenant: str = Field(pattern=r"^[\w.-]+$", description="id or domain of the tenant, e.g. example.onmicrosoft.com")
    certificate: SecretStr | None = Field(None, description="private key and certificate of the application, as PEM")
    refresh_token: SecretStr | None = Field(
        None, description="of the person in whose name Landbridge acts; ends after 90 days, so better a sign_in_file"
    )
    sign_in_file: str | None = Field(
        None, description="file in which a person's sign-in is kept and renewed; `landbridge sign-in` makes it"
    )
    authority: str = Field(
        "https://login.microsoftonline.com", pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])",
        description="address of the sign-in service; another one in the national clouds",
    )  # fmt: skip

    @model_validator(mode="after")
    def _some_sign_in(self) -> Self:
        if not self.has_application and not self.has_person:
            raise ValueError("expected a password, a certificate, a refresh_token or a sign_in_file")
        return self

    @property
    def has_application(self) -> bool:
        return self.password is not None or self.certificate is not None

    @property
    def has_person(self) -> bool:
        return self.refresh_token is not None or self.sign_in_file is not None

    @property
    def audience(self) -> str:
        """What the tokens are for: the API's address, or the URI that it is registered with."""
        return self.host

    def bearer(self, *, person: bool | None = None, audience: str = "") -> BearerToken:
        """Tokens of the application where it can sign in, else of the person, unless one of them is asked for.

        Raises ConfigError where only a person may do what is wanted, and the connection has none.
        """
        as_person = not self.has_application if person is None else person
        if as_person and not self.has_person:
            raise ConfigError(
                "Microsoft lets only people do this, and nobody has signed in to this connection.",
                remedy="Give the connection a sign_in_file or a refresh_token.",
            )
        registration = self._registration()
        from landbridge.http.entra import Application, Person

        provider = Person if as_person else Application
        return BearerToken(provider(registration, audience or self.audience))

    def expires(self) -> dict[str, datetime]:
        """What `Account.expires` says: of secrets and of people's sign-ins only Microsoft knows when they end."""
        if self.certificate is None:
            return {}
        from landbridge.http.entra import ends

        return {"certificate": ends(self.certificate.get_secret_value())}

    def sign_in(self, show: Callable[[str], None]) -> str:
        """Lets a person sign in with the code that is shown; returns the file in which that is kept."""
        if self.sign_in_file is None:
            raise ConfigError(
                "The connection names no sign_in_file.", remedy="Say in which file a sign-in is to be kept."
            )
        registration = self._registration()
        from landbridge.http import entra

        entra.sign_in(registration, self.audience, show)
        return self.sign_in_file

    def _registration(self) -> Registration:
        try:
            from landbridge.http.entra import Registration  # msal takes a second to load, and others do without
        except ImportError as error:
            raise ConfigError(
                f"To sign in by Microsoft Entra, msal is needed ({error}).",
                remedy="Install its extra: landbridge[microsoft].",
            ) from None
        return Registration(
            self.authority, self.tenant, self.login,
            secret=_text(self.password), certificate=_text(self.certificate), refresh_token=_text(self.refresh_token),
            file=self.sign_in_file,
        )  # fmt: skip


def _text(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
