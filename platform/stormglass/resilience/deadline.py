"""A request's deadline: set where it enters, carried to every call it causes, never longer than what is left.

On the wire it is the header `X-Request-Timeout-Ms`: milliseconds that are left, relative, so that clocks need not agree
(the same choice as gRPC's `grpc-timeout`).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-Timeout-Ms"

_expires: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineExceeded(TimeoutError):
    """The time a request had is used up."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give what runs inside at most `seconds`, or less if an outer deadline is nearer."""
    now = time.monotonic()
    outer = _expires.get()
    token = _expires.set(now + seconds if outer is None else min(outer, now + seconds))
    try:
        yield
    finally:
        _expires.reset(token)


def remaining(default: float) -> float:
    """Seconds left, or `default` where there is no deadline; never negative."""
    expires = _expires.get()
    return default if expires is None else max(0.0, expires - time.monotonic())


def budget(limit: float) -> float:
    """Seconds a call may take: its own `limit`, or what the request has left if that is less.

    Raises:
        DeadlineExceeded: nothing is left; the call would be work for nobody.
    """
    left = min(limit, remaining(limit))
    if left <= 0:
        raise DeadlineExceeded("the request's deadline has passed")
    return left


def parse(value: str, limit: float) -> float:
    """Seconds from a header's text, at most `limit`; `limit` too where the text is not a positive whole number."""
    # twelve digits are thirty years; Python refuses to read numbers of several thousand digits
    if not (value.isascii() and value.isdecimal() and len(value) <= 12) or int(value) == 0:
        return limit
    return min(int(value) / 1000, limit)
