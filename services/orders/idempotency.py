"""Idempotency keys: who may work on a request, and what was answered to it.

A key belongs to a user. Whoever inserts it holds a *claim*: a token and a lease. The answer is stored in the
transaction that makes it true, and only by the holder of the token; an attempt that lost its lease to another one
therefore cannot commit. The order's id is chosen with the key, once: whoever takes over after a crash works on the same
order, and finds the reservation again that the crashed attempt may have made.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, text
from sqlmodel.ext.asyncio.session import AsyncSession

from stormglass.service.problems import Problem


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is stored and sent: status and the body's bytes."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer a key. `resumed`: an earlier attempt may have left a reservation for `order_id`."""

    user_id: str
    key: str
    order_id: uuid.UUID
    token: uuid.UUID
    resumed: bool

    @property
    def _where(self) -> dict[str, Any]:
        return {"user_id": self.user_id, "key": self.key, "token": self.token}

    async def finish(self, session: AsyncSession, answer: Answer) -> None:
        """Store the answer; 409 (and thereby a rollback) if another attempt has taken over."""
        stored = await _run(
            session,
            "UPDATE idempotency_key SET status = :status, body = :body"
            " WHERE user_id = :user_id AND key = :key AND token = :token AND status IS NULL",
            status=answer.status,
            body=answer.body,
            **self._where,
        )
        if stored.rowcount != 1:
            raise in_flight()

    async def fence(self, session: AsyncSession) -> "Claim | None":
        """The same claim under a new token, so that a commit on its way cannot succeed; None if it has."""
        token = uuid.uuid4()
        moved = await _run(
            session,
            "UPDATE idempotency_key SET token = :new"
            " WHERE user_id = :user_id AND key = :key AND token = :token AND status IS NULL",
            new=token,
            **self._where,
        )
        return Claim(self.user_id, self.key, self.order_id, token, self.resumed) if moved.rowcount == 1 else None

    async def release(self, session: AsyncSession) -> None:
        """Let the next attempt begin at once instead of when the lease ends."""
        await _run(
            session,
            "UPDATE idempotency_key SET lease_until = now()"
            " WHERE user_id = :user_id AND key = :key AND token = :token AND status IS NULL",
            **self._where,
        )


def in_flight() -> Problem:
    """What a client is told that sends a key again before it was answered."""
    return Problem(
        409,
        "request-in-flight",
        "a request with this Idempotency-Key is being worked on: repeat it in a moment",
        headers={"Retry-After": "1"},
    )


async def claim(
    session: AsyncSession, *, user_id: str, key: str, fingerprint: bytes, lease_seconds: float
) -> Claim | Answer:
    """Claim a key, or get the answer that is stored under it.

    Raises:
        Problem: 409 while another attempt holds the lease, 422 if the key was used for another request.
    """
    token = uuid.uuid4()
    row = (
        await _run(
            session,
            """
            INSERT INTO idempotency_key (user_id, key, fingerprint, token, lease_until)
            VALUES (:user_id, :key, :fingerprint, :token, now() + make_interval(secs => :lease))
            ON CONFLICT (user_id, key) DO UPDATE SET token = excluded.token, lease_until = excluded.lease_until
            WHERE idempotency_key.status IS NULL
              AND idempotency_key.lease_until <= now()
              AND idempotency_key.fingerprint = excluded.fingerprint
            RETURNING new.order_id, old.order_id IS NOT NULL AS resumed
            """,
            user_id=user_id,
            key=key,
            fingerprint=fingerprint,
            token=token,
            lease=lease_seconds,
        )
    ).one_or_none()
    if row is not None:
        return Claim(user_id, key, row.order_id, token, row.resumed)
    stored = await lookup(session, user_id=user_id, key=key, fingerprint=fingerprint)
    if stored is None:
        raise in_flight()
    return stored


async def lookup(session: AsyncSession, *, user_id: str, key: str, fingerprint: bytes) -> Answer | None:
    """The answer stored under a key, None if there is none yet; 422 if the key belongs to another request."""
    row = (
        await _run(
            session,
            "SELECT fingerprint, status, body FROM idempotency_key WHERE user_id = :user_id AND key = :key",
            user_id=user_id,
            key=key,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise Problem(422, "idempotency-key-reused", "this Idempotency-Key was used for a different request")
    return None if row.status is None else Answer(row.status, row.body)


async def _run(session: AsyncSession, statement: str, **values: Any) -> CursorResult[Any]:
    result: CursorResult[Any] = await session.execute(text(statement), values)  # type: ignore[assignment]  # what a textual statement returns
    return result
