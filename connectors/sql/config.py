"""Where the database is (the connection) and which of its tables and queries are streams (the configuration)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from landbridge.connector import ConnectionConfig, StreamConfig, StreamName

_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


class TableConfig(StreamConfig):
    """One stream: a table, a view or a query."""

    table: str | None = Field(None, description="table or view, with its schema where it is not the usual one")
    query: str | None = Field(None, description="a SELECT instead of a table; it is only read")
    columns: tuple[str, ...] = Field((), description="columns to read; all where left out")
    cursor: str | None = Field(None, description="column that grows with each change; without it every read is in full")
    overlap: int = Field(
        120,
        ge=0,
        description="what is read again each time, for transactions that commit late: seconds where the cursor is a time, "
        "else numbers",
    )
    deleted: str | None = Field(None, description="column that says that a row counts as deleted: true, or not null")
    page: int = Field(
        2000, ge=0, description="rows per statement; 0: one statement for all, for queries that are expensive to begin"
    )
    marker: str | None = Field(
        None, description="text column of its own for Landbridge's markers, at least 40 characters"
    )
    disabled: dict[str, Any] = Field({}, description="columns and their values of a row that is disabled")
    enabled: dict[str, Any] = Field({}, description="the same of one that is enabled again")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("expected either table or query")
        if self.query is not None and not _SELECT.match(self.query):
            raise ValueError("a query begins with SELECT or WITH")
        if self.writes and self.table is None:
            raise ValueError("a query cannot be written to")
        for op, values in (("disable", self.disabled), ("enable", self.enabled)):
            if op in self.writes and not values:
                raise ValueError(f"{op} needs {op}d: the columns and their values")
        return self

    @property
    def place(self) -> str:
        return self.table or "query"


class SqlConfig(ConnectionConfig):
    """The account needs no more rights than the streams that it reads or writes."""

    host: str = Field(
        title="Address",
        description="database as SQLAlchemy names it, without login and password",
        examples=["postgresql+psycopg://db.example.org:5432/hr?sslmode=verify-full"],
    )
    login: str | None = Field(None, description="Landbridge's own account in the database; SQLite has none")
    password: SecretStr | None = Field(None, description="password of that account")
    streams: dict[StreamName, TableConfig] = Field(
        {}, description="name: its table or query; better said in config/systems.yaml under options"
    )
    timeout: int = Field(30, gt=0, description="seconds to wait for a free connection to the database")

    @field_validator("host")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError("expected an address such as postgresql+psycopg://host:5432/database") from None
        if url.password or url.username:
            raise ValueError("login and password have fields of their own")
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise ValueError("there is no such file")
        return value

    @property
    def url(self) -> URL:
        secret = self.password.get_secret_value() if self.password else None
        return make_url(self.host).set(username=self.login, password=secret)
