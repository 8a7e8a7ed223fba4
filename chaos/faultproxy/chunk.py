"""What travels along a link: bytes, and when they were received."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Chunk:
    """One read from a socket, or a piece of one. `received` is in seconds of `time.monotonic()`."""

    data: bytes | memoryview
    received: float

    def cut(self, size: int) -> tuple["Chunk", "Chunk"]:
        """The first `size` bytes and the rest, which may be empty; both keep the time of receipt. Nothing is copied."""
        view = memoryview(self.data)
        return Chunk(view[:size], self.received), Chunk(view[size:], self.received)


class Sink(Protocol):
    """Where a stage hands its chunks on: the next stage, or the writer at the end."""

    full: bool

    def put(self, chunk: Chunk) -> None:
        """Take a chunk; whoever calls has looked at `full`, or is flushing."""

    def end(self) -> None:
        """Take the end of the stream, which travels behind the data."""
