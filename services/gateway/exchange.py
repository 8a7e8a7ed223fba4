"""One request on its way through the pipeline: what the stages know about it so far."""

import ipaddress
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from litestar.types import Scope

from services.gateway.matching import Match
from stormglass.security.identity import Identity

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Exchange:
    """Filled in from top to bottom; `account` reads it at the end.

    `request_id` is made here and never taken from outside, so that it is unique and safe to log; the trace, which a
    client may have begun, has its own header. `credential` is the kind that was sent: none, bearer, session or api-key.
    `refused`: it was not good, but not needed either. `cache` is what the cache did, in one word. `extra` are header
    fields that whatever answer there will be carries; `unless_refused` is done at the end unless that is a 4xx.
    """

    method: str
    headers: Headers
    client: str
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    begun: float = field(default_factory=time.perf_counter)
    match: Match | None = None
    credential: str = "none"
    refused: bool = False
    identity: Identity | None = None
    cache: str = ""
    extra: Headers = field(default_factory=list)
    unless_refused: list[Callable[[], None]] = field(default_factory=list)
    started: bool = False
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    @classmethod
    def begin(cls, scope: Scope) -> Self:
        """The exchange for an ASGI request."""
        headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        peer = scope.get("client")
        return cls(str(scope.get("method", "")), headers, client_address(headers, peer[0] if peer else ""))

    def values(self, name: bytes) -> list[bytes]:
        """The values of every header field of this (lower-case) name."""
        return [value for key, value in self.headers if key == name]

    @property
    def caller(self) -> str:
        """Who is limited: the subject of a verified credential, else the client's address."""
        return f"subject:{self.identity.subject}" if self.identity else self.address

    @property
    def address(self) -> str:
        """Who is limited where it does not matter who it says it is."""
        return f"address:{self.client}"


def client_address(headers: Headers, peer: str) -> str:
    """The address of the client; an IPv6 one stands for its /64, which is what one subscriber has.

    It is the last hop of X-Forwarded-For: the edge overwrites whatever a client sends (Traefik's
    `forwardedHeaders.insecure` is false), and nobody but the edge reaches this port. Without the header, the peer.
    """
    hops = [value for name, value in headers if name == b"x-forwarded-for"]
    text = hops[-1].rpartition(b",")[2].strip().decode("latin-1") if hops else peer
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
