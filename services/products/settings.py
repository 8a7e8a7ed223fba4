"""Settings of the products service, read from the environment once, when the application is created."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProductsSettings(BaseSettings):
    """Reservations and the product cache (environment prefix `STORMGLASS_PRODUCTS_`)."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_PRODUCTS_", frozen=True)

    reservation_seconds: float = Field(default=120.0, gt=0, description="How long a reservation is held")
    sweep_seconds: float = Field(default=2.0, gt=0, description="Between two looks for expired reservations")
    cache_seconds: float = Field(default=30.0, gt=0, description="How long a cached product counts as fresh")
    stale_seconds: float = Field(default=3600.0, ge=0, description="How much longer it is kept for a failing database")
