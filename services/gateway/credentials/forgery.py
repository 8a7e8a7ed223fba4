"""Cross-site request forgery: whether an unsafe request was made by a page of ours (or by no page at all).

Browsers say where a request comes from in fields that no page can set; programs that are no browsers send neither, and
have no session that anybody could ride.
"""

from services.gateway.exchange import Exchange
from stormglass.security import csrf
from stormglass.service import Problem
from stormglass.telemetry import names

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADER = csrf.HEADER.lower().encode()
_OURS = frozenset({b"same-origin", b"none"})  # none: typed by the user


def check_origin(exchange: Exchange) -> None:
    """Refuse an unsafe request that a browser says comes from another origin; the host is compared, with its port.

    Raises:
        Problem: 403.
    """
    if exchange.method in SAFE:
        return
    hosts = [host.lower() for host in exchange.values(b"host")]
    origins = [origin.partition(b"://")[2].lower() for origin in exchange.values(b"origin")]
    sites = [site.strip().lower() for site in exchange.values(b"sec-fetch-site")]
    if any(site not in _OURS for site in sites) or any(origin not in hosts for origin in origins):
        raise _forged("cross_site", "this request comes from a page of another origin")


def check_token(exchange: Exchange, secret: str) -> None:
    """Refuse an unsafe request under the session of `secret` that does not carry the session's token.

    Raises:
        Problem: 403.
    """
    if exchange.method in SAFE:
        return
    sent = exchange.values(_HEADER)
    if len(sent) != 1 or not csrf.fits(sent[0].strip().decode("utf-8", "replace"), secret):
        raise _forged(
            "no_csrf_token", f"a request that changes something needs the session's token in one {csrf.HEADER} header"
        )


def tell_token(exchange: Exchange, secret: str) -> None:
    """Have the answer carry the session's token."""
    exchange.extra.append((_HEADER, csrf.token(secret).encode()))


def _forged(reason: str, detail: str) -> Problem:
    names.AUTH_FAILURES.counter().labels(reason).inc()
    return Problem(403, "csrf", detail)
