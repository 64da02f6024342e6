"""What slapd sends, byte by byte: recorded between client and server, and replayed without a server.

Only answers are kept, so no password is. With LANDBRIDGE_RECORD=1 test_ldap_server.py makes the recordings anew.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RECORDINGS = Path(__file__).parent / "recordings" / "ldap.json"
# By connection, in the order of opening: message id → everything that was answered to it.
Recording = list[dict[str, str]]


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole LDAPMessages (RFC 4511) in it with their ids, and the rest."""
    found = []
    while (header := _header(data)) and len(data) >= sum(header):
        start, length = header
        size = data[start + 1]
        found.append((int.from_bytes(data[start + 2 : start + 2 + size], "big"), data[: start + length]))
        data = data[start + length :]
    return found, data


def _header(data: bytes) -> tuple[int, int] | None:
    """How many bytes say the length, tag included, and the length."""
    if len(data) < 2 or len(data) < 2 + (data[1] & 0x7F if data[1] & 0x80 else 0):
        return None
    if not data[1] & 0x80:
        return 2, data[1]
    size = data[1] & 0x7F
    return 2 + size, int.from_bytes(data[2 : 2 + size], "big")


@contextmanager
def serving(handle: Callable[[socket.socket, int], None]) -> Iterator[str]:
    """An address whose connections are handled one by one or beside each other, with their number."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        handlers: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                handlers.append(threading.Thread(target=handle, args=(client, len(handlers))))
                handlers[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"ldap://127.0.0.1:{server.getsockname()[1]}"
        finally:  # or a test that fails would never end
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for handler in handlers:
                handler.join(5)


@contextmanager
def replayed(recording: Recording) -> Iterator[str]:
    """Answers each request by its message id, as it was answered when it was recorded."""

    def handle(client: socket.socket, number: int) -> None:
        # Either side may hang up as it likes.
        with client, suppress(OSError):
            rest = b""
            while data := client.recv(65536):
                requests, rest = split(rest + data)
                for message, _ in requests:
                    client.sendall(bytes.fromhex(recording[number].get(str(message), "")))

    with serving(handle) as address:
        yield address


@contextmanager
def recorded(port: int, *, lose: str = "") -> Iterator[tuple[str, Recording]]:
    """An address that passes everything on to the server at `port`, and what that has answered.

    From the answer to the message `lose` on, nothing more arrives.
    """
    recording: Recording = []

    def handle(client: socket.socket, number: int) -> None:
        recording.append({})
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            answers = threading.Thread(target=_keep, args=(server, client, recording[number], lose))
            answers.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)
            answers.join()

    with serving(handle) as address:
        yield address, recording


def _keep(server: socket.socket, client: socket.socket, kept: dict[str, str], lose: str) -> None:
    rest = b""
    with suppress(OSError):
        while data := server.recv(65536):
            messages, rest = split(rest + data)
            for message, text in messages:
                kept[str(message)] = kept.get(str(message), "") + text.hex()
            if not lose or lose not in kept:
                client.sendall(data)
