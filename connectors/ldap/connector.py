"""LDAP directories, two ways: people with telephones and photographs, groups, and who is in them."""

from __future__ import annotations

from connectors.ldap.members import Members
from connectors.ldap.natives import Native
from landbridge.errors import NotFound

__all__ = ["Ldap"]


class Ldap(Members):
    """One directory."""

    system = "ldap"

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """What an earlier attempt has left. An entry has no place for a marker: its name is one."""
        try:
            if stream == self.memberships.name:
                return self.find_membership(native)
            return self.find_entry(self.streams()[stream], native)
        except NotFound:
            return None
