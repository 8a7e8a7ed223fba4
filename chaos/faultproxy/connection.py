"""A client's connection and the one made for it to the upstream: two sockets, two links."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from chaos.faultproxy.link import Link
from chaos.faultproxy.randomness import Randomness
from chaos.faultproxy.toxics import DOWNSTREAM, UPSTREAM, Toxic

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Connection:
    """Owns both sockets. When one direction has ended its target is closed whole: there is no half-close."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        toxics: Iterable[Toxic],
        *,
        randomness: Callable[[str], Randomness],
        on_closed: Callable[["Connection"], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._server = server
        self._on_closed = on_closed
        self._closed = False
        self._reset_asked = False
        self.links: dict[str, Link] = {}
        ends = {UPSTREAM: (client, server), DOWNSTREAM: (server, client)}
        chains = {direction: [toxic for toxic in toxics if toxic.direction == direction] for direction in ends}
        for direction, (source, target) in ends.items():
            self.links[direction] = Link(
                source,
                target,
                chains[direction],
                randomness(direction),
                loop=self._loop,
                on_done=partial(self._link_done, direction),
                on_reset=self._reset,
            )
        for link in self.links.values():
            link.start()

    def close(self) -> None:
        """Close both sides at once; what is under way is lost."""
        if self._closed:
            return
        self._closed = True
        for link in self.links.values():
            link.close()
        self._client.close()
        self._server.close()
        self._on_closed(self)

    def moved(self, way: str, direction: str) -> int:
        """Bytes `received` or `sent` in one direction so far."""
        link = self.links[direction]
        return link.received if way == "received" else link.sent

    def _reset(self) -> None:
        """Close both sides with RST instead of FIN, as soon as whoever asks has returned."""
        if self._closed or self._reset_asked:
            return
        self._reset_asked = True
        for end in (self._client, self._server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._loop.call_soon(self.close)

    def _link_done(self, direction: str) -> None:
        if self._closed:
            return
        other = self.links[DOWNSTREAM if direction == UPSTREAM else UPSTREAM]
        if other.done:
            self.close()
            return
        # The other direction reads from the very socket that this one has finished writing to.
        other.source_gone()
        (self._server if direction == UPSTREAM else self._client).close()
