"""A poisoned job: an event that no worker can ever finish, among all those that they can."""

import asyncio
import json
import time
import uuid
from typing import Any

from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record
from chaos.faults import replicas
from stormglass.data.outbox import CHANNEL
from stormglass.data.queue import QUEUE

TARGET = "worker"
PICKED_SECONDS = 15.0
RUNNING_SECONDS = 20.0
"""A job runs for 10 s at most; one whose worker was killed counts as running for 13 s."""

KEPT_SECONDS = 3600
"""How long attempts are counted, should nobody come to undo it."""

POLL_SECONDS = 0.1


class PoisonJob(FaultKind):
    """An event whose payload lacks all that its task needs: it is retried, then given up as a dead letter."""

    name = "poison-job"
    summary = "is handed a job that fails at every attempt and ends as a dead letter"
    attributes = (
        Attribute(
            "made", "attempts that count as made already: 15 take two minutes", default=0, minimum=0, maximum=1000
        ),
    )

    def targets(self, context: Context) -> list[str]:
        """The workers together, if they are meant to run."""
        return [TARGET] if replicas.is_meant_to_run(context, TARGET) else []

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Publish the event, as the orders service publishes its own."""
        made = int(fault.attributes["made"])
        if made:
            # the queue counts attempts under the job's id, whether the job is there yet or not
            async with context.redis() as redis:
                await redis.set(retry_key_prefix + str(event_id(fault)), made, ex=KEPT_SECONDS)
        async with context.postgres("orders") as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO outbox (event_id, aggregate_id, kind, payload) VALUES ($1, $2, 'order.placed', $3)",
                event_id(fault),
                f"fault-{fault.id}",
                json.dumps({"poison": fault.id}),
            )
            await connection.execute(f"NOTIFY {CHANNEL}")
        return {"event_id": str(event_id(fault))}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Remove the event, then its job, then, when nobody works on it any more, its dead letter."""
        event = str(event_id(fault))
        if replicas.is_meant_to_run(context, "postgres"):
            async with context.postgres("orders") as connection:
                await connection.execute("DELETE FROM outbox WHERE event_id = $1", event_id(fault))
        if replicas.is_meant_to_run(context, "redis"):
            until = time.monotonic() + RUNNING_SECONDS
            async with context.redis() as redis:
                await _remove_job(redis, event)
                while await redis.exists(in_progress_key_prefix + event):
                    if time.monotonic() > until:
                        raise RuntimeError(f"job {event} still runs")
                    await asyncio.sleep(POLL_SECONDS)
                await _remove_job(redis, event)  # an attempt that was running has asked for another one
        if replicas.is_meant_to_run(context, "postgres"):
            async with context.postgres("worker") as connection:
                await connection.execute("DELETE FROM dead_letter WHERE event_id = $1", event_id(fault))

    async def bites(self, context: Context, fault: Fault) -> str:
        """It was attempted, and is not done."""
        until = time.monotonic() + PICKED_SECONDS
        while True:
            async with context.redis() as redis:
                attempts = int(await redis.get(retry_key_prefix + str(event_id(fault))) or 0)
            async with context.postgres("worker") as connection:
                letter = await connection.fetchrow(
                    "SELECT attempts, error FROM dead_letter WHERE event_id = $1", event_id(fault)
                )
            if letter is not None:
                return f"a dead letter after {letter['attempts']} attempts: {letter['error']}"
            async with context.postgres("orders") as connection:
                unfinished = await connection.fetchval(
                    "SELECT count(*) FROM outbox WHERE event_id = $1 AND done_at IS NULL", event_id(fault)
                )
            if attempts > int(fault.attributes["made"]) and unfinished:
                return f"job {event_id(fault)} was attempted {attempts} times and is not done"
            if time.monotonic() > until:
                raise NotBiting(f"{attempts} attempts, {unfinished} events open")
            await asyncio.sleep(POLL_SECONDS)


def event_id(fault: Fault) -> uuid.UUID:
    """The event's id follows from the fault's: an undo needs no record to find it."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"stormglass:fault:{fault.id}")


async def _remove_job(redis: Any, event: str) -> None:
    await redis.zrem(QUEUE, event)
    await redis.delete(job_key_prefix + event, retry_key_prefix + event)


KINDS: tuple[FaultKind, ...] = (PoisonJob(),)
