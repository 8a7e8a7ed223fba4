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
    log_ins_per_minute: int = Field(
        default=10, ge=1, description="Log-ins that may fail in a minute from one address, and that may be under way"
    )
    refused_per_minute: int = Field(
        default=60, ge=1, description="Credentials that are not good which an address may send in a minute"
    )
    replicas: int = Field(
        default=TOPOLOGY["gateway"].replicas,
        ge=1,
        description="Gateways that share the limits: without Redis each admits its share only",
    )
    upstream_connections: int = Field(default=256, ge=1, description="Connections to the internal balancer")
    connect_seconds: float = Field(
        default=0.5, gt=0, description="Longest wait for a connection to the internal balancer, new or free"
    )
    cache_bytes: int = Field(
        default=16 * 1024 * 1024, ge=0, description="What the cache that the gateways share may take in Redis"
    )
    cache_wait_seconds: float = Field(
        default=0.6, gt=0, description="Longest wait for somebody else's fetch before the service is asked once more"
    )
    verified_credentials: int = Field(default=10_000, ge=0, description="Verified credentials that are remembered")
    keys_seconds: int = Field(default=300, ge=1, description="Longest time the users service's keys are not asked for")
