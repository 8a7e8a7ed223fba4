"""A deploy that went wrong, on demand: a replica that fails or delays its requests while its health is fine.

Only where the environment says so (`STORMGLASS_SABOTAGE_ERROR_RATIO`, `STORMGLASS_SABOTAGE_DELAY_MS`) is there any
middleware at all. It acts behind the router, as a mistake in the service's own code would: routes, traces, metrics and
logs show it under the route that was asked for.
"""

import asyncio

from litestar.types import ASGIApp, Middleware, Receive, Scope, Send
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stormglass import settings


class BrokenDeploy(RuntimeError):
    """What a sabotaged replica fails with."""


class SabotageSettings(BaseSettings):
    """What is wrong with this deploy (environment prefix `STORMGLASS_SABOTAGE_`)."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_SABOTAGE_", frozen=True)

    error_ratio: float = Field(default=0.0, ge=0, le=1, description="Share of the requests that fail")
    delay_ms: float = Field(default=0.0, ge=0, description="Time before each answer")


class EvenShare:
    """Picks an exact share of a sequence, evenly spread: of every ten in a row, a ratio of 0.3 picks three."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._due = 0.0

    def pick(self) -> bool:
        """Whether the next one is among them."""
        self._due += self._ratio
        picked = self._due > 1 - 1e-9  # ten times 0.1 is a little less than one
        self._due -= picked
        return picked


def sabotage() -> list[Middleware]:
    """The middleware that the environment asks for: none, normally."""
    wanted = settings.read(SabotageSettings)
    if not wanted.error_ratio and not wanted.delay_ms:
        return []
    failing = EvenShare(wanted.error_ratio)

    def around(app: ASGIApp) -> ASGIApp:
        async def broken(scope: Scope, receive: Receive, send: Send) -> None:
            fails = failing.pick()
            await asyncio.sleep(wanted.delay_ms / 1000)
            if fails:
                raise BrokenDeploy("this deploy is broken on purpose (fault bad-deploy)")
            await app(scope, receive, send)

        return broken

    # one share for all routes: Litestar builds a stack of middleware for each
    return [around]
