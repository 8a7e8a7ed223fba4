"""Creation of the gateway: one mount that takes every request, and the resources that its stages stand on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from limits.aio.storage import RedisStorage
from litestar import Litestar, asgi
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from services.gateway.authenticate import Authenticator
from services.gateway.early import account_early
from services.gateway.forward import Forwarder
from services.gateway.keys import Keys, fetch_from
from services.gateway.limit import Limiter
from services.gateway.matching import Matcher
from services.gateway.pipeline import Pipeline
from services.gateway.routes import ROUTES, check, policies
from services.gateway.settings import GatewaySettings
from services.gateway.upstream_aiohttp import AiohttpUpstream, open_session
from services.gateway.verified import VerifiedTokens
from stormglass import settings
from stormglass.data.redis import open_redis
from stormglass.service import create_service


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    own: GatewaySettings = app.state.settings
    base = settings.address("internal").url
    limits = policies(own.rate_per_minute)
    async with (
        open_redis() as redis,
        open_session(connections=own.upstream_connections, connect_seconds=own.connect_seconds) as session,
    ):
        keys = Keys(fetch_from(session, base), longest=own.keys_seconds)
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="limit",
            # the library passes its options on as they are; its annotation knows plain values only
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # annotated as the sync pool
        )
        app.state.key_set = keys
        app.state.pipeline = Pipeline(
            matcher=Matcher(ROUTES),
            authenticate=Authenticator(keys, VerifiedTokens(own.verified_tokens)),
            limit=Limiter(storage, limits, replicas=own.replicas, timeout_seconds=settings.redis().timeout_seconds),
            forward=Forwarder(AiohttpUpstream(session, base)),
            identity_key=settings.secret("identity_key"),
        )
        refreshing = asyncio.create_task(keys.run())
        try:
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
    check(ROUTES, policies(own.rate_per_minute))
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
