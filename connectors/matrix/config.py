"""What a connection to a homeserver says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from landbridge.connector import ConnectionConfig


class MatrixConfig(ConnectionConfig):
    """Two secrets: the service's token acts in rooms, the administrator's token only sees to accounts."""

    host: str = Field(pattern=r"^https?://", description="address of the homeserver, e.g. https://matrix.example.org")
    login: str = Field(pattern=r"@[^:\s]+:\S+", description="Landbridge's own account, e.g. @landbridge:example.org")
    password: SecretStr = Field(description="as_token of the application service")
    admin_token: SecretStr = Field(description="access token of a server administrator, for accounts")
    server_name: str | None = Field(None, description="name of the homeserver; the login's where left out")
    join: Literal["public", "never"] = Field("public", description="public: enters every open room of this server")
    id_provider: str = Field("landbridge", description="sign-in provider under which employee numbers are kept")

    @property
    def server(self) -> str:
        return self.server_name or self.login.partition(":")[2]
