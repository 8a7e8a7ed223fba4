"""What the cache did with a request, told in three places: `Cache-Status` (RFC 9211), the metric, the access log."""

from enum import StrEnum
from math import floor

from services.gateway.exchange import Exchange, Headers
from services.gateway.whole import Whole
from stormglass.telemetry import names

NAME = "gateway"
"""This cache among those that an answer passed: the gateways share it, so they are one."""


class Did(StrEnum):
    """What the cache did; the value is a label of the metric."""

    HIT = "hit"
    REVALIDATING = "revalidating"  # stale, and somebody is asking the service meanwhile
    STALE = "stale"  # the service failed
    COLLAPSED = "collapsed"  # another request had it fetched
    VALIDATED = "validated"
    MISS = "miss"
    REQUEST = "request"  # the client wanted the service's own answer
    BYPASS = "bypass"


def note(exchange: Exchange, did: Did) -> None:
    """Count it, and leave it to the access log."""
    exchange.cache = did
    names.CACHE_REQUESTS.counter().labels(NAME, did).inc()


def served(exchange: Exchange, whole: Whole, did: Did, ttl: float) -> Whole:
    """An answer out of the cache; `ttl` is how many seconds it stays fresh, negative where it is stale."""
    note(exchange, did)
    detail = {Did.REVALIDATING: "; detail=stale-while-revalidate", Did.STALE: "; detail=stale-if-error"}.get(did, "")
    text = "fwd=miss; collapsed" if did is Did.COLLAPSED else f"hit; ttl={floor(ttl)}{detail}"
    return Whole(whole.status, _told(whole.headers, text), whole.body)


def forwarded(exchange: Exchange, whole: Whole, did: Did, why: str, status: int, detail: str) -> Whole:
    """An answer that the service gave: `why` it was asked, and what became of it: `stored`, or the reason why not."""
    note(exchange, did)
    text = f"fwd={why}; fwd-status={status}; {'stored' if detail == 'stored' else f'detail={detail}'}"
    return Whole(whole.status, _told(whole.headers, text), whole.body)


def passed_by(exchange: Exchange, why: str) -> None:
    """A request that the cache has no business with."""
    exchange.extra.append((b"cache-status", f"{NAME}; fwd={why}".encode()))
    note(exchange, Did.REQUEST if why == "request" else Did.BYPASS)


def _told(headers: Headers, text: str) -> Headers:
    """The fields with our word behind those of the caches before us, on one line."""
    earlier = [value.decode("latin-1") for name, value in headers if name == b"cache-status"]
    line = ", ".join([*earlier, f"{NAME}; {text}"])
    return [*((name, value) for name, value in headers if name != b"cache-status"), (b"cache-status", line.encode())]
