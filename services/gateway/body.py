"""A request's body on its way in: counted against the route's limit as it comes, never held as a whole."""

from collections.abc import AsyncIterator, Callable

from litestar.types import Receive

from services.gateway.exchange import Exchange
from stormglass.service import Problem


class Aborted(Exception):
    """The exchange ended without a whole answer: the client is gone, or the answer broke when a part of it was out."""


class RequestBody:
    """Streams what the client sends. After a failure, `fault` says what is to be answered, if anything.

    The stream runs in the HTTP client's own task, which wraps whatever it raises: hence the flags.
    """

    def __init__(self, exchange: Exchange, receive: Receive, limit: int) -> None:
        self._exchange = exchange
        self._receive = receive
        self._limit = limit
        lengths = exchange.values(b"content-length")
        self.declared = int(lengths[0]) if lengths else None
        self.present = bool(self.declared) or bool(exchange.values(b"transfer-encoding"))
        self.complete = not self.present
        self.waiting = False
        self.gone = False
        self.fault: Problem | None = None
        self.on_complete: Callable[[], None] = lambda: None
        if self.declared is not None and self.declared > limit:
            raise self._too_large()

    def _too_large(self) -> Problem:
        detail = f"the body may have {self._limit} bytes" if self._limit else "this takes no body"
        # the rest of the body is still on its way: there can be no further request on this connection
        return Problem(413, "body-too-large", detail, headers={"Connection": "close"})

    async def stream(self) -> AsyncIterator[bytes]:
        """The body, chunk by chunk: the next is taken from the client only when the last was passed on."""
        more = True
        while more:
            self.waiting = True
            message = await self._receive()
            self.waiting = False
            if message["type"] != "http.request":
                self.gone = True
                raise Aborted("client closed the connection")
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            self._exchange.bytes_in += len(chunk)
            if self._exchange.bytes_in > self._limit:
                self.fault = self._too_large()
                raise self.fault
            if chunk:
                yield chunk
        self.complete = True
        self.on_complete()

    async def watch(self) -> None:
        """Return when the client has closed the connection; to be used when the body is complete."""
        while (await self._receive())["type"] == "http.request":
            pass
        self.gone = True
