"""SCIM 2.0, as source and as target: users with the enterprise extension, groups, and who is in them."""

from __future__ import annotations

from connectors.scim.api import ScimConfig
from connectors.scim.members import Memberships
from landbridge.connector import Account
from landbridge.errors import RecordError, ScopeError

__all__ = ["Scim", "ScimConfig"]


class Scim(Memberships):
    """One provider. Its answers are looked at: of a success nothing follows that was not read back."""

    system = "scim"
    Config = ScimConfig

    def check(self) -> Account:
        """SCIM knows no account of its own: who asked is told by what it may read."""
        missing = []
        for path in ("Users", "Groups"):
            try:
                self.client.get(path, params={"startIndex": 1, "count": 1})
            except (RecordError, ScopeError):
                missing.append(f"{path}: read")
        able = [name for name in ("patch", "filter") if getattr(self.provider, name)]
        detail = f"It supports {' and '.join(able) or 'neither patch nor filter'}."
        return Account(self.config.login or "the bearer token's", tuple(missing), detail)
