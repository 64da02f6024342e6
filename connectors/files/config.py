"""Where the files lie (the connection) and which of them are streams (the configuration)."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from landbridge.connector import ConnectionConfig, StreamConfig, StreamName

Format = Literal["csv", "jsonl", "excel"]
FORMATS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "excel", ".xlsm": "excel",
}  # fmt: skip
SSH_PORT = 22
_GLOB = re.compile(r"[*?\[]")
_PUBLIC_KEY = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/]{40,}={0,2}( .*)?")


class FileConfig(StreamConfig):
    """One stream: a file, or all files that a pattern names; together they are everything that there is."""

    files: str = Field(description="a file below the folder, or a pattern such as people-*.csv")
    newest: bool = Field(False, description="only the last of them by name, where each holds everything")
    format: Format | None = Field(None, description="csv, jsonl or excel, where the name does not say it")
    encoding: str | None = Field(
        None, description="e.g. cp1252; UTF-8 where left out, or what a mark at the beginning says, or Windows-1252"
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="between columns; found in the first line where left out"
    )
    sheet: str | None = Field(None, description="Excel: name of the sheet; the first where left out")
    skip: int = Field(0, ge=0, description="lines above the one with the columns' names")
    final_newline: bool = Field(False, description="a text file whose last line has no end is not whole")
    writes: tuple[Literal["create", "update", "delete"], ...] = Field(
        (), description="what Landbridge may do here: create, update, delete"
    )

    @field_validator("files")
    @classmethod
    def _inside(cls, value: str) -> str:
        if PurePosixPath(value).is_absolute() or ".." in PurePosixPath(value).parts:
            raise ValueError("expected a path below the connection's folder")
        return value

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            return value and codecs.lookup(value).name
        except LookupError:
            raise ValueError("there is no such encoding") from None

    @model_validator(mode="after")
    def _one_file(self) -> Self:
        if self.format is None and PurePosixPath(self.files).suffix.lower() not in FORMATS:
            raise ValueError(f"the name tells no format: say csv, jsonl or excel ({', '.join(FORMATS)} are known)")
        if self.writes and (_GLOB.search(self.files) or self.form == "excel"):
            raise ValueError("only one CSV or JSON lines file can be written, no pattern and no Excel file")
        if self.writes and self.skip:
            raise ValueError("lines above the columns' names would be lost where a file is written")
        return self

    @property
    def place(self) -> str:
        return self.files

    @property
    def form(self) -> Format:
        return self.format or FORMATS[PurePosixPath(self.files).suffix.lower()]


class FilesConfig(ConnectionConfig):
    """A folder of the machine that reads, which needs no login, or one on an SFTP server, whose key has to be known."""

    host: str = Field(
        title="Folder",
        description="absolute path of the folder, or sftp://server[:port]/path of one on a server",
        examples=["/srv/exchange/hr", "sftp://files.example.org/exchange/hr"],
    )
    login: str | None = Field(None, description="SFTP: Landbridge's own account there")
    password: SecretStr | None = Field(
        None, description="SFTP: of the account, or of the private key where one is given"
    )
    private_key: SecretStr | None = Field(
        None, description="SFTP: the account's private key, as OpenSSH or PEM writes it"
    )
    host_key: str | None = Field(
        None,
        description="SFTP: the server's public key as in known_hosts, such as ssh-ed25519 AAAA…; asked of its owner",
    )
    timeout: int = Field(30, gt=0, description="SFTP: seconds to wait for an answer")
    streams: dict[StreamName, FileConfig] = Field(
        {}, description="name: its files; better said in config/systems.yaml under options"
    )
    settle: float = Field(5, ge=0, description="seconds without a change after which a file counts as written")
    max_size: int = Field(2**31, gt=0, description="bytes of one file, at most")

    @field_validator("host")
    @classmethod
    def _place(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme == "sftp" and url.hostname and url.path.startswith("/") and not (url.query or url.fragment):
            if url.username or url.password:
                raise ValueError("login and password have fields of their own")
            return value
        if value.startswith("/"):
            return value
        raise ValueError("expected /path, or sftp://server/path")

    @field_validator("host_key")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        if value and not _PUBLIC_KEY.fullmatch(value.strip()):
            raise ValueError("expected kind and key, as ssh-keyscan writes them after the server's name")
        return value and value.strip()

    @model_validator(mode="after")
    def _sign_in(self) -> Self:
        secret = self.private_key or self.password
        if self.server and not (self.login and secret and self.host_key):
            raise ValueError("an SFTP server needs login, password or private_key, and host_key")
        if not self.server and (self.login or secret or self.host_key):
            raise ValueError("a folder of this machine takes no login, password or key")
        if self.server and (deep := [one.files for one in self.streams.values() if "**" in one.files]):
            raise ValueError(f"{deep[0]}: ** is not searched on a server; name the folders between")
        return self

    @property
    def server(self) -> SplitResult | None:
        """The address of an SFTP server; None where the folder is on this machine."""
        return None if self.host.startswith("/") else urlsplit(self.host)
