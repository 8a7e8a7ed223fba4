"""Settings of the orders service (environment prefix `STORMGLASS_ORDERS_`)."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stormglass.settings import read


class OrdersSettings(BaseSettings):
    """How long things are kept, in seconds."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_ORDERS_", frozen=True)

    lease_seconds: float = Field(
        default=15.0, gt=0, description="How long a crashed attempt blocks its key; longer than a request's deadline"
    )
    key_seconds: float = Field(default=86_400.0, gt=0, description="How long an idempotency key is remembered")
    outbox_seconds: float = Field(default=30 * 86_400.0, gt=0, description="How long a finished event is kept")
    sweep_seconds: float = Field(default=300.0, gt=0, description="Between two sweeps of what is too old")
    stock_ttl_seconds: float = Field(default=2.0, gt=0, description="How long a stock level counts as fresh")
    stock_stale_seconds: float = Field(default=30.0, gt=0, description="How long it may stand in for a failed check")


@cache
def orders() -> OrdersSettings:
    """The settings, read once."""
    return read(OrdersSettings)
