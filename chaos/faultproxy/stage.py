"""One toxic at work in one direction of one connection.

A toxic is a coroutine, but not a task: the stage drives it by itself whenever a chunk, room or a timer turns up. An
interrupt is therefore one synchronous call, after which nothing is left to wait for, and an update or a removal takes
effect on every live connection before the API answers. A toxic may await only what the stage offers.
"""

import asyncio
import math
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from chaos.faultproxy.chunk import Chunk, Sink
from chaos.faultproxy.randomness import Randomness

if TYPE_CHECKING:
    from chaos.faultproxy.toxics import Toxic

INPUT: Final = "input"
ROOM: Final = "room"
TIME: Final = "time"
# Below this an event loop's millisecond timers are too coarse: go round the loop until the time has come.
_SPIN: Final = 0.0005
# Longer waits are cut: event loops refuse timers of centuries, and an attribute may be any 64-bit number.
_LONGEST_TIMER: Final = 3600.0


class Stage:
    """Takes chunks at `put`, runs them through the toxic, hands them to `sink`; `resume_source` is told of room."""

    __slots__ = (
        "_coroutine", "_draws", "_ended", "_inbox", "_loop", "_randomness", "_room", "_timer", "_values", "_waiting",
        "active", "finished", "full", "held", "on_reset", "resume_source", "sink", "toxic", "used",
    )  # fmt: skip

    def __init__(
        self,
        toxic: "Toxic",
        sink: Sink,
        randomness: Randomness,
        *,
        on_reset: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.toxic = toxic
        self.sink = sink
        self.on_reset = on_reset
        self.resume_source: Callable[[], None] = _nothing
        self.held: Chunk | None = None
        self.used = 0  # bytes counted by limit_data, or swallowed for good; outlives interrupts
        self.active = False
        self.finished = False
        self.full = False
        self._loop = loop
        self._room = max(1, toxic.behaviour.queue)
        self._inbox: deque[Chunk] = deque()
        self._ended = False
        self._randomness = randomness
        self._draws: Random | None = None
        self._values: Random | None = None
        self._coroutine: Coroutine[Any, None, None] | None = None
        self._waiting: str | None = None
        self._timer: asyncio.Handle | None = None

    # --- seen from the link --------------------------------------------------------------------------------

    def run(self) -> None:
        """Start, or start again after an interrupt. Every run draws anew whether the toxic is active."""
        if self.finished:
            return
        self.active = self._draw()
        self._coroutine = self.toxic.behaviour.pipe(self) if self.active else _pass_on(self)
        self._step()

    def interrupt(self) -> None:
        """Stop at once. What the toxic held goes onward now, whatever the room there."""
        self._stop()
        if self.held is not None:
            held, self.held = self.held, None
            self.sink.put(held)

    def dissolve(self) -> None:
        """Interrupt for good: held and queued chunks go onward, and so does the end of the stream if it was here."""
        self.interrupt()
        while self._inbox:
            self.sink.put(self._inbox.popleft())
        if self._ended and not self.finished:
            self.sink.end()
        self.finished = self.full = True

    def finish(self) -> None:
        """Close the stream here: nothing further comes out but the end."""
        if self.finished:
            return
        self._stop()
        self.finished = self.full = True
        self._inbox.clear()
        self.held = None
        self.sink.end()

    def discard(self) -> None:
        """The connection is gone: stop and drop everything."""
        self._stop()
        self.finished = self.full = True
        self._inbox.clear()
        self.held = None

    @property
    def idle(self) -> bool:
        """Whether nothing is under way in here."""
        return not self._inbox and self.held is None and not self._ended

    def put(self, chunk: Chunk) -> None:
        """Take a chunk from the source."""
        if self.finished:
            return
        self._inbox.append(chunk)
        self.full = len(self._inbox) >= self._room
        if self._waiting is INPUT:
            self._step()

    def end(self) -> None:
        """Take the end of the stream from the source."""
        self._ended = True
        if self._waiting is INPUT:
            self._step()

    def resume(self) -> None:
        """The sink has room again."""
        if self._waiting is ROOM and not self.sink.full:
            self._step()

    # --- seen from the toxic -------------------------------------------------------------------------------

    @property
    def random(self) -> Random:
        """This toxic's own stream of random values on this connection."""
        if self._values is None:
            self._values = self._randomness.stream(self.toxic.name, "values")
        return self._values

    @types.coroutine
    def receive(self, within: float = math.inf) -> Generator[str, None, Chunk | None]:
        """The next chunk, or None at the end of the stream. TimeoutError when none came `within` seconds.

        The chunk is `held`, that is flushed onward if an interrupt comes, until it is sent or `held` is set to None.
        """
        deadline = monotonic() + within
        while not self._inbox:
            if self._ended:
                return None
            if within < math.inf:
                if monotonic() >= deadline:
                    raise TimeoutError
                self._arm(deadline - monotonic())
            yield INPUT
        self._disarm()
        chunk = self._inbox.popleft()
        self.held = chunk
        if self.full:
            self.full = len(self._inbox) >= self._room
            if not self.full:
                self.resume_source()
        return chunk

    @types.coroutine
    def send(self, chunk: Chunk, rest: Chunk | None = None) -> Generator[str, None, None]:
        """Hand `chunk` on once there is room. `rest`, what is left of the received chunk, is held from then on."""
        while self.sink.full:
            yield ROOM
        self.held = rest
        self.sink.put(chunk)

    @types.coroutine
    def pause(self, seconds: float) -> Generator[str, None, None]:
        """Wait; never less than `seconds`, at most about a millisecond longer."""
        deadline = monotonic() + seconds
        while (remaining := deadline - monotonic()) > 0:
            self._arm(remaining)
            yield TIME

    # --- the driver ----------------------------------------------------------------------------------------

    def _draw(self) -> bool:
        toxicity = self.toxic.toxicity
        if not 0 < toxicity < 1:
            return toxicity >= 1 and not self.toxic.behaviour.harmless
        if self._draws is None:
            self._draws = self._randomness.stream(self.toxic.name, "toxicity")
        return self._draws.random() < toxicity

    def _step(self) -> None:
        if self._coroutine is None:
            return
        self._waiting = None
        try:
            self._waiting = self._coroutine.send(None)
        except StopIteration:
            self._coroutine = None
            self.finish()

    def _stop(self) -> None:
        self._disarm()
        self._waiting = None
        if self._coroutine is not None:
            self._coroutine.close()
            self._coroutine = None

    def _arm(self, seconds: float) -> None:
        self._disarm()
        if seconds < _SPIN:
            self._timer = self._loop.call_soon(self._time_is_up)
        else:
            whole = math.ceil(min(seconds, _LONGEST_TIMER) * 1000) / 1000
            self._timer = self._loop.call_later(whole, self._time_is_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        self._step()


async def _pass_on(stage: Stage) -> None:
    while (chunk := await stage.receive()) is not None:
        await stage.send(chunk)


def _nothing() -> None:
    """The hook of a stage that is not wired yet."""
