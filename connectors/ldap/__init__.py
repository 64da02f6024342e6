"""LDAP directories (RFC 4511): OpenLDAP and others that give each entry an entryUUID."""

import landbridge.directory  # noqa: F401 (first, since it names the packages where python-ldap is missing)
