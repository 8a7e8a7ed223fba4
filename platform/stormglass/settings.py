"""Typed settings: one frozen class per concern. The environment is read here, once, and nowhere else.

Every variable begins with `STORMGLASS_`; a secret is a file in the directory `STORMGLASS_SECRETS_DIR` (natively one
directory per service, in containers `/run/secrets`), never a variable and never an argument. Addresses are given per
edge (`STORMGLASS_ADDRESS_POSTGRES=127.0.0.1:18010`): a process knows whom it talks to, not where that one runs.
"""

import os
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Settings = TypeVar("Settings", bound=BaseSettings)


class SettingsError(RuntimeError):
    """Something the process cannot start without is missing or malformed; the text says what and where."""


class Address(NamedTuple):
    """Where an edge leads: host and TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as the root of an HTTP URL, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `host:port` (`[::1]:80` for IPv6); `SettingsError` if it is anything else."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        bracketed = bare != host
        number = int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else 0
        if not colon or not bare or bracketed != (":" in bare) or not 0 < number < 65536:
            raise SettingsError(f"{text!r} is not an address: host:port is wanted")
        return cls(bare, number)


def _config(prefix: str = "STORMGLASS_") -> SettingsConfigDict:
    return SettingsConfigDict(env_prefix=prefix, frozen=True, extra="ignore", hide_input_in_errors=True)


class ProcessSettings(BaseSettings):
    """Who this process is and where it listens."""

    model_config = _config()

    service: str = Field(description="Name of the process in the topology, `service.name` in telemetry")
    replica: int = Field(default=1, ge=1, description="Which replica of the service this is, from 1")
    instance: str = Field(default="demo", description="Which instance of the platform this process belongs to")
    host: str = Field(default="127.0.0.1", description="Interface that both ports are bound to")
    port: int = Field(default=0, ge=0, lt=65536, description="Traffic port; 0: this process takes no traffic")
    admin_port: int = Field(default=0, ge=0, lt=65536, description="Port of /livez, /readyz and /metrics")
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        description="Between failing /readyz and the last accepted connection, after SIGTERM",
    )
    graceful_seconds: int = Field(default=8, ge=1, description="For requests in flight, after the drain")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        default="INFO", description="Least severe level that is logged"
    )

    @property
    def name(self) -> str:
        """`orders-2`: unique within the instance, `service.instance.id` in telemetry."""
        return f"{self.service}-{self.replica}"


class TelemetrySettings(BaseSettings):
    """What is traced, where log lines go, and how much of both may wait for the trace pipeline."""

    model_config = _config("STORMGLASS_TELEMETRY_")

    sample_ratio: float = Field(default=1.0, ge=0, le=1, description="Share of new traces that are exported whole")
    slow_ms: int = Field(default=500, ge=1, description="A part of an unsampled trace that takes longer is exported")
    undecided_spans: int = Field(default=4096, ge=1, description="Spans kept until their part of a trace has ended")
    queue_spans: int = Field(default=4096, ge=1, description="Spans waiting for export; more are dropped and counted")
    logs: Literal["stdout", "otlp"] = Field(
        default="stdout", description="otlp: to the collector at the trace pipeline's address, beside standard output"
    )
    queue_lines: int = Field(default=2048, ge=1, description="Log lines waiting for export; more are dropped, counted")
    export_interval_ms: int = Field(default=500, ge=10, description="Longest wait of a finished span or a log line")
    export_timeout_ms: int = Field(default=3000, ge=10, description="For one export attempt")


class HttpSettings(BaseSettings):
    """Limits of every HTTP server of ours."""

    model_config = _config("STORMGLASS_HTTP_")

    max_body_bytes: int = Field(default=1024 * 1024, ge=1, description="Largest request body")
    max_header_bytes: int = Field(default=32 * 1024, ge=1024, description="All header fields of a request together")
    default_timeout_ms: int = Field(default=10_000, ge=1, description="Deadline of a request that brings none")


class DatabaseSettings(BaseSettings):
    """The service's own database; its name and its role are the service's name."""

    model_config = _config("STORMGLASS_DATABASE_")

    pool_size: int = Field(default=6, ge=1, description="Connections a replica keeps")
    pool_overflow: int = Field(default=4, ge=0, description="Further connections under load")
    pool_timeout_seconds: float = Field(default=2.0, gt=0, description="Longest wait for a free connection")
    connect_timeout_seconds: float = Field(default=2.0, gt=0, description="For a new connection")
    statement_timeout_seconds: float = Field(default=5.0, gt=0, description="For one statement")


class RedisSettings(BaseSettings):
    """The cache, the limiter and the queue share one server; each use has its own key prefix."""

    model_config = _config("STORMGLASS_REDIS_")

    timeout_seconds: float = Field(default=0.25, gt=0, description="For one command, and for connecting")
    max_connections: int = Field(default=64, ge=1, description="Connections a replica may open")


def read(cls: type[Settings]) -> Settings:
    """Settings of class `cls` from the environment; `SettingsError` names every variable that is missing or wrong."""
    try:
        return cls()
    except ValidationError as error:
        prefix = cls.model_config.get("env_prefix", "")
        faults = "; ".join(
            f"{prefix}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        )
        raise SettingsError(f"the environment does not fit: {faults}") from None


@cache
def process() -> ProcessSettings:
    """Settings of this process."""
    return read(ProcessSettings)


@cache
def telemetry() -> TelemetrySettings:
    """Settings of this process' telemetry."""
    return read(TelemetrySettings)


@cache
def http() -> HttpSettings:
    """Limits of this process' HTTP server."""
    return read(HttpSettings)


@cache
def database() -> DatabaseSettings:
    """Settings of this process' database pool."""
    return read(DatabaseSettings)


@cache
def redis() -> RedisSettings:
    """Settings of this process' Redis connections."""
    return read(RedisSettings)


def address_variable(label: str) -> str:
    """Name of the variable that holds the address of an edge to `label`."""
    return "STORMGLASS_ADDRESS_" + label.replace("-", "_").replace(":", "_").upper()


def address(label: str) -> Address:
    """Where this process' edge to `label` leads; `SettingsError` if it has no such edge."""
    variable = address_variable(label)
    text = os.environ.get(variable)
    if text is None:
        raise SettingsError(f"no address for {label!r}: {variable} is not set; does the topology list this edge?")
    try:
        return Address.parse(text)
    except SettingsError as error:
        raise SettingsError(f"{variable}: {error}") from None


def secrets_directory() -> Path:
    """Where the secrets of this process lie: for those that come as several files; all others are `secret()`'s."""
    return Path(os.environ.get("STORMGLASS_SECRETS_DIR", "/run/secrets"))


def secret(name: str) -> SecretStr:
    """Content of a secret file, without white space around it; `SettingsError` if it cannot be read or is empty."""
    path = secrets_directory() / name
    try:
        content = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"secret {name!r}: {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"secret {name!r}: {path} is not a text file") from None
    if not content:
        raise SettingsError(f"secret {name!r}: {path} is empty")
    return SecretStr(content)


def forget() -> None:
    """Read the environment again at the next call: for tests that change it."""
    for cached in (process, telemetry, http, database, redis):
        cached.cache_clear()
