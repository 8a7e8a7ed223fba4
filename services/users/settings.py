"""Settings of the users service, read from the environment once, when the application is created."""

from typing import NamedTuple

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.users.models import Kind
from stormglass.security.tokens import TOKEN_SECONDS

_DAY = 86_400


class Lifetime(NamedTuple):
    """How long a log-in lasts without being used, and how long at most; both in seconds."""

    idle: int
    longest: int


class UsersSettings(BaseSettings):
    """Tokens, log-ins, keys and the profile cache (environment prefix `STORMGLASS_USERS_`)."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_USERS_", frozen=True)

    token_seconds: int = Field(
        default=TOKEN_SECONDS,
        ge=60,
        # withdrawn keys and revocations are remembered for as long as the longest token lives
        le=TOKEN_SECONDS,
        description="Lifetime of an access token",
    )
    refresh_idle_seconds: int = Field(default=7 * _DAY, ge=1, description="Lifetime of a refresh token")
    refresh_longest_seconds: int = Field(default=30 * _DAY, ge=1, description="How long a log-in can be refreshed")
    session_idle_seconds: int = Field(default=_DAY, ge=1, description="How long a browser session lasts unused")
    session_longest_seconds: int = Field(default=7 * _DAY, ge=1, description="How long it lasts at most")
    logins_per_account: int = Field(
        default=100, ge=1, description="Log-ins at a time; one more ends the one that was not used for longest"
    )
    keys_per_account: int = Field(default=50, ge=1, description="API keys at a time; one more is refused")
    sweep_seconds: float = Field(default=300.0, gt=0, description="Between two sweeps of what has ended")
    remind_seconds: float = Field(
        default=15.0, gt=0, description="Between two rounds that remind Redis of the latest revocations"
    )
    cache_seconds: float = Field(default=30.0, gt=0, description="How long a cached profile counts as fresh")
    stale_seconds: float = Field(
        default=600.0, ge=0, description="How much longer it is kept for a database that fails"
    )

    def lifetime(self, kind: Kind) -> Lifetime:
        """How long log-ins of this kind last."""
        if kind is Kind.BROWSER:
            return Lifetime(self.session_idle_seconds, self.session_longest_seconds)
        return Lifetime(self.refresh_idle_seconds, self.refresh_longest_seconds)
