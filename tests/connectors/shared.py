"""What the tests of several connectors share: a real server for as long as they run, or answers played to them."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import responses

from landbridge.connector import Checkpoint, Connection, Connector, Gone, Record
from sandbox.company import Company, halbrueck
from sandbox.processes import owned
from sandbox.system import System

Server = TypeVar("Server", bound=System)
Made = TypeVar("Made", bound=Connector)


@contextmanager
def running(kind: Callable[[Path], Server], company: Company | None = None) -> Iterator[Server]:
    """A real server with the company in it, in a folder of its own that is gone afterwards."""
    # Not pytest's folder, which other users may not enter: some servers refuse to run as root.
    home = Path(tempfile.mkdtemp(prefix="landbridge-test-", dir="/tmp"))
    home.chmod(0o755)
    with owned():
        system = kind(home / "system")
        system.install()
        system.start()
        system.seed(company or halbrueck())
        yield system
        system.stop()
    shutil.rmtree(home)


@contextmanager
def played(server: Callable[..., Any], url: str, *methods: str) -> Iterator[None]:
    """Everything below `url` is answered by `server`, as `responses` calls it; nothing else can be reached."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in methods:
            mock.add_callback(method, re.compile(f"{re.escape(url)}.*"), callback=server)
        yield


@contextmanager
def opened(kind: type[Made], connection: Connection) -> Iterator[Made]:
    connector = kind(kind.Config.of(connection))
    yield connector
    connector.close()


def read(connector: Connector, stream: str, cursor: Any = None) -> tuple[dict[str, Record], list[str], Any]:
    """Records by key, keys of what is gone, and the new cursor."""
    items = list(connector.read(stream, cursor))
    records = {item.key: item for item in items if isinstance(item, Record)}
    gone = [item.key for item in items if isinstance(item, Gone)]
    return records, gone, next(item.cursor for item in items if isinstance(item, Checkpoint))
