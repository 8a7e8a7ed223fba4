"""Creation of the products service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from services.products import api, reservations_api
from services.products.catalogue import Catalogue
from services.products.settings import ProductsSettings
from services.products.store import Reservations
from services.products.sweeper import sweeping
from stormglass import settings
from stormglass.data.cache import Cache
from stormglass.data.database import Database
from stormglass.data.redis import open_redis
from stormglass.service import create_service


@asynccontextmanager
async def _resources(app: Litestar) -> AsyncIterator[None]:
    own = settings.read(ProductsSettings)
    async with Database.open() as database, open_redis() as redis:
        app.state.database = database
        app.state.redis = redis
        app.state.catalogue = Catalogue(database)
        app.state.reservations = Reservations(database, own.reservation_seconds)
        app.state.product_cache = Cache(redis, "products", ttl=own.cache_seconds, stale=own.stale_seconds)
        async with sweeping(app.state.reservations, own.sweep_seconds):
            yield


async def _postgres(state: State) -> None:
    await state.database.check()


async def _redis(state: State) -> None:
    await state.redis.ping()


async def _database(state: State) -> Database:
    database: Database = state.database
    return database


async def _catalogue(state: State) -> Catalogue:
    catalogue: Catalogue = state.catalogue
    return catalogue


async def _reservations(state: State) -> Reservations:
    reservations: Reservations = state.reservations
    return reservations


async def _product_cache(state: State) -> Cache:
    cache: Cache = state.product_cache
    return cache


def create_app() -> Litestar:
    """The products service; its environment is described in `stormglass.settings`."""
    return create_service(
        name="products",
        route_handlers=[*api.ROUTES, *reservations_api.ROUTES],
        lifespan=[_resources],
        # Neither failure takes a replica out: without Postgres known products are answered from the cache, without
        # Redis from Postgres. All replicas share both, so another one would not do better.
        degraded_without={"postgres": _postgres, "redis": _redis},
        dependencies={
            "database": Provide(_database),
            "catalogue": Provide(_catalogue),
            "reservations": Provide(_reservations),
            "product_cache": Provide(_product_cache),
        },
        description="The catalogue, its stock, and reservations: available + reserved + sold = initial, always.",
    )
