"""A folder on a real SFTP server: whom it trusts, what it takes for whole, and what becomes of a line that breaks."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.files.connector import Files
from connectors.files.folder import matching
from landbridge.connector import Complete, Connection
from landbridge.errors import AuthError, ConfigError, LandbridgeError, RecordError, ScopeError, TransientError
from landbridge.testing.tcp import TcpProxy
from sandbox.sshd import Sshd
from tests.connectors.reading import cursor_of, natives_of
from tests.servers import brought_up

paramiko = pytest.importorskip("paramiko", reason="paramiko is not installed")
pytestmark = pytest.mark.server

PEOPLE = "id,name\r\n1,Ada Łoś\r\n2,Bo\r\n"
STREAM = {"files": "people.csv", "kind": "person", "key": ["id"], "writes": ["create", "update", "delete"]}
# Bytes that this server has answered when an account is signed in, and when a row is written.
SIGNED_IN, WRITTEN = 2700, 7200
Make = Callable[..., Files]


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with brought_up(Sshd) as sshd:
        yield sshd


@pytest.fixture
def folder(server: Sshd) -> Path:
    """With one file in it that has lain there for a minute."""
    for path in sorted(server.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    put(server, "people.csv", PEOPLE)
    return server.folder


def put(server: Sshd, name: str, text: str | bytes, age: float = 60) -> Path:
    path = server.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (time.time() - age, time.time() - age))
    server.hand_over(server.folder)
    return path


def connector(server: Sshd, stream: dict[str, Any] | None = None, *, port: int = 0, **changes: Any) -> Files:
    """`changes` are of the connection's extra fields, or its password."""
    given = server.connections()["exchange"]
    host = given["host"].replace(str(server.facts()["port"]), str(port or server.facts()["port"]))
    password, settle = changes.pop("password", None), changes.pop("settle", 0)
    extra = {name: value for name, value in (given["extra"] | changes).items() if value is not None}
    connection = Connection("exchange", "landbridge_files", host, given["login"], password, extra=extra)
    return Files(Files.Config.of(connection, {"streams": {"people": STREAM | (stream or {})}, "settle": settle}))


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- who is trusted --------------------------------------------------------------------------------------------------


def test_check_names_the_account(server: Sshd, folder: Path) -> None:
    account = connector(server).check()
    assert account.name == f"{server.connections()['exchange']['login']} at {server.connections()['exchange']['host']}"
    assert account.missing == ()
    assert "No file matches" in connector(server, {"files": "lost.csv"}).check().missing[0]


@pytest.mark.parametrize("kind", ["the same kind", "another kind"])
def test_a_server_with_another_key_is_told_nothing(server: Sshd, folder: Path, kind: str) -> None:
    log = (server.home / "sshd.log").read_text()
    other = (server.home / "etc" / "user_key.pub").read_text().strip()
    if kind == "another kind":
        key = paramiko.RSAKey.generate(2048)
        other = f"{key.get_name()} {key.get_base64()}"
    with pytest.raises(AuthError, match="another key"):
        connector(server, host_key=other).check()
    told = (server.home / "sshd.log").read_text()[len(log) :]
    assert server.connections()["exchange"]["login"] not in told
    assert "Accepted" not in told


def test_a_key_that_the_server_does_not_know_is_refused_and_not_shown(server: Sshd, folder: Path) -> None:
    written = io.StringIO()
    paramiko.RSAKey.generate(2048).write_private_key(written)
    for key in (written.getvalue(), "no key at all"):
        with pytest.raises(AuthError) as caught:
            connector(server, private_key=key).check()
        assert key not in str(caught.value)


@contextmanager
def password_server(password: str) -> Iterator[tuple[int, str]]:
    """In this process: a real sshd would sign in accounts of this machine only. Its port and public key."""
    key = paramiko.RSAKey.generate(2048)

    class Door(paramiko.ServerInterface):
        def check_auth_password(self, username: str, given: str) -> int:
            return paramiko.AUTH_SUCCESSFUL if given == password else paramiko.AUTH_FAILED

        def check_channel_request(self, kind: str, channel: int) -> int:
            return paramiko.OPEN_SUCCEEDED

    def serve() -> None:
        for _ in range(2):
            transport = paramiko.Transport(listener.accept()[0])
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer)
            transport.start_server(server=Door())
            transports.append(transport)

    transports: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], f"{key.get_name()} {key.get_base64()}"
        thread.join(10)
    for transport in transports:
        transport.close()


