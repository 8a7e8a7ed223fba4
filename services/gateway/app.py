"""Creation of the gateway: one mount that takes every request, and the resources that its stages stand on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from litestar import Litestar, asgi
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from services.gateway.admit import Admission
from services.gateway.authenticate import Authenticator
from services.gateway.cache.fetch import Fetch
from services.gateway.cache.invalidation import Invalidation, cached_resources
from services.gateway.cache.shared import SharedCache
from services.gateway.cache.store import Store
from services.gateway.check import check
from services.gateway.compose.compose import Composer
from services.gateway.credentials.asked import AskedCredentials
from services.gateway.credentials.bearer import BearerTokens
from services.gateway.credentials.presented import Kind
from services.gateway.credentials.users import ask_with
from services.gateway.credentials.verified import VerifiedCredentials
from services.gateway.early import account_early
from services.gateway.forward import Forwarder
from services.gateway.keys import Keys, fetch_from
from services.gateway.limits.limiter import Limiter
from services.gateway.matching import Matcher
from services.gateway.openapi.published import Published
from services.gateway.pipeline import Pipeline
from services.gateway.roundtrip import RoundTrip
from services.gateway.routes import ROUTES, policies
from services.gateway.settings import GatewaySettings
from services.gateway.upstream_aiohttp import AiohttpUpstream, open_session
from stormglass import settings
from stormglass.data.redis import open_redis
from stormglass.service import create_service
from stormglass.service.client import ServiceClient


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    own: GatewaySettings = app.state.settings
    base = settings.address("internal").url
    async with (
        open_redis() as redis,
        open_session(connections=own.upstream_connections, connect_seconds=own.connect_seconds) as session,
    ):
        keys = Keys(fetch_from(session, base), longest=own.keys_seconds)
        identity_key = settings.secret("identity_key")
        roundtrip = RoundTrip(redis, settings.redis().timeout_seconds)
        limiter = Limiter(policies(own), replicas=own.replicas)
        verified = VerifiedCredentials(own.verified_credentials)
        asked = AskedCredentials(ask_with(ServiceClient(session, base, "gateway", identity_key)), verified, limiter)
        store = Store(roundtrip, own.cache_bytes, own.cache_wait_seconds)
        invalidation = Invalidation(store, cached_resources(ROUTES))
        forward = Forwarder(AiohttpUpstream(session, base), invalidation)
        cache = SharedCache(store, Fetch(forward, store), invalidation)
        app.state.key_set = keys
        app.state.pipeline = Pipeline(
            matcher=Matcher(ROUTES),
            authenticate=Authenticator(
                {Kind.BEARER: BearerTokens(keys, verified, limiter), Kind.SESSION: asked, Kind.API_KEY: asked}
            ),
            admit=Admission(roundtrip, limiter),
            cache=cache,
            compose=Composer(forward),
            publish=Published(forward, ROUTES),
            forward=forward,
            identity_key=identity_key,
        )
        refreshing = asyncio.create_task(keys.run())
        try:
            async with cache.running():
                yield
        finally:
            refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await refreshing


async def _keys_known(state: State) -> None:
    """Ready once tokens can be verified. Redis is not asked for: without it, limits are local."""
    if problem := state.key_set.problem:
        raise RuntimeError(problem)


# copy_scope=False: the template that the pipeline leaves in the scope is read by the telemetry around the application
@asgi("/", is_mount=True, copy_scope=False)
async def _everything(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != ScopeType.HTTP:
        # closed before it was accepted: the client gets a 403
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    pipeline: Pipeline = scope["app"].state.pipeline
    await pipeline(scope, receive, send)


def create_app() -> Litestar:
    """The gateway's application; `RouteError` if the route table is wrong."""
    own = settings.read(GatewaySettings)
    check(ROUTES, policies(own))
    app = create_service(
        name="gateway",
        route_handlers=[_everything],
        lifespan=[_lifespan],
        readiness={"keys": _keys_known},
        openapi=False,
        after_exception=[account_early],
    )
    app.state.settings = own
    return app
