"""Which requests pass by the cache, though their route has one."""

from urllib.parse import unquote_plus

from services.gateway import canary
from services.gateway.cache.policy import CachePolicy
from services.gateway.cache.wanted import Wanted
from services.gateway.exchange import Exchange
from services.gateway.normalise import Target


def passes_by(exchange: Exchange, policy: CachePolicy, target: Target) -> str:
    """Why (`request`, `method`, `bypass`: words of `Cache-Status`); empty where the cache may answer."""
    if exchange.method not in {"GET", "HEAD"}:
        return "method"
    # who names a replica wants its answer, and nobody else should get it
    if Wanted.of(exchange.headers).no_store or canary.wanted(exchange):
        return "request"
    has_body = exchange.values(b"transfer-encoding") or exchange.values(b"content-length") not in ([], [b"0"])
    names = {unquote_plus(part.partition("=")[0]) for part in target.query.split("&") if part}
    return "bypass" if has_body or not names <= set(policy.query) else ""
