"""A server that nobody may ever contact: it only counts who does."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Bait:
    """Where the server is, and what it was sent."""

    url: str = ""
    visits: list[bytes] = field(default_factory=list)


@contextmanager
def bait() -> Iterator[Bait]:
    laid = Bait()

    class Count(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            laid.visits.append(self.request.recv(4096))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Count) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        laid.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield laid
        finally:
            server.shutdown()
            thread.join()
