"""The end of a link: writes to one non-blocking socket and says when it is full."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable

from chaos.faultproxy.chunk import Chunk


class Writer:
    """Sends in order, keeps what the kernel refuses, and is `full` until all of that has gone.

    One write leaves at once when nothing is waiting, so each `put` is one segment on the wire. `on_room` is called when
    the writer stops being full, `on_done` (never from inside a `put`) once the stream has ended or the peer is gone.
    """

    __slots__ = (
        "_done",
        "_ending",
        "_fd",
        "_loop",
        "_pending",
        "_send",
        "_watching",
        "full",
        "on_done",
        "on_room",
        "sent",
    )

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._send = sock.send
        self._fd = sock.fileno()
        self._pending: deque[bytes] = deque()
        self._ending = False
        self._done = False
        self._watching = False
        self.full = False
        self.sent = 0
        self.on_room: Callable[[], None] = _nothing
        self.on_done: Callable[[], None] = _nothing

    def put(self, chunk: Chunk) -> None:
        """Send one chunk; never refuses, so look at `full` first."""
        self.write(chunk.data)

    def write(self, data: bytes | memoryview) -> None:
        """Send `data` or keep a copy of the part that the kernel does not take now."""
        if self._done:
            return
        if self._pending:
            self._pending.append(bytes(data))
            return
        try:
            count = self._send(data)
        except (BlockingIOError, InterruptedError):
            count = 0
        except OSError:
            self._finish()
            return
        self.sent += count
        if count < len(data):
            self._pending.append(bytes(data[count:]))
            self.full = self._watching = True
            self._loop.add_writer(self._fd, self._flush)

    def end(self) -> None:
        """No more data will come: done as soon as everything has been sent."""
        self._ending = True
        if not self._pending:
            self._finish()

    def close(self) -> None:
        """Stop watching the socket and forget what was not sent."""
        self._done = True
        self._release()

    def _flush(self) -> None:
        try:
            while self._pending:
                data = self._pending[0]
                count = self._send(data)
                self.sent += count
                if count < len(data):
                    self._pending[0] = data[count:]
                    return
                self._pending.popleft()
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._finish()
            return
        self._release()
        if self._ending:
            self._finish()
        else:
            self.on_room()

    def _release(self) -> None:
        self._pending.clear()
        self.full = False
        if self._watching:
            self._watching = False
            self._loop.remove_writer(self._fd)

    def _finish(self) -> None:
        if self._done:
            return
        self._done = True
        self._release()
        # Deferred: a toxic that is just sending must not find its own connection taken down under it.
        self._loop.call_soon(self.on_done)


def _nothing() -> None:
    """The hook of a writer that nobody listens to yet."""
