"""Plain sockets and plain HTTP: the suite trusts no client library and neither server."""

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaos.toxiproxy.servers import RunningServer

DIRECTIONS = ["upstream", "downstream"]
UNUSED = "localhost:20001"  # an upstream nobody connects to
FIELD = "json: cannot unmarshal {} into Go struct field {} of type {}"
PATIENCE = 10.0  # seconds that anything may take which should happen at once


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        return str(self.json["error"])


@dataclass(frozen=True)
class Server:
    """One of the two servers under test. `own` is true for chaos.faultproxy."""

    own: bool
    running: RunningServer

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """A body of str goes out as it is, anything else as JSON; header names come back in lower case."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=30)
        try:
            sent = body if isinstance(body, str | None) else json.dumps(body)
            connection.request(method, path, body=None if sent is None else sent.encode(), headers=headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, names, response.read().decode())
        finally:
            connection.close()

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.call(method, path, body)
        assert reply.status in {200, 201, 204}, reply
        return reply.json if reply.text else None

    def create(self, name: str, upstream: str, listen: str = "127.0.0.1:0", **more: Any) -> dict[str, Any]:
        created = self.ok("POST", "/proxies", {"name": name, "upstream": upstream, "listen": listen, **more})
        assert isinstance(created, dict)
        return created

    def add(
        self, kind: str, *, proxy: str = "p", stream: str = "downstream", toxicity: float = 1, **attributes: int
    ) -> None:
        """Put a toxic named like its type on a proxy."""
        body = {"name": kind, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        self.ok("POST", f"/proxies/{proxy}/toxics", body)

    def change(self, kind: str, *, proxy: str = "p", **attributes: int) -> None:
        self.ok("POST", f"/proxies/{proxy}/toxics/{kind}", {"attributes": attributes})

    def remove(self, kind: str, *, proxy: str = "p") -> None:
        self.ok("DELETE", f"/proxies/{proxy}/toxics/{kind}")


class Pair:
    """A proxy called `p`, an upstream to it, and connections through it."""

    def __init__(self, server: Server, **more: Any) -> None:
        self.upstream = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.upstream.settimeout(PATIENCE)
        self._open: list[socket.socket] = [self.upstream]
        self.proxy = server.create("p", f"127.0.0.1:{self.upstream.getsockname()[1]}", **more)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """The client's end and the upstream's end of one new proxied connection."""
        client = self.client()
        end, _ = self.upstream.accept()
        end.settimeout(PATIENCE)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.append(end)
        return client, end

    def oriented(self, stream: str) -> tuple[socket.socket, socket.socket]:
        """A new connection as the sender and the receiver of that stream."""
        client, end = self.connect()
        return (client, end) if stream == "upstream" else (end, client)

    def client(self) -> socket.socket:
        client = connect(self.proxy["listen"])
        self._open.append(client)
        return client

    def close(self) -> None:
        for each in self._open:
            each.close()


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    client = socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def flood(sock: socket.socket, at_most: int, stuck_after: float = 0.7) -> int:
    """Send until the way is full, that is until nothing more is taken for a while; how much was taken."""
    sock.settimeout(stuck_after)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < at_most:
            sent += sock.send(b"f" * 65536)
    sock.settimeout(PATIENCE)
    return sent


def receive(sock: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes, or fewer if the stream ends before."""
    data = bytearray()
    while len(data) < count and (more := sock.recv(count - len(data))):
        data += more
    return bytes(data)


def drain(sock: socket.socket) -> bytes:
    """Everything up to the end of the stream."""
    data = bytearray()
    while more := sock.recv(65536):
        data += more
    return bytes(data)


def passes(source: socket.socket, target: socket.socket, data: bytes = b"probe") -> bool:
    source.sendall(data)
    return receive(target, len(data)) == data


def quiet(sock: socket.socket, seconds: float) -> bool:
    """Whether nothing, not even an end, arrives for so long."""
    sock.settimeout(seconds)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(PATIENCE)
    return False


def ends(sock: socket.socket) -> str:
    """How a stream ends, after whatever data: `fin` or `rst`."""
    try:
        drain(sock)
    except ConnectionResetError:
        return "rst"
    return "fin"


def listens(address: str) -> bool:
    try:
        connect(address).close()
    except OSError:
        return False
    return True


def seconds(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def eventually(condition: Callable[[], bool], within: float = PATIENCE) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
