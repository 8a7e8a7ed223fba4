"""Addresses as Go's `net` package reads them: `host:port` text, its error texts, binding and dialling."""

import asyncio
import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Any, Final

from aiohappyeyeballs import start_connection

WILDCARD: Final = "::"
_BACKLOG: Final = 4096
# Time before the next address of a host name is tried beside the first (RFC 8305 recommends a quarter of a second).
_NEXT_ADDRESS_SECONDS: Final = 0.25


class AddressError(OSError):
    """An address that cannot be read, resolved or bound; the text is Go's."""


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric host and a port. The wildcard has one spelling, so `0.0.0.0:p`, `:p` and `[::]:p` are equal."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def resolve(text: str) -> Address:
    """The address that `text` stands for; IPv4 is preferred, as in Go. AddressError if there is none."""
    host, port = split(text)
    numeric = _numeric(host)
    if numeric is not None:
        return Address(numeric, port)
    infos = await _look_up(host, port)
    infos.sort(key=lambda info: info[0] != socket.AF_INET)
    return Address(str(infos[0][4][0]), port)


def split(text: str) -> tuple[str, int]:
    """Host and port number of `host:port`. An empty text is any host and port 0, a port may be a service's name."""
    if not text:
        return "", 0
    host, colon, port = text.rpartition(":")
    if text.startswith("["):
        closing = text.find("]")
        if closing < 0:
            raise AddressError(f"address {text}: missing ']' in address")
        host, colon, port = text[1:closing], text[closing + 1 : closing + 2], text[closing + 2 :]
        if colon == ":" and ":" in port:
            raise AddressError(f"address {text}: too many colons in address")
    elif ":" in host:
        raise AddressError(f"address {text}: too many colons in address")
    if colon != ":":
        raise AddressError(f"address {text}: missing port in address")
    return host, _port_number(port)


def _port_number(text: str) -> int:
    if not text:
        return 0
    if text.lstrip("+-").isdecimal():
        number = int(text)
        if not 0 <= number <= 65535:
            raise AddressError(f"address {text}: invalid port")
        return number
    try:
        return socket.getservbyname(text, "tcp")
    except OSError:
        raise AddressError(f"lookup tcp/{text}: unknown port") from None


def bind(address: Address) -> socket.socket:
    """A non-blocking listening socket; AddressError when it cannot be bound."""
    dual = address.host == WILDCARD and socket.has_dualstack_ipv6()
    host = "0.0.0.0" if address.host == WILDCARD and not dual else address.host
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        listener.bind((host, address.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise AddressError(f"listen tcp {address}: bind: {reason}") from error
    return listener


def bound(listener: socket.socket) -> str:
    """The address a listener really has."""
    host, port = listener.getsockname()[:2]
    return str(Address(WILDCARD if host == "0.0.0.0" else host, port))


async def dial(text: str) -> socket.socket:
    """A non-blocking socket connected to `text`; every address of a host name is tried. OSError when none answers."""
    host, port = split(text)
    numeric = _numeric(host or "127.0.0.1")
    if numeric is None:
        return await start_connection(await _look_up(host, port), happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)
    sock = socket.socket(socket.AF_INET6 if ":" in numeric else socket.AF_INET)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (numeric, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _numeric(host: str) -> str | None:
    if host in {"", "0.0.0.0"}:
        return WILDCARD
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


async def _look_up(host: str, port: int) -> list[Any]:
    try:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise AddressError(f"lookup {host}: no such host") from None
