"""Stage 6: what a service gets to see of a request, and a client of an answer.

Headers are taken over unless they are removed here; credentials end here, a service sees the signed identity instead.
A field with `_` in its name is dropped: servers that follow CGI read it as `-`, so `X_Stormglass_Identity` would be a
second spelling of a name that only we may set; nothing that a browser or a sane client sends has one.
"""

from collections.abc import Iterable

from opentelemetry.propagate import inject
from pydantic import SecretStr

from services.gateway import canary
from services.gateway.exchange import Exchange, Headers
from services.gateway.matching import Match
from services.gateway.normalise import Target
from services.gateway.upstream import Call
from stormglass.resilience import deadline
from stormglass.security import identity
from stormglass.telemetry.carrier import trace_id

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110, section 7.6.1, with what RFC 9112 and old clients add; whatever `Connection` names comes on top."""

OURS = frozenset(
    {
        b"authorization",
        b"baggage",
        b"cookie",
        b"expect",
        b"forwarded",
        b"host",
        b"traceparent",
        b"tracestate",
        b"via",
        b"x-api-key",
        b"x-csrf-token",
        b"x-real-ip",
        b"x-request-id",
        b"x-request-timeout-ms",
    }
)
OUR_PREFIXES = (b"x-stormglass-", b"x-forwarded-")
"""Set by us, the HTTP client or nobody: what a client sends under these names goes no further."""

NOT_OUT = frozenset(
    {
        b"cache-group-invalidation",
        b"cache-groups",
        b"date",
        b"server",
        b"stormglass-cache-control",
        b"x-powered-by",
        b"x-request-id",
        b"x-request-timeout-ms",
        b"x-trace-id",
    }
)
"""Of an answer: set again by our server, meant for our cache, or nobody's business outside."""


def to_upstream(exchange: Exchange, match: Match, target: Target, key: SecretStr) -> Call:
    """The call that a request becomes; `traced()` adds what depends on the span of the call."""
    sent: list[tuple[str, str]] = [
        (name.decode("ascii"), value.decode())
        for name, value in _end_to_end(exchange.headers)
        if name not in OURS and b"_" not in name and not name.startswith(OUR_PREFIXES)
    ]
    # before what is ours is added: a route's rules cannot touch that
    sent = match.route.sends.to_service(sent)
    sent.append(("X-Request-Id", exchange.request_id))
    if exchange.identity is not None:
        sent.append((identity.HEADER, identity.sign(exchange.identity, key)))
    sent += canary.fields(exchange)
    path = match.target
    # our answer to HEAD is the service's to GET without its body: no service has to know the method
    method = "GET" if exchange.method == "HEAD" else exchange.method
    return Call(method, f"{path}?{target.query}" if target.query else path, sent)


def traced(call: Call, seconds: float) -> Call:
    """The call with the current span as its parent and `seconds` as its deadline."""
    carrier: dict[str, str] = {}
    inject(carrier)
    milliseconds = str(max(1, int(seconds * 1000)))
    return Call(call.method, call.target, [*call.headers, *carrier.items(), (deadline.HEADER, milliseconds)])


def to_client(answered: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The header fields of a service's answer that a client gets, with lower-case names."""
    fields = [(name.lower(), value) for name, value in answered]
    return [
        (name, value)
        for name, value in _end_to_end(fields)
        if name not in NOT_OUT and name != identity.HEADER.lower().encode()
    ]


def own(exchange: Exchange) -> Headers:
    """What every answer carries: the request's id, the trace to look at, and what the stages added."""
    trace = trace_id()
    pointer = [(b"x-trace-id", trace.encode())] if trace else []
    return [(b"x-request-id", exchange.request_id.encode()), *pointer, *exchange.extra]


def _end_to_end(fields: Headers) -> Headers:
    named = {token.strip().lower() for name, value in fields if name == b"connection" for token in value.split(b",")}
    # Connection may not name what says where the body ends (RFC 9110, section 7.6.1)
    removed = HOP_BY_HOP | (named - {b"content-length", b"content-type", b"host"})
    return [(name, value) for name, value in fields if name not in removed]
