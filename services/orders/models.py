"""Tables of the database `orders`, besides the platform's outbox."""

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Status(StrEnum):
    """pending → confirmed | cancelled; both are final."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


def _now() -> datetime:
    return datetime.now(UTC)


class Order(SQLModel, table=True):
    """One order. `lines` is what was bought at the price of that moment: a record, never changed, read as a whole."""

    __tablename__ = "orders"

    id: uuid.UUID = Field(primary_key=True)
    user_id: str
    status: str = Status.PENDING
    reason: str | None = None  # why it was cancelled: `customer`, or the worker's word for it
    reservation_id: uuid.UUID
    lines: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    total_cents: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = Field(default_factory=_now, sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: datetime = Field(default_factory=_now, sa_column=Column(DateTime(timezone=True), nullable=False))
