"""Where the files lie (the connection) and which of them are streams (the configuration)."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from landbridge.connector import ConnectionConfig

Kind = Literal["person", "group", "space", "document", "case", "message", "membership"]
Format = Literal["csv", "jsonl", "excel"]
FORMATS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "excel", ".xlsm": "excel",
}  # fmt: skip
_GLOB = re.compile(r"[*?\[]")


class FileConfig(BaseModel):
    """One stream: a file, or all files that a pattern names; together they are everything that there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: str = Field(description="a file below the folder, or a pattern such as people-*.csv")
    newest: bool = Field(False, description="only the last of them by name, where each holds everything")
    kind: Kind = Field(description="what a row is")
    key: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="columns that identify a row")
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
    def form(self) -> Format:
        return self.format or FORMATS[PurePosixPath(self.files).suffix.lower()]


class FilesConfig(ConnectionConfig):
    """The files lie on the machine that reads them; there is no login."""

    host: str = Field(
        title="Folder", description="absolute path of the folder", pattern=r"^/", examples=["/srv/exchange/hr"]
    )
    login: None = None
    password: None = None
    streams: dict[str, FileConfig] = Field(
        {}, description="name: its files; better said in config/systems.yaml under options"
    )
    settle: float = Field(5, ge=0, description="seconds without a change after which a file counts as written")
    max_size: int = Field(2**31, gt=0, description="bytes of one file, at most")
