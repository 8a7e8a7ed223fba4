"""The application that `test_server.py` serves in a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get
from litestar.params import FromQuery

from stormglass import settings
from stormglass.resilience.deadline import remaining
from stormglass.service import create_service


@get("/fast")
async def fast() -> dict[str, str]:
    return {"answer": "fast"}


@get("/slow")
async def slow(seconds: FromQuery[float]) -> dict[str, str]:
    await asyncio.sleep(seconds)
    return {"answer": "slow"}


@get("/left")
async def left() -> dict[str, float]:
    return {"seconds": remaining(-1.0)}


@asynccontextmanager
async def announced(app: Litestar) -> AsyncIterator[None]:
    print("opened", flush=True)  # noqa: T201 - the test reads it
    try:
        yield
    finally:
        print("closed", flush=True)  # noqa: T201 - the test reads it


@asynccontextmanager
async def needs_an_address(app: Litestar) -> AsyncIterator[None]:
    settings.address("mars")
    yield


@asynccontextmanager
async def breaks(app: Litestar) -> AsyncIterator[None]:
    if app.state:
        raise RuntimeError("the schema is not there")
    yield


def create_app() -> Litestar:
    return create_service(name="probe", route_handlers=[fast, slow, left], lifespan=[announced])


def create_lost() -> Litestar:
    return create_service(name="probe", route_handlers=[fast], lifespan=[announced, needs_an_address])


def create_broken() -> Litestar:
    return create_service(name="probe", route_handlers=[fast], lifespan=[breaks])
