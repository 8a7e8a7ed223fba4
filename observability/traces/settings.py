"""Settings of the trace store."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class TraceStoreSettings(BaseSettings):
    """Where traces are kept, how many, and how much may wait to be stored."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_TRACES_", frozen=True, extra="ignore")

    database: Path = Field(description="SQLite file; created with its folder when it is missing")
    max_bytes: int = Field(
        default=256 * MIB,
        ge=MIB,
        description="Size of the file above which the oldest traces go; its write-ahead log (up to 16 MiB) is on top",
    )
    max_age_seconds: float = Field(
        default=86_400.0, gt=0, description="A trace goes this long after its last span arrived"
    )
    queue_spans: int = Field(default=20_000, ge=1, description="Spans waiting for the disk; more are refused with 503")
    queue_bytes: int = Field(default=64 * MIB, ge=1, description="Encoded size of the waiting spans; more are refused")
    max_body_bytes: int = Field(default=4 * MIB, ge=1, description="Largest request body as sent")
    max_decoded_bytes: int = Field(default=16 * MIB, ge=1, description="Largest request body after decompression")
    commit_timeout_seconds: float = Field(
        default=5.0, gt=0, description="A sender is told to come back when the disk takes longer than this"
    )
    generate_metrics: bool = Field(default=True, description="Make span metrics and the service graph out of spans")
