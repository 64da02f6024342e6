"""target-postgres as it is, but reading messages by msgspec, as the SDK offers it."""

from __future__ import annotations

from typing import ClassVar

from singer_sdk.contrib.msgspec import MsgSpecReader
from target_postgres.target import TargetPostgres


class Tuned(TargetPostgres):
    """One class attribute differs."""

    message_reader_class: ClassVar[type] = MsgSpecReader


if __name__ == "__main__":
    Tuned.cli()
