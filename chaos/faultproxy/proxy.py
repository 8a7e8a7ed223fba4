"""One proxy: its listener, its connections, its toxics."""

import asyncio
import contextlib
import errno
import itertools
import socket
from functools import partial
from typing import Any, Final

from chaos.faultproxy import addresses
from chaos.faultproxy.connection import Connection
from chaos.faultproxy.events import log
from chaos.faultproxy.randomness import Randomness
from chaos.faultproxy.toxics import DOWNSTREAM, UPSTREAM, Toxic

_ACCEPTS_AT_ONCE: Final = 64
_OUT_OF_DESCRIPTORS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_REST_SECONDS: Final = 0.1


class Proxy:
    """Forwards every client of `listen` to `upstream`, which is dialled per client and never checked before.

    `listen` is the text it was given until the proxy starts, from then on the address that is really bound.
    """

    def __init__(self, name: str, listen: str, upstream: str, *, seed: int, dial_seconds: float) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self.toxics: list[Toxic] = []
        self.connections: set[Connection] = set()
        self.accepted = self.refused = 0
        self._ended_bytes = {
            (way, direction): 0 for way in ("received", "sent") for direction in (UPSTREAM, DOWNSTREAM)
        }
        self._seed = seed
        self._dial_seconds = dial_seconds
        self._dials: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._listener: socket.socket | None = None
        self._rest: asyncio.TimerHandle | None = None

    def as_json(self) -> dict[str, Any]:
        """The object of Toxiproxy's API. Its stray empty `Logger` is kept for byte parity."""
        ordered = [toxic for way in (UPSTREAM, DOWNSTREAM) for toxic in self.toxics if toxic.direction == way]
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "Logger": {},
            "toxics": [toxic.as_json() for toxic in ordered],
        }

    # --- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; harmless when it does already. AddressError if the address cannot be resolved or bound."""
        if self.enabled:
            return
        try:
            address = await addresses.resolve(self.listen)
        except addresses.AddressError as error:
            raise addresses.AddressError(f"listen tcp: {error}") from None
        self._listener = addresses.bind(address)
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.listen = addresses.bound(self._listener)
        self.enabled = True
        self._watch()
        log.info("Started proxy", name=self.name, listen=self.listen, upstream=self.upstream)

    def stop(self) -> None:
        """Refuse new clients and drop the present ones, dials included; harmless when stopped already."""
        if self._listener is None:
            return
        self.enabled = False
        self._unwatch()
        self._listener.close()
        self._listener = None
        for task in self._dials:
            task.cancel()
        for connection in list(self.connections):
            connection.close()
        log.info("Terminated proxy", name=self.name, listen=self.listen, upstream=self.upstream)

    # --- toxics --------------------------------------------------------------------------------------------

    def toxic(self, name: str) -> Toxic | None:
        """The toxic of that name, in either direction."""
        return next((toxic for toxic in self.toxics if toxic.name == name), None)

    def add_toxic(self, toxic: Toxic) -> None:
        """Put a toxic behind the others of its direction, on every live connection too."""
        self.toxics.append(toxic)
        for connection in self.connections:
            connection.links[toxic.direction].add(toxic)

    def update_toxic(self, toxic: Toxic) -> None:
        """Let every live connection take up what has been changed on the toxic."""
        for connection in self.connections:
            connection.links[toxic.direction].update(toxic)

    def remove_toxic(self, toxic: Toxic) -> None:
        """Take a toxic away, from every live connection too."""
        self.toxics.remove(toxic)
        for connection in self.connections:
            connection.links[toxic.direction].remove(toxic)

    # --- figures -------------------------------------------------------------------------------------------

    def moved(self, way: str, direction: str) -> int:
        """Bytes `received` or `sent` in one direction so far, live connections included."""
        live = sum(connection.moved(way, direction) for connection in self.connections)
        return self._ended_bytes[way, direction] + live

    # --- clients -------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)

    def _unwatch(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            if self._listener is None:
                return
            try:
                client, _peer = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS:
                    log.error("cannot accept, resting", name=self.name, error=str(error), seconds=_REST_SECONDS)
                    self._unwatch()
                    self._rest = asyncio.get_running_loop().call_later(_REST_SECONDS, self._watch)
                    return
                continue
            client.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._connect(client, next(self._numbers)))
            self._dials.add(task)
            task.add_done_callback(partial(self._dialled, client))

    async def _connect(self, client: socket.socket, number: int) -> None:
        """Dial for one client, beside the accept loop: a dial that hangs holds up nobody else."""
        try:
            async with asyncio.timeout(self._dial_seconds):
                server = await addresses.dial(self.upstream)
        except OSError as error:  # TimeoutError is one
            self.refused += 1
            reason = str(error) or f"no answer in {self._dial_seconds:g} s"
            log.warning("Upstream unreachable", name=self.name, upstream=self.upstream, error=reason)
            client.close()
            return
        for end in (client, server):
            with contextlib.suppress(OSError):  # a peer that is gone already shows at the first read
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.accepted += 1
        randomness = partial(Randomness, self._seed, self.name, number)
        self.connections.add(
            Connection(client, server, self.toxics, randomness=randomness, on_closed=self._forget),
        )

    def _dialled(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        self._dials.discard(task)
        if task.cancelled() or task.exception() is not None:
            client.close()

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        for way, direction in self._ended_bytes:
            self._ended_bytes[way, direction] += connection.moved(way, direction)
