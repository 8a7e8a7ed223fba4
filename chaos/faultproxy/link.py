"""One direction of one connection: read from one socket, through the toxics, write to the other.

Without an active toxic, bytes go from socket to socket inside one callback: no task, no queue, no copy. With one, each
read becomes a chunk that is handed to the first stage. Reading stops whenever the first stage or the writer is full, so
a peer that stops reading costs at most one read per stage (1024 for a latency toxic) and the kernel's buffers.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from chaos.faultproxy.chunk import Chunk, Sink
from chaos.faultproxy.randomness import Randomness
from chaos.faultproxy.stage import Stage
from chaos.faultproxy.toxics import Toxic
from chaos.faultproxy.writer import Writer

# With toxics the size of a read shows (latency queues 1024 of them), so it is Toxiproxy's.
_CHUNK_BYTES: Final = 32 * 1024
# One buffer for all: it is filled and emptied, or copied, within one callback of a single-threaded loop.
_SHARED: Final = memoryview(bytearray(64 * 1024))


class Link:
    """Moves bytes from `source` to `target` until either ends; then calls `on_done`, once."""

    def __init__(
        self,
        source: socket.socket,
        target: socket.socket,
        toxics: Sequence[Toxic],
        randomness: Randomness,
        *,
        loop: asyncio.AbstractEventLoop,
        on_done: Callable[[], None],
        on_reset: Callable[[], None],
    ) -> None:
        self.received = 0
        self.done = False
        self._loop = loop
        self._source = source
        self._fd = source.fileno()
        self._receive_into = source.recv_into
        self._randomness = randomness
        self._on_done = on_done
        self._on_reset = on_reset
        self._writer = Writer(target, loop)
        self._writer.on_done = self._finished
        self._writer.on_room = self._writer_has_room
        self._stages: list[Stage] = []
        self._first: Sink | None = None  # None is the fast path
        self._reading = self._source_ended = False
        for toxic in toxics:
            self._append(toxic)
        self._wire()
        for stage in self._stages:
            stage.run()

    @property
    def sent(self) -> int:
        """Bytes the kernel has taken for the target so far."""
        return self._writer.sent

    def start(self) -> None:
        """Begin to read."""
        self._resume()

    def source_gone(self) -> None:
        """Nothing can be read any more, because the socket is about to be closed or has ended."""
        if self._source_ended:
            return
        self._source_ended = True
        self._stop_reading()
        self._first = self._first or (self._stages[0] if self._stages else self._writer)
        self._first.end()

    def close(self) -> None:
        """Drop everything under way; the sockets are the caller's to close."""
        self.done = self._source_ended = True
        self._stop_reading()
        for stage in self._stages:
            stage.discard()
        self._writer.close()

    # --- toxics come and go --------------------------------------------------------------------------------

    def add(self, toxic: Toxic) -> None:
        """Put a toxic at the end of the chain. The one before it starts anew, and so draws its toxicity again."""
        before = self._stages[-1] if self._stages else None
        if before is not None:
            before.interrupt()
        self._append(toxic)
        self._wire()
        if self._source_ended and before is None:
            self._stages[-1].end()
        self._stages[-1].run()
        if before is not None:
            before.run()

    def update(self, toxic: Toxic) -> None:
        """Start the toxic anew with its present attributes; what it counted stays."""
        stage = self._stages[self._position(toxic)]
        stage.interrupt()
        stage.run()
        self._wire()

    def remove(self, toxic: Toxic) -> None:
        """Take a toxic out; what it held goes onward at once, and the one before it starts anew."""
        position = self._position(toxic)
        stage = self._stages[position]
        if toxic.behaviour.closes_on_removal:
            stage.finish()
            return
        before = self._stages[position - 1] if position else None
        stage.dissolve()
        if before is not None:
            before.interrupt()
        del self._stages[position]
        self._wire()
        if before is not None:
            before.run()
        self._resume()

    def _append(self, toxic: Toxic) -> None:
        self._stages.append(
            Stage(toxic, self._writer, self._randomness, on_reset=self._on_reset, loop=self._loop),
        )

    def _position(self, toxic: Toxic) -> int:
        return next(index for index, stage in enumerate(self._stages) if stage.toxic is toxic)

    def _wire(self) -> None:
        """Connect neighbours both ways."""
        resume: Callable[[], None] = self._resume
        for index, stage in enumerate(self._stages):
            stage.resume_source = resume
            stage.sink = self._stages[index + 1] if index + 1 < len(self._stages) else self._writer
            resume = stage.resume
        self._first = self._stages[0] if self._stages else None
        if self._source_ended and self._first is None:
            self._first = self._writer

    # --- reading -------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        if self._first is not None:
            if not self._stages_idle():
                self._read_chunk(self._first)
                return
            self._first = None
        try:
            count = self._receive_into(_SHARED)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            count = 0
        if not count:
            self.source_gone()
            return
        self.received += count
        writer = self._writer
        writer.write(_SHARED[:count])
        if writer.full:
            self._stop_reading()

    def _read_chunk(self, first: Sink) -> None:
        try:
            data = self._source.recv(_CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.source_gone()
            return
        self.received += len(data)
        first.put(Chunk(data, monotonic()))
        if first.full:
            self._stop_reading()

    def _stages_idle(self) -> bool:
        """Whether every toxic drew inactive on this connection and has nothing left to pass on."""
        return all(not stage.active and stage.idle and not stage.finished for stage in self._stages)

    def _resume(self) -> None:
        if self._reading or self._source_ended or (self._first or self._writer).full:
            return
        self._reading = True
        self._loop.add_reader(self._fd, self._readable)

    def _writer_has_room(self) -> None:
        if self._stages:
            self._stages[-1].resume()
        self._resume()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def _finished(self) -> None:
        if not self.done:
            self.close()
            self._on_done()
