"""Placing an order exactly once: claim the key, look, reserve, then all that makes it an order in ONE transaction.

Where an attempt may stop, and what is left:
    after the claim         the key; its lease ends, the next attempt takes over the same order id
    after the reservation   the next attempt finds it again by that id, or it expires
    at the commit           if its outcome is unknown the claim is *fenced*: either the answer is there and is sent, or
                            that commit can no longer succeed and the reservation may be given back
"""

import hashlib

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from services.orders import idempotency, store
from services.orders.idempotency import Answer, Claim
from services.orders.models import Order
from services.orders.schemas import OrderView, PlaceOrder
from services.orders.settings import orders as orders_settings
from services.orders.stock import Reservation, Stock
from stormglass.data.database import Database
from stormglass.resilience.deadline import DeadlineExceeded
from stormglass.resilience.unavailable import DependencyUnavailable
from stormglass.service.client import CallFailed
from stormglass.service.problems import Problem, problem_body
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

_log = logger(__name__)
_DATABASE_ERRORS = (DependencyUnavailable, SQLAlchemyError, OSError, TimeoutError)


def _try_again(detail: str) -> Problem:
    return Problem(
        503,
        "try-again",
        f"{detail}: repeat the request with the same Idempotency-Key",
        headers={"Retry-After": "1"},
    )


class Placement:
    """The use case, with what it needs."""

    def __init__(self, database: Database, stock: Stock) -> None:
        self._database = database
        self._stock = stock

    async def place(self, user_id: str, key: str, wanted: PlaceOrder) -> tuple[Answer, bool]:
        """Place an order; the answer, and whether it is a replay of an earlier one.

        Raises:
            Problem: 409 in flight, 422 key reused, 503 with `Retry-After` where nothing was decided.
        """
        fingerprint = hashlib.sha256(msgspec.json.encode(wanted)).digest()
        try:
            async with self._database.transaction() as session:
                claim = await idempotency.claim(
                    session,
                    user_id=user_id,
                    key=key,
                    fingerprint=fingerprint,
                    lease_seconds=orders_settings().lease_seconds,
                )
        except _DATABASE_ERRORS as error:
            _log.warning("claim failed", error=type(error).__name__)
            raise _try_again("the order could not be taken down") from error
        if isinstance(claim, Answer):
            return self._replay(claim)
        try:
            reservation = await self._reserve(claim, wanted)
        except Problem as problem:
            return await self._refuse(claim, problem), False
        except (CallFailed, DeadlineExceeded) as error:
            if isinstance(error, DeadlineExceeded):
                names.DEADLINE_EXCEEDED.counter().labels("reservation").inc()
            _log.warning("reservation failed", order_id=str(claim.order_id), error=str(error))
            await self._release(claim)
            raise _try_again("the stock could not be reserved") from error
        try:
            answer = await self._commit(claim, reservation)
        except _DATABASE_ERRORS as error:
            _log.warning("commit of unknown outcome", order_id=str(claim.order_id), error=type(error).__name__)
            return self._replay(await self._settle(claim, reservation, fingerprint))
        names.ORDERS.counter().labels("placed").inc()
        names.ORDER_VALUE.counter().labels("placed").inc(reservation.total_cents)
        _log.info("order placed", order_id=str(claim.order_id), total_cents=reservation.total_cents)
        return answer, False

    async def _reserve(self, claim: Claim, wanted: PlaceOrder) -> Reservation:
        if not claim.resumed:  # else the stock that seems to be missing may be what this very order holds already
            await self._stock.look(wanted.items)
        return await self._stock.reserve(claim.order_id, wanted.items)

    async def _refuse(self, claim: Claim, problem: Problem) -> Answer:
        body = problem_body(problem.status, problem.kind, problem.detail, "/orders", problem.extra)
        answer = Answer(problem.status, msgspec.json.encode(body))
        try:
            async with self._database.transaction() as session:
                await claim.finish(session, answer)
        except _DATABASE_ERRORS as error:
            raise _try_again("the refusal could not be taken down") from error
        names.ORDERS.counter().labels("refused").inc()
        return answer

    async def _commit(self, claim: Claim, reservation: Reservation) -> Answer:
        order = Order(
            id=claim.order_id,
            user_id=claim.user_id,
            reservation_id=reservation.id,
            lines=msgspec.to_builtins(reservation.items),
            total_cents=reservation.total_cents,
        )
        answer = Answer(201, msgspec.json.encode(OrderView.of(order)))
        async with self._database.transaction() as session:
            await claim.finish(session, answer)
            await store.insert(session, order)
        return answer

    async def _settle(self, claim: Claim, reservation: Reservation, fingerprint: bytes) -> Answer:
        """Find out what became of a commit whose outcome is unknown: its answer, or 503 and everything undone."""
        try:
            async with self._database.transaction() as session:
                fenced = await claim.fence(session)
            if fenced is None:
                async with self._database.session() as session:
                    stored = await idempotency.lookup(
                        session, user_id=claim.user_id, key=claim.key, fingerprint=fingerprint
                    )
                if stored is None:
                    raise idempotency.in_flight()
                return stored
            await self._stock.release(reservation.id)
            await self._release(fenced)
        except _DATABASE_ERRORS as error:
            _log.warning("claim not settled: its lease will end", error=type(error).__name__)
        raise _try_again("the order could not be stored")

    async def _release(self, claim: Claim) -> None:
        try:
            async with self._database.transaction() as session:
                await claim.release(session)
        except _DATABASE_ERRORS as error:
            _log.warning("claim not released: its lease will end", error=type(error).__name__)

    def _replay(self, answer: Answer) -> tuple[Answer, bool]:
        names.ORDERS.counter().labels("replayed").inc()
        return answer, True
