"""The transactional outbox: an event is a row, written in the transaction that makes it true.

The row stays until a worker has *finished* with it (`done_at`), not merely until the queue took it: a queue that loses
its memory loses nothing, because the relay hands over again what nobody finished in time.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from stormglass.telemetry import carrier

CHANNEL = "outbox"
"""Postgres notification channel that wakes the relays."""

DDL = (
    """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL UNIQUE,
        aggregate_id text NOT NULL,
        kind text NOT NULL,
        payload jsonb NOT NULL,
        traceparent text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now(),
        enqueued_at timestamptz,
        done_at timestamptz
    )
    """,
    "CREATE INDEX outbox_open ON outbox (id) WHERE done_at IS NULL",
    "CREATE INDEX outbox_open_by_aggregate ON outbox (aggregate_id, id) WHERE done_at IS NULL",
)
"""For a service's migration. The relay's role needs SELECT and UPDATE (enqueued_at, done_at) on it, nothing else."""


class OutboxRow(SQLModel, table=True):
    """One event. `id` orders events of one aggregate; `event_id` is what every effect is keyed by."""

    __tablename__ = "outbox"

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    event_id: uuid.UUID = Field(default_factory=uuid.uuid4, unique=True)
    aggregate_id: str
    kind: str
    payload: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    traceparent: str = ""
    created_at: datetime = Field(
        default_factory=lambda: datetime.now(UTC), sa_column=Column(DateTime(timezone=True), nullable=False)
    )
    enqueued_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    done_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


async def publish(session: AsyncSession, *, aggregate_id: str, kind: str, payload: dict[str, Any]) -> uuid.UUID:
    """Write an event into the open transaction, with the current trace, and wake the relays when it commits.

    Returns:
        The event's id: the job's id in the queue and the key of everything done because of it.
    """
    row = OutboxRow(aggregate_id=aggregate_id, kind=kind, payload=payload, traceparent=carrier.current())
    session.add(row)
    await session.flush()
    await session.execute(text(f"NOTIFY {CHANNEL}"))
    return row.event_id
