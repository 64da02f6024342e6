"""LDAP directories, two ways: people with telephones and photographs, groups, and who is in them."""

from __future__ import annotations

from connectors.ldap.members import Memberships

__all__ = ["Ldap"]


class Ldap(Memberships):
    """One directory."""

    system = "ldap"
