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
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def send_problem(exchange: Exchange, send: Send, problem: Problem, path: str) -> None:
    """Answer with `problem`; `path` is the address it is about."""
    members = problem_body(problem.status, problem.kind, problem.detail, path, problem.extra)
    body = json.dumps(members, separators=(",", ":")).encode()
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
        *own(exchange),
    ]
    await send_start(exchange, send, problem.status, headers)
    exchange.bytes_out = len(body)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def send_nothing(exchange: Exchange, send: Send) -> None:
    """End an exchange whose client is gone."""
    await send_start(exchange, send, CLIENT_CLOSED, [(b"content-length", b"0"), (b"connection", b"close")])
    await send({"type": "http.response.body", "body": b"", "more_body": False})
