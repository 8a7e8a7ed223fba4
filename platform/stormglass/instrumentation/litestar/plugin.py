"""Instrumentation as a plugin of Litestar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Unpack

from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin

from .middleware import HttpServerInstrumentation
from .options import Options


class LitestarInstrumentation(InitPlugin):
    """Instruments an application: `Litestar(..., plugins=[LitestarInstrumentation()])`.

    Litestar's middleware runs behind its router and never sees a 404 or a 405. So the whole application is wrapped,
    from its start to its end: a server that does not run the application's lifespan gets no instrumentation.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        self._options = options

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Called by Litestar."""
        app_config.lifespan.append(self._installed)
        return app_config

    @asynccontextmanager
    async def _installed(self, app: Litestar) -> AsyncIterator[None]:
        inner = app.asgi_handler
        app.asgi_handler = HttpServerInstrumentation(inner, **self._options)
        try:
            yield
        finally:
            app.asgi_handler = inner
