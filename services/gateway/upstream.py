"""The client towards the services as the pipeline sees it; an implementation is one module beside this one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


class UpstreamFailed(Exception):
    """No answer, or only a part of one. `sent` tells whether the service may have seen the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a service: target as it goes on the wire (percent-encoded path and query), header fields."""

    method: str
    target: str
    headers: list[tuple[str, str]]


class Answer(Protocol):
    """The head of an answer; the body is read by iterating, once, with backpressure, as the bytes that were sent."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header fields as they were sent."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body; `UpstreamFailed` where it ends early."""
        ...

    def abort(self) -> None:
        """Stop reading, and close the connection."""
        ...


Body = Callable[[], AsyncIterator[bytes]]
"""Begins a stream of the request's body; it is called once more for a retry only if nothing was read before."""


class Upstream(Protocol):
    """Sends calls to the internal balancer.

    No redirects, no decompression, no cookies, and no retry after anything was sent but the one of RFC 9112, section
    9.3.1: an idempotent request on a connection that the server had just closed.
    """

    def send(self, call: Call, body: Body | None) -> AbstractAsyncContextManager[Answer]:
        """The answer to `call`, whose connection is given back or closed at the end of the block.

        Raises:
            UpstreamFailed: on entry, where no answer came. How long to wait is the caller's business.
        """
        ...
