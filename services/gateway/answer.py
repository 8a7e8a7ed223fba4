"""The gateway's own answers: problem details in the same shape as every service's."""

import json

from litestar.types import Send

from services.gateway.exchange import Exchange, Headers
from services.gateway.transform import own
from stormglass.service import Problem
from stormglass.service.problems import CONTENT_TYPE, problem_body

CLIENT_CLOSED = 499
"""nginx's code for a client that did not wait; nobody receives it, but metrics and logs need something to say."""


async def send_start(exchange: Exchange, send: Send, status: int, headers: Headers) -> None:
    """Begin the answer, and note that it has begun."""
    exchange.started = True
    exchange.status = status
    if exchange.identity is not None and not any(name == b"cache-control" for name, _ in headers):
        # what somebody in particular is told is nobody else's, also where a service forgets to say so
        headers = [*headers, (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def send_whole(exchange: Exchange, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Answer with a body that is there as a whole; `headers` are lower-case and without Content-Length."""
    fields = [*((name, value) for name, value in headers if name != b"content-length"), *own(exchange)]
    if status not in {204, 304}:
        fields.append((b"content-length", str(len(body)).encode()))
    await send_start(exchange, send, status, fields)
    sent = b"" if exchange.method == "HEAD" or status in {204, 304} else body
    exchange.bytes_out = len(sent)
    await send({"type": "http.response.body", "body": sent, "more_body": False})


async def send_problem(exchange: Exchange, send: Send, problem: Problem, path: str) -> None:
    """Answer with `problem`; `path` is the address it is about."""
    members = problem_body(problem.status, problem.kind, problem.detail, path, problem.extra)
    body = json.dumps(members, separators=(",", ":")).encode()
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
    ]
    await send_whole(exchange, send, problem.status, headers, body)


async def send_nothing(exchange: Exchange, send: Send) -> None:
    """End an exchange whose client is gone."""
    await send_start(exchange, send, CLIENT_CLOSED, [(b"content-length", b"0"), (b"connection", b"close")])
    await send({"type": "http.response.body", "body": b"", "more_body": False})
