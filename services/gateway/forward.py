"""Stage 7: calls to the services: bounded in time, tried once more where that is safe, each with a span.

An answer can be passed on as it comes (`Forwarder.__call__`), read as a whole (`whole`), or used in any other way
(`open`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import cache
from typing import Any

from litestar.types import Send
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from services.gateway.body import Aborted, RequestBody
from services.gateway.exchange import Exchange
from services.gateway.failures import problem_of
from services.gateway.relay import relay
from services.gateway.route import Route
from services.gateway.transform import traced
from services.gateway.upstream import Answer, Call, Upstream, UpstreamFailed
from services.gateway.whole import Whole, read_whole
from stormglass.resilience import deadline
from stormglass.resilience.backoff import backoff
from stormglass.telemetry import names
from stormglass.telemetry.carrier import exemplar

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
RETRY_SECONDS = 0.05
"""Longest pause before the one retry: a balancer that refuses a connection is starting again or gone."""

_tracer = trace.get_tracer("services.gateway")


Look = Callable[[Exchange, Route, Call, Answer], Awaitable[None]]
"""What is done with an answer before any of it goes out."""


class Forwarder:
    """Sends calls to the services through an `Upstream`; `look` is shown every answer that is passed on."""

    def __init__(self, upstream: Upstream, look: Look) -> None:
        self._upstream = upstream
        self._look = look

    async def __call__(self, exchange: Exchange, route: Route, call: Call, body: RequestBody, send: Send) -> None:
        """Answer the client with what the service answers, streamed both ways.

        Raises:
            Problem: 408 client too slow, 413 body too large, 502 broken answer, 503 no connection, 504 out of time.
            Aborted: the client went away, or the answer broke when a part of it was out.
        """
        async with self.open(exchange, route, call, body) as answer:
            await self._look(exchange, route, call, answer)
            await relay(exchange, answer, body, send)

    async def whole(self, exchange: Exchange, route: Route, call: Call, *, limit: int) -> Whole:
        """The answer to a call without a body, read to its end.

        Raises:
            Problem: as in `open()`; 502 also where the answer is longer than `limit` bytes.
        """
        async with self.open(exchange, route, call) as answer:
            return await read_whole(answer, limit)

    @asynccontextmanager
    async def open(
        self, exchange: Exchange, route: Route, call: Call, body: RequestBody | None = None
    ) -> AsyncIterator[Answer]:
        """The answer to `call`, for the time of a block; what happens in the block counts as part of the call.

        Of `route`, `upstream`, `target`, `head` and `total` are looked at. `body` is the client's, to be passed on.

        Raises:
            Problem: 408 client too slow, 413 body too large, 502 broken answer, 503 no connection, 504 out of time.
            Aborted: the client went away, or the answer broke when a part of it was out.
        """
        seconds = deadline.budget(route.total)
        with _observed(call.method, route) as (span, statuses):
            try:
                async with asyncio.timeout(seconds) as clock, AsyncExitStack() as stack:
                    answer = await self._head(stack, clock, call, body, route)
                    statuses.append(answer.status)
                    yield answer
            except (TimeoutError, UpstreamFailed) as error:
                span.set_status(StatusCode.ERROR, str(error) or "timed out")
                span.set_attribute("error.type", type(error).__name__)
                gone = body is not None and body.gone
                if gone or exchange.started:
                    raise Aborted("client closed the connection" if gone else str(error)) from error
                raise problem_of(error, body, route) from error

    async def _head(
        self, stack: AsyncExitStack, clock: asyncio.Timeout, call: Call, body: RequestBody | None, route: Route
    ) -> Answer:
        """The answer's head; the service has `route.head` seconds for it from when it was given the whole body."""
        loop = asyncio.get_running_loop()
        end = clock.when() or loop.time()

        def expect_head() -> None:
            clock.reschedule(min(end, loop.time() + route.head))

        if body is not None:
            body.on_complete = expect_head
        if body is None or body.complete:
            expect_head()
        answer = await self._attempts(stack, call, body, route)
        if body is not None:
            body.on_complete = _nothing
        clock.reschedule(end)
        return answer

    async def _attempts(self, stack: AsyncExitStack, call: Call, body: RequestBody | None, route: Route) -> Answer:
        """One attempt, and a second if the first sent nothing and the request may be repeated."""
        stream = body.stream if body is not None and body.present else None
        again = call.method in IDEMPOTENT or any(name == "idempotency-key" for name, _ in call.headers)
        while True:
            seconds = min(deadline.remaining(route.head), route.head)
            try:
                return await stack.enter_async_context(self._upstream.send(traced(call, seconds), stream))
            except UpstreamFailed as error:
                if error.sent or not again:
                    raise
                again = False
                names.RETRIES.counter().labels(route.upstream).inc()
                trace.get_current_span().add_event("retry", {"reason": str(error)})
                await asyncio.sleep(backoff(1, base=RETRY_SECONDS))


@cache
def _duration(server: str, method: str, template: str, status: int) -> Any:
    """The histogram's child for these labels, looked up once."""
    return names.HTTP_CLIENT_DURATION.histogram().labels(server, method, template, str(status))


def _nothing() -> None:
    """What a body's end means when the answer has begun."""


@contextmanager
def _observed(method: str, route: Route) -> Iterator[tuple[Span, list[int]]]:
    """The span and the duration of a call; the status is put into the list when it is known."""
    statuses: list[int] = []
    begun = time.perf_counter()
    with _tracer.start_as_current_span(
        f"{method} {route.target}",
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": method,
            "url.template": route.target,
            "server.address": route.upstream,
            "peer.service": route.upstream,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span, statuses
        finally:
            status = statuses[-1] if statuses else 0
            if status:
                span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", str(status))
            _duration(route.upstream, method, route.target, status).observe(time.perf_counter() - begun, exemplar())
