"""What the benchmark's own servers share: JSON answers, and an end with the program that has started them."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class JsonHandler(BaseHTTPRequestHandler):
    """Keeps connections open, as services do."""

    protocol_version = "HTTP/1.1"
    # One write per answer: two would wait for each other's acknowledgement.
    wbufsize = -1

    def body(self) -> bytes:
        """What was sent; read in any case, since the connection is used again."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: writing a line per request would be measured too."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def serve_while_wanted(self) -> None:
        """Until the program that has started it closes our standard input, as the kernel does when it is killed."""
        threading.Thread(target=self._wait_for_end, daemon=True).start()
        self.serve_forever()

    def _wait_for_end(self) -> None:
        sys.stdin.read()
        self.shutdown()
