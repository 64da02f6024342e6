"""The proxy for plain TCP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from landbridge.testing.tcp import TcpProxy


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(client,), daemon=True).start()


def _answer(client: socket.socket) -> None:
    with client:
        try:
            while piece := client.recv(1024):
                client.sendall(piece)
        except OSError:
            pass


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        with TcpProxy("127.0.0.1", listener.getsockname()[1]) as proxy:
            yield proxy
        listener.shutdown(socket.SHUT_RDWR)


def connect(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=2)


def ask(connection: socket.socket, said: bytes = b"ping") -> bytes:
    connection.sendall(said)
    return connection.recv(len(said), socket.MSG_WAITALL)


def ends(connection: socket.socket) -> bool:
    try:
        return ask(connection) == b""
    except ConnectionError:
        return True


def test_bytes_pass_and_an_end_is_an_end(proxy: TcpProxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection) == b"ping"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert proxy.accepted == 1


def test_cut_ends_all_and_accepts_new_ones(proxy: TcpProxy) -> None:
    with connect(proxy) as one, connect(proxy) as two:
        assert ask(one) == ask(two) == b"ping"
        proxy.cut()
        assert ends(one) and ends(two)
    with connect(proxy) as three:
        assert ask(three) == b"ping"


def test_refuse_until_restored(proxy: TcpProxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionError):
        connect(proxy)
    proxy.restore()
    with connect(proxy) as connection:
        assert ask(connection) == b"ping"


def test_reset_after_so_many_bytes(proxy: TcpProxy) -> None:
    proxy.reset_after(10)
    with connect(proxy) as connection:
        assert ask(connection) == ask(connection) == b"ping"
        assert ends(connection)
    with connect(proxy) as connection:
        assert ask(connection, b"x" * 100) == b"x" * 100


def test_half_open_swallows_and_then_delivers(proxy: TcpProxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection) == b"ping"
        connection.settimeout(0.1)
        proxy.half_open()
        with pytest.raises(TimeoutError):
            ask(connection)
        connection.settimeout(2)
        proxy.restore()
        assert connection.recv(4) == b"ping"


def test_slow_answers_come(proxy: TcpProxy) -> None:
    proxy.slow(0.05)
    with connect(proxy) as connection:
        began = time.monotonic()
        assert ask(connection) == b"ping"
        assert time.monotonic() - began >= 0.05
