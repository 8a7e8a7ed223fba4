"""Stage 6: the call to the service, and its answer to the client: streamed both ways, bounded in time, with a span."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import cache
from typing import Any

from litestar.types import Receive, Send
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from services.gateway.body import Aborted, RequestBody
from services.gateway.exchange import Exchange
from services.gateway.relay import relay
from services.gateway.routes import Route
from services.gateway.transform import traced
from services.gateway.upstream import Answer, Call, Upstream, UpstreamFailed
from stormglass.resilience import deadline
from stormglass.resilience.backoff import backoff
from stormglass.service import Problem
from stormglass.telemetry import names
from stormglass.telemetry.carrier import exemplar

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
RETRY_SECONDS = 0.05
"""Longest pause before the one retry: a balancer that refuses a connection is starting again or gone."""

_tracer = trace.get_tracer("services.gateway")


class Forwarder:
    """Sends calls to the services through an `Upstream`."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __call__(self, exchange: Exchange, route: Route, call: Call, receive: Receive, send: Send) -> None:
        """Answer the client with what the service answers.

        Raises:
            Problem: 408 client too slow, 413 body too large, 502 broken answer, 503 no connection, 504 out of time.
            Aborted: the client went away, or the answer broke when a part of it was out.
        """
        body = RequestBody(exchange, receive, route.body)
        seconds = deadline.budget(route.total)
        with _observed(exchange, route) as (span, statuses):
            try:
                async with asyncio.timeout(seconds) as clock, AsyncExitStack() as stack:
                    answer = await self._head(stack, clock, call, body, route)
                    statuses.append(answer.status)
                    await relay(exchange, answer, body, send)
            except (TimeoutError, UpstreamFailed) as error:
                span.set_status(StatusCode.ERROR, str(error) or "timed out")
                span.set_attribute("error.type", type(error).__name__)
                if body.gone or exchange.started:
                    raise Aborted("client closed the connection" if body.gone else str(error)) from error
                raise _problem(error, body, route) from error

    async def _head(
        self, stack: AsyncExitStack, clock: asyncio.Timeout, call: Call, body: RequestBody, route: Route
    ) -> Answer:
        """The answer's head; the service has `route.head` seconds for it from when it was given the whole body."""
        loop = asyncio.get_running_loop()
        end = clock.when() or loop.time()

        def expect_head() -> None:
            clock.reschedule(min(end, loop.time() + route.head))

        body.on_complete = expect_head
        if body.complete:
            expect_head()
        answer = await self._attempts(stack, call, body, route)
        body.on_complete = _nothing
        clock.reschedule(end)
        return answer

    async def _attempts(self, stack: AsyncExitStack, call: Call, body: RequestBody, route: Route) -> Answer:
        """One attempt, and a second if the first sent nothing and the request may be repeated."""
        stream = body.stream if body.present else None
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
def _duration(server: str, method: str, status: int) -> Any:
    """The histogram's child for these labels, looked up once."""
    return names.HTTP_CLIENT_DURATION.histogram().labels(server, method, str(status))


def _nothing() -> None:
    """What a body's end means when the answer has begun."""


@contextmanager
def _observed(exchange: Exchange, route: Route) -> Iterator[tuple[Span, list[int]]]:
    """The span and the duration of a call; the status is put into the list when it is known."""
    statuses: list[int] = []
    begun = time.perf_counter()
    with _tracer.start_as_current_span(
        f"{exchange.method} {route.target}",
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": exchange.method,
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
            _duration(route.upstream, exchange.method, status).observe(time.perf_counter() - begun, exemplar())


def _problem(error: Exception, body: RequestBody, route: Route) -> Problem:
    if body.fault is not None:
        return body.fault
    if isinstance(error, UpstreamFailed):
        if error.sent:
            return Problem(502, "upstream-broken", f"{route.upstream} broke off before it answered")
        detail = f"{route.upstream} cannot be reached; try again"
        return Problem(503, "upstream-unreachable", detail, headers={"Retry-After": "1"})
    names.DEADLINE_EXCEEDED.counter().labels("gateway").inc()
    if body.waiting and not body.complete:
        return Problem(408, "request-too-slow", "the body did not come in time", headers={"Connection": "close"})
    return Problem(504, "upstream-timeout", f"{route.upstream} did not answer in time")
