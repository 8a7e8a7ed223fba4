"""Settings of the worker (environment prefix `STORMGLASS_WORKER_`)."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stormglass.settings import read


class WorkerSettings(BaseSettings):
    """How eager, how patient and how persistent the worker is."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_WORKER_", frozen=True)

    max_jobs: int = Field(default=8, ge=1, description="Jobs at a time; fewer than the database pool's connections")
    job_seconds: float = Field(default=10.0, gt=0, description="Longest a job may run")
    drain_seconds: float = Field(default=12.0, gt=0, description="For running jobs after SIGTERM")
    pickup_ms: int = Field(default=20, ge=1, description="Pause between two looks into an idle queue")
    max_attempts: int = Field(default=15, ge=1, description="Then a job is a dead letter")
    backoff_seconds: float = Field(default=0.5, gt=0, description="Bound of the first pause; doubles each time")
    # 15 attempts under these bounds last 2 minutes on average: longer than a dependency takes to be restarted
    backoff_cap_seconds: float = Field(default=30.0, gt=0, description="Bound of every later pause")
    poll_seconds: float = Field(default=1.0, gt=0, description="The relay looks this often even if nothing woke it")
    overdue_seconds: float = Field(default=30.0, gt=0, description="An event this long unfinished is enqueued again")
    batch: int = Field(default=50, ge=1, description="Events the relay takes at a time")
    mail_from: str = Field(default="Stormglass <shop@stormglass.local>", description="Sender of every mail")
    mail_seconds: float = Field(default=5.0, gt=0, description="For one command of the mail server")


@cache
def worker() -> WorkerSettings:
    """The settings, read once."""
    return read(WorkerSettings)
