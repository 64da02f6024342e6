"""LDAP directories (RFC 4511): OpenLDAP and others that give each entry an entryUUID."""

try:
    import ldap  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"python-ldap cannot be imported ({error}); where it is compiled at installation it needs the Debian packages "
        "build-essential python3-dev libldap-dev libsasl2-dev"
    ) from error
