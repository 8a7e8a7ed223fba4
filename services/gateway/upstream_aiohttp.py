"""The client towards the services on aiohttp."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from services.gateway.upstream import Body, Call, UpstreamFailed

KEEP_ALIVE_SECONDS = 30.0
"""Less than the 90 s after which the balancer closes an idle connection, so that it is us who do it first."""

_NO_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Refused, unreachable, or no free connection in time: the request cannot have reached anybody."""


@asynccontextmanager
async def open_session(*, connections: int, connect_seconds: float) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that passes bytes through as they are; closed at the end of the block."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_seconds, sock_connect=connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NO_AUTOMATIC,
        auto_decompress=False,
        trust_env=False,
    ) as session:
        yield session


class AiohttpAnswer:
    """See `services.gateway.upstream.Answer`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = list(response.raw_headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body."""
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamFailed(_text(error), sent=True) from error

    def abort(self) -> None:
        """Stop reading, and close the connection."""
        self._response.close()


class AiohttpUpstream:
    """See `services.gateway.upstream.Upstream`; `base` is the balancer's URL without a slash at the end."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    @asynccontextmanager
    async def send(self, call: Call, body: Body | None) -> AsyncIterator[AiohttpAnswer]:
        """Send one call."""
        try:
            response = await self._session.request(
                call.method,
                # encoded=True: the target stays what was checked, byte for byte
                URL(self._base + call.target, encoded=True),
                headers=CIMultiDict(call.headers),
                data=body() if body is not None else None,
                allow_redirects=False,
            )
        except _NOT_SENT as error:
            raise UpstreamFailed(_text(error), sent=False) from error
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise UpstreamFailed(_text(error), sent=True) from error
        try:
            yield AiohttpAnswer(response)
        finally:
            # gives the connection back if the answer was read to its end, and closes it otherwise
            response.close() if not response.content.at_eof() else response.release()


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
