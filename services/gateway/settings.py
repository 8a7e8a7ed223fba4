"""What can be tuned about the gateway without touching the route table."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stormglass.topology import TOPOLOGY


class GatewaySettings(BaseSettings):
    """Limits and cache sizes of one gateway process."""

    model_config = SettingsConfigDict(
        env_prefix="STORMGLASS_GATEWAY_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    rate_per_minute: int = Field(default=100, ge=1, description="Requests a caller may make in a minute")
    replicas: int = Field(
        default=TOPOLOGY["gateway"].replicas,
        ge=1,
        description="Gateways that share the limits: without Redis each admits its share only",
    )
    upstream_connections: int = Field(default=256, ge=1, description="Connections to the internal balancer")
    connect_seconds: float = Field(
        default=0.5, gt=0, description="Longest wait for a connection to the internal balancer, new or free"
    )
    verified_tokens: int = Field(default=10_000, ge=0, description="Verified tokens that are remembered")
    keys_seconds: int = Field(default=300, ge=1, description="Longest time the users service's keys are not asked for")
