"""Creation of the orders service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from services.orders.api import ROUTES
from services.orders.due import counting
from services.orders.place import Placement
from services.orders.settings import orders
from services.orders.stock import Stock
from services.orders.sweep import sweeping
from stormglass.data.cache import Cache
from stormglass.data.database import Database
from stormglass.data.redis import open_redis
from stormglass.service import create_service
from stormglass.service.client import ServiceClient


@asynccontextmanager
async def _resources(app: Litestar) -> AsyncIterator[None]:
    wanted = orders()
    async with (
        Database.open() as database,
        open_redis() as redis,
        ServiceClient.open("orders") as client,
        sweeping(database),
        counting(database),
    ):
        levels = Cache(redis, "stock", ttl=wanted.stock_ttl_seconds, stale=wanted.stock_stale_seconds)
        app.state.database = database
        app.state.placement = Placement(database, Stock(client, levels))
        yield


async def _database_ready(state: State) -> None:
    await state.database.check()


async def _database(state: State) -> Database:
    database: Database = state.database
    return database


async def _placement(state: State) -> Placement:
    placement: Placement = state.placement
    return placement


def create_app() -> Litestar:
    """The application. It is ready when its database answers: without the cache it is slower, not broken."""
    return create_service(
        name="orders",
        description="Placing orders exactly once, and following them.",
        route_handlers=[ROUTES],
        lifespan=[_resources],
        readiness={"postgres": _database_ready},
        dependencies={"database": Provide(_database), "placement": Provide(_placement)},
    )
