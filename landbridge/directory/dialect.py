"""Where directories differ: the attribute that never changes, and names of other attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from ldap.filter import escape_filter_chars


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
