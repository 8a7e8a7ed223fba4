"""The way back of stage 7: a service's answer to the client, chunk by chunk, at the client's pace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar.types import Send

from services.gateway.answer import send_start
from services.gateway.body import RequestBody
from services.gateway.exchange import Exchange, Headers
from services.gateway.failures import balancers_own
from services.gateway.transform import own, to_client
from services.gateway.upstream import Answer

WATCHED_BYTES = 256 * 1024
"""From this size on, or where the size is unknown, a client that goes away ends the transfer; a shorter answer is
through before that could be noticed, and is not worth a task."""


async def relay(exchange: Exchange, answer: Answer, body: RequestBody, send: Send) -> None:
    """Send `answer` to the client.

    Raises:
        Problem: it was the balancer that answered.
        UpstreamFailed: the answer broke off.
    """
    headers = to_client(answer.headers)
    if problem := balancers_own(answer.status, _value(headers, b"content-type")):
        raise problem
    length = _value(headers, b"content-length")
    left = int(length) if length.isdigit() else -1
    await send_start(exchange, send, answer.status, headers + own(exchange))
    if exchange.method == "HEAD":
        # the service was asked with GET; ending its answer costs a connection, which is what HEAD is rare enough for
        answer.abort()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    async with _watched(answer, body, wanted=body.complete and not 0 <= left < WATCHED_BYTES):
        async for chunk in answer.chunks():
            exchange.bytes_out += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def _watched(answer: Answer, body: RequestBody, *, wanted: bool) -> AsyncIterator[None]:
    """Stop the service's answer when the client is gone: our server takes what is sent to nobody without a word."""
    if not wanted:
        yield
        return

    def end(task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            answer.abort()

    task = asyncio.create_task(body.watch())
    task.add_done_callback(end)
    try:
        yield
    finally:
        task.cancel()


def _value(headers: Headers, wanted: bytes) -> bytes:
    return next((value for name, value in headers if name == wanted), b"")
