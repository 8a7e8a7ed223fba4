"""The least of HTTP/2 (RFC 9113) that an attacker needs: frames with any content, and the body of what comes back.

Header fields go as literals (RFC 7541, section 6.2.2), so that nothing between a test and the wire repairs them.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, GOAWAY, CONTINUATION = 0, 1, 3, 4, 7, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4

Fields = list[tuple[bytes, bytes]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(name: bytes, value: bytes) -> bytes:
    return b"\x00" + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    size, rest = b"\x7f", len(text) - 127
    while rest >= 128:
        size, rest = size + bytes([rest % 128 + 128]), rest // 128
    return size + bytes([rest]) + text


def request(path: bytes, more: Fields | None = None, **pseudo: bytes) -> Fields:
    """The fields of a request; pseudo-header fields may be replaced by name."""
    fields = {"method": b"GET", "scheme": b"http", "path": path, "authority": b"edge.test", **pseudo}
    return [(f":{name}".encode(), value) for name, value in fields.items()] + (more or [])


@dataclass
class Outcome:
    """What became of a stream: its body, and how it ended ("answered", "reset", "connection")."""

    body: bytes
    ended: str


def exchange(address: str, fields: Fields, body: bytes | None = None, seconds: float = 10.0) -> Outcome:
    """Send one request on a connection of its own."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), seconds) as sock:
        block = b"".join(literal(*field) for field in fields)
        end = END_STREAM if body is None else 0
        sock.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS | end, 1, block))
        if body is not None:
            sock.sendall(frame(DATA, END_STREAM, 1, body))
        received = b""
        for kind, flags, payload in _frames(sock):
            if kind == DATA:
                received += payload
            if kind == SETTINGS and not flags & ACK:
                sock.sendall(frame(SETTINGS, ACK, 0))
            if kind == RESET:
                return Outcome(received, "reset")
            if kind == GOAWAY:
                return Outcome(received, "connection")
            if kind in {DATA, HEADERS} and flags & END_STREAM:
                return Outcome(received, "answered")
        return Outcome(received, "connection")


def _frames(sock: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    buffer = b""
    while data := sock.recv(65536):
        buffer += data
        while len(buffer) >= 9 and len(buffer) >= (size := 9 + int.from_bytes(buffer[:3], "big")):
            yield buffer[3], buffer[4], buffer[9:size]
            buffer = buffer[size:]
