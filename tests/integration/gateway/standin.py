"""What the gateways talk to: one real HTTP server that plays the internal balancer, the services and the trace store.

The header `X-Test` of a forwarded request chooses what the "service" does.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stormglass.security.identity import HEADER, verify
from stormglass.security.tokens import SigningKey
from tests.integration.gateway.native import IDENTITY_KEY

CHUNK = b"x" * 65536
GZIPPED = gzip.compress(b"the bytes stay as they are" * 50)


Page = Callable[[web.BaseRequest], Awaitable[web.Response]]


class StandIn:
    """Records what arrives; `keys` are published, `keys_up` switches the key endpoint off; `pages` answer by path.

    `credentials` are the sessions and API keys that exist, by secret; `credentials_up` switches asking about them off.
    """

    def __init__(self) -> None:
        self.keys: list[SigningKey] = []
        self.keys_up = True
        self.keys_asked = 0
        self.credentials: dict[str, dict[str, Any]] = {}
        self.credentials_up = True
        self.credentials_asked: list[str] = []
        self.pages: dict[str, Page] = {}
        self.seen: list[dict[str, Any]] = []
        self.spans: list[Span] = []
        self.sent = 0
        self.received = 0
        self.go_on = asyncio.Event()
        self.cut_off = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/v1/traces":
            return await self._traces(request)
        if request.path == "/.well-known/jwks.json":
            return self._jwks()
        if request.path == "/credentials/verify":
            return await self._verify(request)
        if page := self.pages.get(request.path):
            return await page(request)
        deed = getattr(self, "_" + request.headers.get("X-Test", "echo").replace("-", "_"))
        answer: web.StreamResponse = await deed(request)
        return answer

    async def _traces(self, request: web.BaseRequest) -> web.Response:
        # aiohttp's server has inflated the body already
        export = ExportTraceServiceRequest.FromString(await request.read())
        for resource in export.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response(body=b"", content_type="application/x-protobuf")

    def _jwks(self) -> web.Response:
        self.keys_asked += 1
        if not self.keys_up:
            return web.Response(status=503, text="no")
        return web.json_response({"keys": [k.jwk for k in self.keys]}, headers={"Cache-Control": "max-age=4"})

    async def _verify(self, request: web.BaseRequest) -> web.Response:
        assert verify(request.headers[HEADER], IDENTITY_KEY).subject == "service:gateway"
        asked = await request.json()
        self.credentials_asked.append(asked["secret"])
        known = self.credentials.get(asked["secret"])
        if not self.credentials_up:
            return web.Response(status=503, text="no")
        if known is None or known["kind"] != asked["kind"]:
            problem = {"type": "urn:stormglass:problem:no-such-credential", "status": 404}
            return web.json_response(problem, status=404, content_type="application/problem+json")
        return web.json_response({name: value for name, value in known.items() if name != "kind"})

    async def _echo(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        seen = {
            "method": request.method,
            "target": request.raw_path,
            "headers": [(name, value) for name, value in request.headers.items()],
            "body": body.decode("latin-1"),
        }
        self.seen.append(seen)
        headers = {
            "X-Stormglass-Identity": "leaked",
            "Keep-Alive": "timeout=5",
            "Connection": "X-Hop",
            "X-Hop": "1",
            "Server": "secret/1.0",
            "ETag": '"v1"',
        }
        return web.json_response(seen, headers=headers)

    async def _redirect(self, request: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": "/products/elsewhere"})

    async def _gzip(self, request: web.BaseRequest) -> web.Response:
        return web.Response(body=GZIPPED, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})

    async def _two_parts(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await self.go_on.wait()
        await response.write(b"second")
        return response

    async def _endless(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(CHUNK)
                self.sent += len(CHUNK)
        finally:
            self.cut_off.set()

    async def _count(self, request: web.BaseRequest) -> web.Response:
        async for chunk in request.content.iter_any():
            self.received += len(chunk)
        return web.Response(text=str(self.received))

    async def _slow_head(self, request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(20)
        return web.Response(text="too late")

    async def _break_head(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        self.seen.append({"broke": True})
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _break_body(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"only this")
        assert request.transport is not None
        request.transport.close()
        return response

    async def _balancer_504(self, request: web.BaseRequest) -> web.Response:
        return web.Response(status=504, text="Gateway Timeout")

    async def _wrong_password(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.json_response({"type": "urn:x", "status": 401}, status=401, content_type="application/problem+json")

    async def _teapot(self, request: web.BaseRequest) -> web.Response:
        return web.json_response({"type": "urn:x", "status": 409}, status=409, content_type="application/problem+json")


@asynccontextmanager
async def serve(standin: StandIn, port: int) -> AsyncIterator[None]:
    """Serve on a loopback port."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        # a low-level server's requests have all that is used here
        return await standin.answer(request)

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield
    finally:
        await runner.cleanup()
