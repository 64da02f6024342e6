"""The Test button of a connection: one hook class per connector, made when Airflow asks for it by name."""

from __future__ import annotations

from typing import ClassVar

from airflow.sdk import BaseHook

from landbridge.connector import conn_type, connector_class, connector_names
from landbridge.errors import LandbridgeError
from landbridge_airflow.connections import airflow_connection
from landbridge_airflow.forms import hook_name


class LandbridgeHook(BaseHook):
    """Only checks; the engine makes its connectors itself."""

    conn_name_attr: ClassVar[str] = "connection_id"
    connector: ClassVar[str]

    def __init__(self, connection_id: str) -> None:
        super().__init__()
        self.connection_id = connection_id

    def test_connection(self) -> tuple[bool, str]:
        """Whose account this is and what it may not do; an error's text never holds a secret."""
        try:
            cls = connector_class(self.connector)
            connector = cls(cls.Config.of(airflow_connection(self.connection_id)))
            try:
                account = connector.check()
            finally:
                connector.close()
        except LandbridgeError as error:
            return False, str(error)
        except Exception as error:  # a foreign exception may quote the request, credentials included
            return False, f"The check failed: {type(error).__name__}."
        missing = f", but it may not: {', '.join(account.missing)}" if account.missing else ""
        return not account.missing, f"Connected as {account.name}{missing}. {account.detail}".strip()


def __getattr__(name: str) -> type[LandbridgeHook]:
    if name not in connector_names():
        raise AttributeError(name)
    cls = type(
        name,
        (LandbridgeHook,),
        {
            "connector": name,
            "conn_type": conn_type(name),
            "hook_name": hook_name(connector_class(name).__name__),
            "__module__": __name__,
        },
    )
    globals()[name] = cls  # the same class at the next asking
    return cls