def test_a_password_signs_in(server: Sshd) -> None:
    with password_server("s3cr3t") as (port, host_key):
        made = {"port": port, "private_key": None, "host_key": host_key}
        with pytest.raises(AuthError) as caught:
            connector(server, password="wr0ng", **made).check()
        assert "wr0ng" not in str(caught.value)
        with connector(server, password="s3cr3t", **made).folder():
            pass  # signed in


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host_key": None}, "needs login, password or private_key, and host_key"),
        ({"private_key": None}, "needs login, password or private_key, and host_key"),
        ({"host_key": "ssh-ed25519"}, "ssh-keyscan"),
    ],
)
def test_a_server_needs_to_be_known_beforehand(server: Sshd, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        connector(server, **changes)


def test_a_host_key_that_is_none_is_named(server: Sshd) -> None:
    with pytest.raises(ConfigError, match="no public key"):
        connector(server, host_key=f"ssh-ed25519 {'A' * 68}").check()


# --- what is taken ---------------------------------------------------------------------------------------------------


def test_files_are_found_in_folders_and_links_lead_nowhere_else(server: Sshd, folder: Path) -> None:
    for name, number in (("2026/people-1.csv", 3), ("2026/people-2.csv", 4), ("2025/people-1.csv", 5)):
        put(server, name, f"id,name\n{number},x\n")
    (server.home / "secret.csv").write_text("id,name\n9,x\n")
    os.symlink(server.home / "secret.csv", folder / "2026" / "people-3.csv")
    os.symlink(folder / "2025" / "people-1.csv", folder / "2026" / "people-4.csv")
    assert set(natives_of(connector(server, {"files": "2026/people-*.csv", "writes": []}), "people")) == {"3", "4", "5"}
    assert set(natives_of(connector(server, {"files": "20*/people-1.csv", "writes": []}), "people")) == {"3", "5"}


def test_what_is_still_being_copied_is_left_alone(server: Sshd, folder: Path) -> None:
    for name in (".people.csv", "people.csv.part", "people.csv.filepart", "people.csv~", "people.tmp"):
        put(server, name, "id,name\n9,x\n")
    every = connector(server, {"files": "*peo*", "format": "csv", "writes": []})
    assert set(natives_of(every, "people")) == {"1", "2"}
    put(server, "people.csv", PEOPLE, age=0)
    with pytest.raises(TransientError, match="moment ago"):
        list(connector(server, settle=5).read("people"))


def test_a_file_that_grows_while_it_is_copied_is_worth_another_try(server: Sshd, folder: Path) -> None:
    files = connector(server)
    with files.folder() as there:
        [found] = matching(there, files.config.streams["people"])
        with open(folder / "people.csv", "a") as file:
            file.write("3,Cy\r\n")
        with pytest.raises(TransientError, match="while it was copied"):
            there.local(found)


def test_only_what_has_changed_is_read_again(server: Sshd, folder: Path) -> None:
    cursor = cursor_of(connector(server), "people")
    assert list(connector(server).read("people", cursor)) == []
    put(server, "people.csv", PEOPLE, age=30)
    [again] = connector(server).read("people", cursor)
    assert list(connector(server).read("people", again.cursor)) == []


def test_a_large_file_comes_whole(server: Sshd, folder: Path) -> None:
    put(server, "people.csv", "id,name\n" + "".join(f"{number},{'x' * 90}\n" for number in range(40_000)))
    assert len(natives_of(connector(server), "people")) == 40_000
    with pytest.raises(ConfigError, match="larger than"):
        files = connector(server)
        list(Files(files.config.model_copy(update={"max_size": 1000})).read("people"))


def test_what_the_account_may_not_read_is_said(server: Sshd, folder: Path) -> None:
    (folder / "people.csv").chmod(0)
    with pytest.raises(ScopeError):
        list(connector(server).read("people"))
    (folder / "people.csv").unlink()
    folder.chmod(0)
    try:
        with pytest.raises(ScopeError):
            list(connector(server).read("people"))
    finally:
        folder.chmod(0o755)


# --- what is written -------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_as_it_was_and_nothing_is_left(server: Sshd, folder: Path) -> None:
    (folder / "people.csv").chmod(0o640)
    made = connector(server).writer("people", "create")({"id": "3", "name": "Zoë"}, "m")
    assert made == {"id": "3", "name": "Zoë"}
    assert (folder / "people.csv").read_text() == "id,name\n1,Ada Łoś\n2,Bo\n3,Zoë\n"
    assert (folder / "people.csv").stat().st_mode & 0o777 == 0o640
    with pytest.raises(RecordError, match="already"):
        connector(server).writer("people", "create")({"id": "3", "name": "x"}, "m")
    assert names(folder) == ["people.csv"]


def test_writers_of_one_program_wait_for_each_other(server: Sshd, folder: Path) -> None:
    def write(number: int) -> None:
        connector(server).writer("people", "create")({"id": str(number), "name": "x"}, "m")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(10, 16)))
    assert set(natives_of(connector(server), "people")) == {"1", "2", *map(str, range(10, 16))}


