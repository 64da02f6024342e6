"""LDAP for every connector that needs it: a session with its refusals named, entries by pages, and what has changed."""

try:
    import ldap  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"python-ldap cannot be imported ({error}); where it is compiled at installation it needs the Debian packages "
        "build-essential python3-dev libldap-dev libsasl2-dev"
    ) from error
