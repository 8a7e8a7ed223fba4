"""Stage 8: one line for each request. Metrics and the server span are `stormglass.telemetry.http_server`'s.

What is not in the line is left out on purpose: query strings, tokens, header values, addresses, the raw path.
"""

import time

from services.gateway.exchange import Exchange
from stormglass.telemetry.logs import logger

_log = logger("services.gateway.access")


def account(exchange: Exchange, *, aborted: str = "") -> None:
    """Log a finished exchange; `aborted` says why its answer is not whole."""
    route = exchange.match.route if exchange.match else None
    _log.info(
        "request",
        method=exchange.method,
        route=route.path if route else "",
        status=exchange.status,
        duration_ms=round((time.perf_counter() - exchange.begun) * 1000, 2),
        caller=exchange.identity.subject if exchange.identity else "anonymous",
        credential=exchange.credential,
        cache=exchange.cache,
        bytes_in=exchange.bytes_in,
        bytes_out=exchange.bytes_out,
        upstream=route.upstream if route else "",
        request_id=exchange.request_id,
        **({"aborted": aborted} if aborted else {}),
    )
