"""A proxy on loopback for anything that speaks TCP (PostgreSQL, LDAP, IMAP): it forwards bytes until told otherwise."""

from __future__ import annotations

import socket
import struct
import threading
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024
_RESET = struct.pack("ii", 1, 0)


class _Pair:
    """A client's connection and ours to the server; two threads pump between them."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.pumps = 2

    def reset(self) -> None:
        _reset(self.client)
        _reset(self.server)

    def close(self) -> None:
        self.client.close()
        self.server.close()


class TcpProxy:
    """Use it as a context manager and give `port` to the client."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._lock = threading.Lock()
        self._pairs: set[_Pair] = set()
        self._open = threading.Event()  # what arrives is forwarded
        self._open.set()
        self._delay = threading.Event()
        self._wait = 0.0
        self._budget: int | None = None
        self.accepted = 0
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def cut(self) -> None:
        """Reset all connections now; new ones are accepted."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.reset()

    def refuse(self) -> None:
        """Reset all connections and accept no new ones: the server is gone."""
        self._hang_up()
        self.cut()

    def reset_after(self, count: int) -> None:
        """Reset the connection that carries the `count`th byte of answers from now on; once."""
        self._budget = count

    def slow(self, seconds: float) -> None:
        """Every piece of an answer comes so much later; 0 ends it."""
        self._wait = seconds

    def half_open(self) -> None:
        """Nothing is forwarded any more, yet no connection ends: a network that swallows packets."""
        self._open.clear()

    def restore(self) -> None:
        """Everything passes again."""
        self._budget, self._wait = None, 0.0
        self._open.set()
        if self._listener.fileno() < 0:
            self._listener = self._listen(self.port)
            self._start()

    def close(self) -> None:
        self._delay.set()
        self._open.set()
        self._hang_up()
        self.cut()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port), backlog=64)

    def _hang_up(self) -> None:
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone would not wake the thread in accept
            self._listener.close()

    def _start(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # hung up
            self._join(client)

    def _join(self, client: socket.socket) -> None:
        self.accepted += 1
        try:
            server = socket.create_connection(self._upstream, timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        pair = _Pair(client, server)
        with self._lock:
            self._pairs.add(pair)
        threading.Thread(target=self._pump, args=(pair, client, server), daemon=True).start()
        threading.Thread(target=self._pump, args=(pair, server, client), daemon=True).start()

    def _pump(self, pair: _Pair, source: socket.socket, target: socket.socket) -> None:
        answers = source is pair.server
        try:
            while piece := source.recv(CHUNK):
                self._open.wait()
                if answers and self._wait:
                    self._delay.wait(self._wait)
                if answers and self._spent(len(piece)):
                    pair.reset()
                    break
                target.sendall(piece)
            else:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            pair.reset()
        with self._lock:
            pair.pumps -= 1
            if not pair.pumps:
                pair.close()
                self._pairs.discard(pair)

    def _spent(self, count: int) -> bool:
        if self._budget is None:
            return False
        self._budget -= count
        if self._budget > 0:
            return False
        self._budget = None
        return True


def _reset(end: socket.socket) -> None:
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        # A thread that waits in recv holds the socket open; this wakes it.
        end.shutdown(socket.SHUT_RD)
    except OSError:
        pass  # its other end has gone already
    end.close()
