"""Tables of the database `products`."""

import uuid
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, DateTime, Text
from sqlmodel import Field, SQLModel


def _moment() -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=False)


def _now() -> datetime:
    return datetime.now(UTC)


class Product(SQLModel, table=True):
    """What the shop sells. Prices are whole cents of a euro."""

    __tablename__ = "product"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    sku: str = Field(unique=True)
    name: str
    description: str
    price_cents: int
    created_at: datetime = Field(default_factory=_now, sa_column=_moment())
    updated_at: datetime = Field(default_factory=_now, sa_column=_moment())


class Stock(SQLModel, table=True):
    """Where a product's units are. `available + reserved + sold = initial`, none below zero: see its constraints."""

    __tablename__ = "stock"

    product_id: uuid.UUID = Field(primary_key=True, foreign_key="product.id")
    available: int = Field(sa_column=Column(BigInteger, nullable=False))
    reserved: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    sold: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    initial: int = Field(sa_column=Column(BigInteger, nullable=False))


class Status(StrEnum):
    """Held → confirmed, released (the caller gave it back) or expired (nobody did anything in time)."""

    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


class Reservation(SQLModel, table=True):
    """Units set aside for one order until `expires_at`."""

    __tablename__ = "reservation"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    order_id: uuid.UUID
    status: Status = Field(default=Status.HELD, sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(sa_column=_moment())
    created_at: datetime = Field(default_factory=_now, sa_column=_moment())


class ReservationItem(SQLModel, table=True):
    """So many units of one product, with name and price as they were when they were reserved."""

    __tablename__ = "reservation_item"

    reservation_id: uuid.UUID = Field(primary_key=True, foreign_key="reservation.id")
    product_id: uuid.UUID = Field(primary_key=True, foreign_key="product.id")
    sku: str
    name: str
    quantity: int
    unit_price_cents: int
