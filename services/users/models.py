"""Tables of the database `users`. Of secrets it holds hashes only: argon2id of passwords, SHA-256 of random ones."""

import uuid
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ARRAY, Column, DateTime, LargeBinary, Text
from sqlmodel import Field, SQLModel


def _now() -> datetime:
    return datetime.now(UTC)


class Account(SQLModel, table=True):
    """One person, or the administrator. `email` is kept as it was typed and unique without regard to case."""

    __tablename__ = "account"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    email: str
    name: str
    password_hash: str
    is_admin: bool = False
    created_at: datetime = Field(default_factory=_now, sa_column=Column(DateTime(timezone=True), nullable=False))


class Kind(StrEnum):
    """What a log-in handed out: a cookie to a browser, or access and refresh tokens to a program."""

    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - a word, not a secret


class Login(SQLModel, table=True):
    """One log-in: a browser session, or the family of all tokens that came from one log-in.

    It ends at `expires_at`, which every use moves on, though never past `ends_at`; or when it is revoked.
    """

    __tablename__ = "login"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    user_id: uuid.UUID
    kind: str
    secret_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    last_used_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ends_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))

    @property
    def lifetime_seconds(self) -> int:
        """How long it lasts from its last use on, if there is no other."""
        return int((self.expires_at - self.last_used_at).total_seconds())

    def is_good(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > now


class RefreshToken(SQLModel, table=True):
    """One refresh token, good for one use. It is kept after that, so that a second use is noticed."""

    __tablename__ = "refresh_token"

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    login_id: uuid.UUID
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class ApiKeyRow(SQLModel, table=True):
    """One API key: found by its `prefix`, proved by its secret."""

    __tablename__ = "api_key"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    user_id: uuid.UUID
    name: str
    prefix: str
    secret_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(default_factory=_now, sa_column=Column(DateTime(timezone=True), nullable=False))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
