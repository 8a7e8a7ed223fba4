"""A request whose answer can be of no other: its path is unique, nothing is there, and the 404 repeats the path.

It carries a trace of its own as well, and the gateway's log line has it: so it can be told whether a request that was
only smuggled along ever reached a gateway.
"""

import json
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from stormglass.runtime.logfiles import with_rotated
from stormglass.testing import Platform, eventually
from tests.security.wire import Answer, exchange, wire


@dataclass(frozen=True)
class Canary:
    """One request for a page that does not exist."""

    kind: str = "canary"
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    trace: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def path(self) -> str:
        return f"/{self.kind}-{self.token}"

    @property
    def headers(self) -> bytes:
        return f"Host: edge.test\r\ntraceparent: 00-{self.trace}-00f067aa0ba902b7-01\r\n".encode()

    def request(self, *, close: bool = False, more: bytes = b"") -> bytes:
        """The whole request; `more` are further header fields."""
        end = b"Connection: close\r\n\r\n" if close else b"\r\n"
        return b"GET %s HTTP/1.1\r\n%s%s%s" % (self.path.encode(), self.headers, more, end)


def subject(answer: Answer) -> str:
    """The path that an answer is about, as the gateway read it; empty if it was not the gateway that answered."""
    if answer.header("content-type") != "application/problem+json":
        return ""
    return str(json.loads(answer.body)["instance"])


def everybody_gets_their_own(address: str, count: int = 8) -> None:
    """What is left over on a connection between edge and gateway is answered to whoever comes next: nothing is.

    The edge takes the connection that was used last, so that the first of these requests meets it. Every second one
    asks twice on its own connection.
    """
    for number in range(count):
        with wire(address) as connection:
            for mine in (Canary("bystander"), Canary("bystander"))[: 1 + number % 2]:
                connection.send(mine.request())
                answer = connection.answer()
                assert answer is not None
                assert (answer.status, subject(answer)) == (404, mine.path), answer


def reached_a_gateway(platform: Platform, *sent: Canary) -> list[str]:
    """The kinds of those requests that a gateway has a log line of, each as often as it has one."""
    # whatever is on its way is before these, which meet both gateways
    marks = [Canary("mark") for _ in range(4)]
    for mark in marks:
        exchange(platform.address("edge"), mark.request(close=True))
    lines = eventually(lambda: _lines_with(platform, marks), what="a line of each request that was sent last")
    return [each.kind for each in sent for line in lines if each.trace in line]


def _lines_with(platform: Platform, marks: list[Canary]) -> list[str] | None:
    instance = platform.instance
    names = [process.replica_name(number) for process, number in instance.places() if process.name == "gateway"]
    lines = [
        line.decode()
        for name in names
        for line in _recent(instance.log(name)).splitlines()
        if b'"event": "request"' in line
    ]
    return lines if all(any(mark.trace in line for line in lines) for mark in marks) else None


def _recent(log: Path) -> bytes:
    """A log and the file before it as one: a rotation may come at any time, also in the middle of a line."""
    return b"".join(path.read_bytes() for path in with_rotated(log)[-2:])
