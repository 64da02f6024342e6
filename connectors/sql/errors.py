"""What a database's error means; its text is never shown, since it quotes values, statements and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from landbridge.errors import AuthError, ConfigError, LandbridgeError, RecordError, ScopeError, TransientError

# SQLSTATE (ISO 9075), the longest beginning that fits.
STATES: dict[str, type[LandbridgeError]] = {
    "28": AuthError, "3D": ConfigError, "42501": ScopeError, "42": ConfigError,
    "22": RecordError, "23": RecordError, "44": RecordError, "25006": ScopeError,
}  # fmt: skip
# Drivers say at login only in words, and MySQL in numbers, that they were refused.
REFUSED = ("authentication failed", "access denied", "login failed", "no pg_hba.conf entry", "(1045,")
DENIED = ("permission denied", "readonly database", "command denied")
UNKNOWN = ("no such table", "no such column", "does not exist", "unknown column", "unknown database", "syntax error")
BUSY = ("database is locked", "deadlock", "connection")


@contextmanager
def errors_named(where: str, *, writing: bool = False) -> Iterator[None]:
    """Raises ours for theirs; a write whose connection broke may have been applied."""
    try:
        yield
    except exc.NoSuchTableError:
        raise ConfigError(f"{where}: there is no such table.", remedy="Check its name and schema.") from None
    except exc.NoSuchModuleError:
        raise ConfigError(f"{where}: the driver is not installed.", remedy="Install the address's driver.") from None
    except exc.SQLAlchemyError as error:
        raise _named(where, error, writing) from None


def _named(where: str, error: exc.SQLAlchemyError, writing: bool) -> LandbridgeError:
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    text = f"{where}: the database answers with {type(error).__name__}{f' ({state})' if state else ''}."
    kind = next((STATES[state[:size]] for size in (5, 2) if state[:size] in STATES), None) or _by_class(error)
    if kind is TransientError:
        return TransientError(text, uncertain=writing)
    remedy = {ScopeError: "Grant it to the account.", ConfigError: "Check the stream's configuration."}.get(kind, "")
    return kind(text, remedy=remedy)


def _by_class(error: exc.SQLAlchemyError) -> type[LandbridgeError]:
    words = str(getattr(error, "orig", None) or "").casefold()
    for said, kind in ((REFUSED, AuthError), (DENIED, ScopeError), (UNKNOWN, ConfigError), (BUSY, TransientError)):
        if any(word in words for word in said):
            return kind
    if isinstance(error, exc.IntegrityError | exc.DataError | exc.StatementError) and not isinstance(
        error, exc.OperationalError | exc.InterfaceError | exc.InternalError | exc.ProgrammingError
    ):
        return RecordError
    transient = isinstance(error, exc.OperationalError | exc.InterfaceError | exc.InternalError | exc.TimeoutError)
    return TransientError if transient else ConfigError
