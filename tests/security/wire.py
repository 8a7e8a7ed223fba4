"""Bytes to the edge as an attacker sends them, and the answers as they come back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SECONDS = 30.0
"""For an answer that has to come: far more than the edge and the gateway give themselves."""


class WireError(AssertionError):
    """What came back is no HTTP/1.1, or did not come."""


@dataclass(frozen=True)
class Answer:
    """One answer; header names are in lower case."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The value of a field that stands there at most once."""
        found = [value for key, value in self.fields if key == name.lower()]
        assert len(found) < 2, f"{name} stands there {len(found)} times"
        return found[0] if found else ""


@dataclass
class Wire:
    """A connection to the edge on which anything can be sent."""

    sock: socket.socket
    buffer: bytes = b""
    ended: bool = field(default=False)

    def send(self, data: bytes) -> None:
        """Send bytes; a server that closed the connection meanwhile is noticed when its answer is read."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.ended = True

    def answer(self, *, to_head: bool = False) -> Answer | None:
        """The next answer, interim ones left out; None if the server closed the connection instead."""
        while True:
            head = self._until(b"\r\n\r\n")
            if head is None:
                return None
            first, *lines = head.decode("latin-1").split("\r\n")
            version, status = first.split(" ", 2)[:2]
            if not version.startswith("HTTP/1."):
                raise WireError(f"no answer begins like {first!r}")
            fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            if not status.startswith("1") or status == "101":
                break
        body = b"" if to_head or status in {"101", "204", "304"} else self._body(dict(fields))
        return Answer(int(status), fields, body)

    def answers(self) -> list[Answer]:
        """Every answer until the server closes the connection."""
        found = []
        while answer := self.answer():
            found.append(answer)
        return found

    def _body(self, fields: dict[str, str]) -> bytes:
        if fields.get("transfer-encoding") == "chunked":
            return b"".join(self._chunks())
        if "content-length" in fields:
            return self._exactly(int(fields["content-length"]))
        while self._more():
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = int(self._until(b"\r\n") or b"", 16)
            chunk = self._exactly(size + 2)[:-2]
            if not size:
                return
            yield chunk

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self.buffer:
            if not self._more():
                if self.buffer:
                    raise WireError(f"the connection ended within an answer: {self.buffer[:200]!r}")
                return None
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self._more():
                raise WireError(f"the connection ended {count - len(self.buffer)} bytes before the answer's end")
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def _more(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        except TimeoutError:
            raise WireError(f"nothing came within {self.sock.gettimeout()} s; so far {self.buffer[:200]!r}") from None
        self.buffer += data
        self.ended = self.ended or not data
        return bool(data)


@contextmanager
def wire(address: str, seconds: float = SECONDS) -> Iterator[Wire]:
    """A connection to `host:port`."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), seconds) as sock:
        yield Wire(sock)


def exchange(address: str, data: bytes, seconds: float = SECONDS) -> list[Answer]:
    """Every answer to bytes of which the last request asks for the connection to be closed."""
    with wire(address, seconds) as connection:
        connection.send(data)
        return connection.answers()


def ask(address: str, data: bytes) -> Answer:
    """The first answer to some bytes; an error if there is none."""
    with wire(address) as connection:
        connection.send(data)
        answer = connection.answer()
    assert answer is not None, f"no answer to {data[:200]!r}"
    return answer
