"""The list of mutations: which promise, what is taken out of the code, and the tests that have to fail then."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

ROOT = Path(__file__).parent.parent.parent
TABLE = Path(__file__).with_name("mutations.yaml")
PAGE = ROOT / "docs" / "explanation" / "mutations.md"
Database = Literal["sqlite", "postgresql"]
DATABASES: tuple[Database, ...] = get_args(Database)
_HEAD = """# What was taken out to see each promise fail

A test that passes proves nothing until it has been seen to fail. For each of the [fifteen promises](promises.md) the code
that keeps it was taken out, one piece at a time, and the tests named here failed: on SQLite and on PostgreSQL, where they
run on a hub; on PostgreSQL alone where it is named, since in SQLite a writer is alone. Those in the last column bring up
the real servers (Tryton, Synapse, WordPress, MediaWiki and OpenLDAP) and failed there, too. See it again:

```console
$ python -m tests.mutations                # all of them
$ python -m tests.mutations --promise 6
$ python -m tests.mutations --servers      # on the real servers, some minutes each
```

This page is written from `tests/mutations/mutations.yaml` by `python -m tests.mutations --page`.

| promise | taken out | of | these fail | on the real servers |
|---|---|---|---|---|
"""


class Mutation(BaseModel):
    """`find` stands exactly once in `file`; `replace` is what stands there instead; each of `tests` fails then.

    So does each of `servers`, on the real servers. `databases`: where it can be seen, both if left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    promise: int
    removed: str
    file: str
    find: str
    replace: str = ""
    tests: tuple[str, ...]
    databases: tuple[Database, ...] = ()
    servers: tuple[str, ...] = ()

    def apply(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.find) != 1:
            raise SystemExit(
                f"{TABLE.name}: {self.find!r} stands {text.count(self.find)} times in {self.file}, not once."
            )
        path.write_text(text.replace(self.find, self.replace), encoding="utf-8")


def load() -> list[Mutation]:
    return TypeAdapter(list[Mutation]).validate_python(yaml.safe_load(TABLE.read_text(encoding="utf-8")))


def page(mutations: list[Mutation]) -> str:
    rows = [
        f"| {one.promise} | {one.removed}{_on(one)} | `{one.file}` | {_listed(one.tests)} | {_listed(one.servers)} |"
        for one in sorted(mutations, key=lambda one: one.promise)
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _on(one: Mutation) -> str:
    return " (on PostgreSQL)" if one.databases == ("postgresql",) else ""


def _listed(tests: tuple[str, ...]) -> str:
    return ", ".join(f"`{test}`" for test in tests)
