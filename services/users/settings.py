"""Settings of the users service, read from the environment once, when the application is created."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class UsersSettings(BaseSettings):
    """Tokens and the profile cache (environment prefix `STORMGLASS_USERS_`)."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_USERS_", frozen=True)

    token_seconds: int = Field(default=3600, ge=60, description="Lifetime of an access token")
    cache_seconds: float = Field(default=30.0, gt=0, description="How long a cached profile counts as fresh")
    stale_seconds: float = Field(
        default=600.0, ge=0, description="How much longer it is kept for a database that fails"
    )
