"""Matrix on Synapse: accounts, rooms, members and messages, as an application service."""

from __future__ import annotations

from typing import ClassVar

from connectors.matrix.api import CLIENT
from connectors.matrix.config import MatrixConfig
from connectors.matrix.posting import Messages
from connectors.matrix.rooms import Memberships, Rooms
from connectors.matrix.users import ACCOUNTS, Users
from landbridge.connector import Account, if_allowed
from landbridge.errors import TransientError

__all__ = ["Matrix", "MatrixConfig"]


class Matrix(Users, Rooms, Memberships, Messages):
    """One homeserver. It acts as its own account, writes as the true authors, and keeps accounts as administrator."""

    system = "matrix"
    Config = MatrixConfig
    authors: ClassVar[str] = Users.users.name

    def check(self) -> Account:
        """Whose account, and what each of the two tokens is not allowed."""
        me = if_allowed(self.get, f"{CLIENT}/account/whoami")
        missing = [] if me else ["login: an account that the service has registered, inside its namespaces.users"]
        if not if_allowed(self.admin.get, ACCOUNTS, params={"limit": 1}):
            missing.append("admin_token: server administrator")
        if not missing:
            try:
                self.now()
            except TransientError:
                missing.append("login: an account of its own, Synapse lets no service's sender follow rooms")
        name = me.part("user_id", str) if me else self.config.login
        return Account(name, tuple(missing), "" if missing else f"In {len(self.joined_rooms())} rooms.")
