"""The one round trip to Redis that a request makes: whatever its stages want to know is asked together.

Not a transaction: the questions are independent, and whatever must be atomic within one is one command or one script.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import Span, SpanKind
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from stormglass.resilience.outage import Outage
from stormglass.telemetry.logs import logger

OUTAGE_SECONDS = 1.0
"""How long Redis is not asked after it failed: then one request tries it, and only that one can pay the time-out."""

RIDE_SECONDS = 0.05
"""Longest that a command waits for a round trip that would take it along."""

MAX_RIDERS = 1000
"""Commands that wait to be taken along: while Redis is away they are dropped."""

Command = tuple[str | bytes | int | float, ...]
"""A command as it goes on the wire; a script is `("EVALSHA", sha, number_of_keys, …)`, its sha from `script()`."""

_tracer = trace.get_tracer("services.gateway")
_log = logger(__name__)


class Question(Protocol):
    """What one stage wants to know."""

    def commands(self) -> Sequence[Command]:
        """What to ask."""
        ...

    def answered(self, replies: Sequence[Any]) -> None:
        """Take one reply for each command; a `ResponseError` in place of one that failed."""
        ...


class RoundTrip:
    """Asks Redis, and remembers for a while that it is away."""

    def __init__(self, redis: Redis, timeout_seconds: float) -> None:
        self._redis = redis
        self._timeout = timeout_seconds
        self._outage = Outage(OUTAGE_SECONDS)
        self._away = False
        self._scripts: dict[str, str] = {}
        self._riders: list[Command] = []
        self._departure: asyncio.Task[None] | None = None

    def script(self, text: str) -> str:
        """The name under which `EVALSHA` knows the Lua script `text`; it is loaded where it turns out to be missing."""
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._scripts[sha] = text
        return sha

    async def ask(self, questions: Sequence[Question]) -> bool:
        """Ask all of them at once; False, and no question answered, while Redis is away."""
        riders, self._riders = self._riders, []
        if not riders and not questions:
            return True
        if not self._outage.worth_asking():
            _tell("remembered outage")
            return False
        asked = [(question, list(question.commands())) for question in questions]
        try:
            async with asyncio.timeout(self._timeout):
                replies = await self._send([*riders, *(command for _, commands in asked for command in commands)])
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return False
        self._answered()
        at = len(riders)
        for question, commands in asked:
            question.answered(replies[at : at + len(commands)])
            at += len(commands)
        return True

    def along(self, *commands: Command) -> None:
        """Have `commands` taken along by the next round trip, before its questions; nobody waits for their replies.

        Where none leaves soon, they go alone. They are lost if Redis is away.
        """
        if len(self._riders) + len(commands) <= MAX_RIDERS:
            self._riders += commands
        if self._departure is None or self._departure.done():
            self._departure = asyncio.create_task(self._depart())

    async def _depart(self) -> None:
        # no part of the request whose answer has long gone out
        with trace.use_span(trace.INVALID_SPAN):
            while self._riders:
                await asyncio.sleep(RIDE_SECONDS)
                await self.ask(())

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        replies = await self._pipeline(commands)
        missing = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if missing:
            # only what failed is asked again: the other commands have had their effect
            loads: list[Command] = [("SCRIPT LOAD", text) for text in self._scripts.values()]
            again = await self._pipeline([*loads, *(commands[at] for at in missing)])
            for at, reply in zip(missing, again[len(loads) :], strict=True):
                replies[at] = reply
        return replies

    async def _pipeline(self, commands: Sequence[Command]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        # in place of the instrumentation's span, whose name would be a list of all commands
        with _span(commands), suppress_instrumentation():
            replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies

    def _failed(self, error: Exception) -> None:
        self._outage.failed()
        if not self._away:
            _log.warning("redis is away", reason=f"{type(error).__name__}: {error}")
        self._away = True
        _tell(type(error).__name__)

    def _answered(self) -> None:
        self._outage.answered()
        if self._away:
            _log.info("redis is back")
        self._away = False


def _span(commands: Sequence[Command]) -> AbstractContextManager[Span | None]:
    if not trace.get_current_span().get_span_context().is_valid:
        # no request waits for it: it would be a trace of its own
        return nullcontext()
    return _tracer.start_as_current_span(
        "PIPELINE",
        kind=SpanKind.CLIENT,
        attributes={
            "db.system.name": "redis",
            "db.operation.name": "PIPELINE",
            "db.operation.batch.size": len(commands),
            # what is asked about may be an address: the keys are not told
            "db.query.summary": " ".join(str(command[0]) for command in commands),
        },
    )


def _tell(reason: str) -> None:
    trace.get_current_span().add_event("redis is away", {"reason": reason})
