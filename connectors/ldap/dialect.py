"""Where directories differ: the attribute that never changes, names of other attributes, and what disables somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import ldap
from ldap.filter import escape_filter_chars

Change = tuple[int, str, list[bytes] | None]
ACCOUNT_DISABLED = 0x2  # of userAccountControl


@dataclass(frozen=True)
class Dialect:
    """`names`: attributes that are called otherwise there; all other code uses the standard's names."""

    by_key: Callable[[str], str]
    dn: str
    names: Mapping[str, str] = field(default_factory=dict)

    def outward(self, name: str) -> str:
        return self.names.get(name, name)

    def inward(self, attributes: dict[str, list[bytes]]) -> dict[str, list[bytes]]:
        if not self.names:
            return attributes
        ours = {theirs.lower(): name for name, theirs in self.names.items()}
        return {ours.get(name.lower(), name): values for name, values in attributes.items()}


def _guid(key: str) -> str:
    return f"(objectGUID={''.join(f'{chr(92)}{byte:02x}' for byte in UUID(key).bytes_le)})"


STANDARD = Dialect(by_key=lambda key: f"(entryUUID={escape_filter_chars(key)})", dn="entryDN")
ACTIVE_DIRECTORY = Dialect(
    by_key=_guid,
    dn="distinguishedName",
    names={
        "entryUUID": "objectGUID",
        "uid": "sAMAccountName",
        "departmentNumber": "department",
        "jpegPhoto": "thumbnailPhoto",
    },
)


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
