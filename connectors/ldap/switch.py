"""What disables a person in a directory: a mark of the company's own, or Active Directory's bit."""

from __future__ import annotations

from dataclasses import dataclass

import ldap
from landbridge.directory.session import Change

ACCOUNT_DISABLED = 0x2  # of userAccountControl


@dataclass(frozen=True)
class Marked:
    """Disabled is who has this value in the attribute."""

    attribute: str
    value: str

    def active(self, values: list[bytes]) -> bool:
        return self.value.lower() not in (value.decode(errors="replace").lower() for value in values)

    def changes(self, values: list[bytes], *, active: bool) -> list[Change]:
        """Empty where it is so already."""
        if self.active(values) is active:
            return []
        return [(ldap.MOD_DELETE if active else ldap.MOD_ADD, self.attribute, [self.value.encode()])]


@dataclass(frozen=True)
class AccountControl:
    """Active Directory's bit among others that are left as they are."""

    attribute: str = "userAccountControl"

    def active(self, values: list[bytes]) -> bool | None:
        return not int(values[0]) & ACCOUNT_DISABLED if values else None

    def changes(self, values: list[bytes], *, active: bool) -> list[Change]:
        if self.active(values) in (active, None):
            return []
        bits = int(values[0]) & ~ACCOUNT_DISABLED | (0 if active else ACCOUNT_DISABLED)
        # Delete and add: refused, if another has changed the bits meanwhile.
        return [(ldap.MOD_DELETE, self.attribute, values), (ldap.MOD_ADD, self.attribute, [str(bits).encode()])]


Switch = Marked | AccountControl