def test_writers_of_other_programs_are_respected_unless_they_have_died(server: Sshd, folder: Path) -> None:
    lock = put(server, ".people.csv.0123456789abcdef.lock", "", age=0)
    update = connector(server).writer("people", "update")
    with pytest.raises(TransientError, match="another worker"):
        update("1", {"name": "Eva"}, "m")
    assert names(folder) == [lock.name, "people.csv"]
    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    put(server, ".people.csv.0123456789abcdef.part", "id,na", age=3600)
    assert update("1", {"name": "Eva"}, "m")["name"] == "Eva"
    assert names(folder) == ["people.csv"]


def test_what_somebody_changes_meanwhile_is_not_overwritten(server: Sshd, folder: Path) -> None:
    with (
        pytest.raises(TransientError, match="somebody else"),
        connector(server).folder() as there,
        there.replacing("people.csv") as file,
    ):
        file.write(b"id,name\n1,ours\n")
        (folder / "people.csv").write_text("id,name\n1,theirs, and longer\n")
    assert "theirs" in (folder / "people.csv").read_text()
    assert names(folder) == ["people.csv"]


def test_a_write_is_there_once_wherever_the_line_breaks(server: Sshd, folder: Path) -> None:
    """The file is never half, and no lock keeps the next writer out."""
    with TcpProxy("127.0.0.1", server.facts()["port"]) as line:
        for number, count in enumerate(range(SIGNED_IN, WRITTEN, 310), 100):
            files, native = connector(server, port=line.port), {"id": str(number), "name": "x"}
            line.reset_after(count)
            with pytest.raises(TransientError):
                files.writer("people", "create")(native, "m")
            line.restore()
            rows = (folder / "people.csv").read_text().splitlines()
            assert rows[0] == "id,name", "The file was seen half."
            assert names(folder) == ["people.csv"], f"After a reset at byte {count}."
            found = files.find("people", native, "m")
            assert (found is not None) is (f"{number},x" in rows), "find() tells what became of it."


def test_a_line_that_breaks_while_reading_calls_nothing_gone(server: Sshd, folder: Path) -> None:
    put(server, "people.csv", "id,name\n" + "".join(f"{number},x\n" for number in range(20_000)))
    with TcpProxy("127.0.0.1", server.facts()["port"]) as line:
        for count in (3000, 20_000, 100_000):
            line.reset_after(count)
            items: list[Any] = []
            with pytest.raises(LandbridgeError):
                items.extend(connector(server, port=line.port).read("people"))
            assert not any(isinstance(item, Complete) for item in items)
            line.restore()
