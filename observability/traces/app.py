"""Creation of the trace store's process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State

from observability.traces.ingest_api import Ingest, export_traces
from observability.traces.settings import TraceStoreSettings
from observability.traces.store import TraceStore
from observability.traces.tempo_api import ROUTER
from stormglass.service import create_service
from stormglass.settings import read


async def _store_works(state: State) -> None:
    store: TraceStore = state.store
    await store.check()


def create_app() -> Litestar:
    """The trace store, from the environment (`STORMGLASS_TRACES_…`)."""
    settings = read(TraceStoreSettings)

    @asynccontextmanager
    async def store(app: Litestar) -> AsyncIterator[None]:
        app.state.store = TraceStore(settings)
        app.state.ingest = Ingest(app.state.store, settings)
        try:
            yield
        finally:
            await app.state.store.close()

    return create_service(
        name="traces",
        route_handlers=(export_traces, ROUTER),
        lifespan=(store,),
        readiness={"store": _store_works},
        description="Takes OTLP/HTTP traces in and answers Tempo's query API.",
        # it must not trace itself: each span it stored would make another
        trace=False,
        max_body_bytes=settings.max_body_bytes,
    )
