"""A resource of the service behind the gateways, whose answers a test shapes and counts."""

import asyncio
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from tests.integration.gateway.native import Gateway


class Resource:
    """Answers `status` with `body` after `seconds`, with an ETag that follows from `body`, and 304 to who has that."""

    def __init__(self, path: str, control: str = "max-age=60") -> None:
        self.path = path
        self.control = control
        self.public = "public, no-cache"
        self.status = 200
        self.body = b"one"
        self.seconds = 0.0
        self.more: dict[str, str] = {}
        self.asked: list[CIMultiDict[str]] = []
        self.statuses: list[int] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(CIMultiDict(request.headers))
        status, body = self.status, self.body
        await asyncio.sleep(self.seconds)
        etag = f'"{body.hex()[:40]}"'
        headers = {"Cache-Control": self.public, "ETag": etag, **self.more}
        if self.control:
            headers["Stormglass-Cache-Control"] = self.control
        if status == 200 and request.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        self.statuses.append(status)
        return web.Response(status=status, body=body, headers=headers, content_type="text/plain")


class Seen:
    """An answer at the client."""

    def __init__(self, answer: aiohttp.ClientResponse, body: bytes) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = body
        whole = ", ".join(answer.headers.getall("Cache-Status", []))
        self.cache = whole.rpartition("gateway; ")[2]


async def get(
    http: aiohttp.ClientSession,
    gateway: Gateway,
    resource: Resource | str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> Seen:
    """Ask a gateway for a resource."""
    path = resource if isinstance(resource, str) else resource.path
    async with http.request(method, gateway.base + path, headers=headers) as answer:
        return Seen(answer, await answer.read())
