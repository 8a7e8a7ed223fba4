"""Conditional requests, answered here for whatever answer there is as a whole (RFC 9110, section 13)."""

import re
from email.utils import parsedate_to_datetime

from services.gateway.exchange import Exchange
from services.gateway.whole import Whole

_TAG = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_OF_THE_CONTENT = frozenset({b"content-type", b"content-encoding", b"content-language", b"content-length"})


def conditional(exchange: Exchange, whole: Whole) -> Whole:
    """`whole`, or a 304 in its place if the client has exactly that already."""
    if whole.status != 200 or exchange.method not in {"GET", "HEAD"} or not _has_it(exchange, whole):
        return whole
    # what the client has of the content stays as it is; the rest is brought up to date
    kept = [(name, value) for name, value in whole.headers if name not in _OF_THE_CONTENT]
    return Whole(304, kept, b"")


def _has_it(exchange: Exchange, whole: Whole) -> bool:
    wanted = b", ".join(exchange.values(b"if-none-match"))
    if wanted:
        # weak comparison (RFC 9110, section 8.8.3.2); `If-Modified-Since` does not count beside it
        own = _TAG.fullmatch(whole.value(b"etag"))
        return wanted.strip() == b"*" or (own is not None and own[1] in _TAG.findall(wanted))
    since, modified = exchange.values(b"if-modified-since"), whole.value(b"last-modified")
    if not since or not modified:
        return False
    try:
        return parsedate_to_datetime(modified.decode("latin-1")) <= parsedate_to_datetime(since[0].decode("latin-1"))
    except (ValueError, TypeError):
        return False
