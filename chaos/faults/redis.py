"""Faults of Redis: it refuses writes, has no memory left, or has forgotten everything."""

from redis.exceptions import RedisError

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Request
from chaos.faults import replicas

TARGET = "redis"
PROBE = "fault:probe"


class OfRedis(FaultKind):
    """What they have in common. A Redis that is restarted comes back as configured, so they are put back."""

    def targets(self, context: Context) -> list[str]:
        """Redis, if it is meant to run."""
        return [TARGET] if replicas.is_meant_to_run(context, TARGET) else []


async def _refusal(context: Context) -> str:
    """What Redis says to a write; empty if it takes it."""
    async with context.redis() as redis:
        try:
            await redis.set(PROBE, "1", px=1)
        except RedisError as error:
            return str(error)
    return ""


async def _write_is_refused(context: Context) -> str:
    """How it is refused, and that reads are not."""
    refusal = await _refusal(context)
    if not refusal:
        raise NotBiting("a write (SET) was accepted")
    async with context.redis() as redis:
        keys = await redis.dbsize()
    return f"SET was refused: {refusal!r}; reads are answered ({keys} keys)"


class ReadOnly(OfRedis):
    """The state of a replica that lost its primary."""

    name = "read-only"
    summary = "refuses writes and answers reads, as a replica does that has lost its primary"
    attributes = (
        Attribute("port", "TCP port of the primary, on which nobody may listen", default=1, minimum=1, maximum=65535),
    )

    async def prepare(self, context: Context, request: Request) -> Record:
        """Whose replica it is now: nobody's, normally."""
        async with context.redis() as redis:
            return {"replicaof": (await redis.config_get("replicaof")).get("replicaof", "")}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Follow a primary that is not there: without one, nothing is ever copied over what is stored here."""
        await _follow(context, f"127.0.0.1 {fault.attributes['port']}")
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Follow whom it followed before."""
        if replicas.is_meant_to_run(context, TARGET):
            await _follow(context, str(fault.record["replicaof"]))

    async def bites(self, context: Context, fault: Fault) -> str:
        """A write is refused."""
        return await _write_is_refused(context)

    async def restore(self, context: Context, fault: Fault) -> bool:
        """It was restarted: follow again."""
        async with context.redis() as redis:
            now = (await redis.config_get("replicaof")).get("replicaof", "")
        if now != fault.record["replicaof"]:
            return False
        await self.apply(context, fault)
        return True


async def _follow(context: Context, primary: str) -> None:
    async with context.redis() as redis:
        await redis.execute_command("REPLICAOF", *(primary.split() or ("NO", "ONE")))


class OutOfMemory(OfRedis):
    """The memory limit is reached."""

    name = "out-of-memory"
    summary = "has reached its memory limit and refuses every write that needs more"

    async def prepare(self, context: Context, request: Request) -> Record:
        """The limit as it is."""
        async with context.redis() as redis:
            return {"maxmemory": (await redis.config_get("maxmemory"))["maxmemory"]}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """One byte: less than it uses, however little that is."""
        async with context.redis() as redis:
            await redis.config_set("maxmemory", "1")
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """The limit as it was."""
        if replicas.is_meant_to_run(context, TARGET):
            async with context.redis() as redis:
                await redis.config_set("maxmemory", fault.record["maxmemory"])

    async def bites(self, context: Context, fault: Fault) -> str:
        """A write is refused."""
        return await _write_is_refused(context)

    async def restore(self, context: Context, fault: Fault) -> bool:
        """It was restarted: set the limit again."""
        async with context.redis() as redis:
            if (await redis.config_get("maxmemory"))["maxmemory"] == "1":
                return False
        await self.apply(context, fault)
        return True


class Flush(OfRedis):
    """Everything is forgotten, once. What was in the cache is read again, what was in the queue is enqueued again."""

    name = "flush"
    summary = "forgets everything it stored, once: cache, queue, limits"

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Leave a mark, count, and empty it."""
        async with context.redis() as redis:
            await redis.set(_mark(fault), "1", px=int(fault.ttl_seconds * 1000))
            keys = await redis.dbsize()
            await redis.flushall()
        return {"keys": keys - 1}

    async def undo(self, context: Context, fault: Fault) -> None:
        """What is forgotten cannot be brought back from here; the platform does that itself."""

    async def bites(self, context: Context, fault: Fault) -> str:
        """The mark is gone."""
        async with context.redis() as redis:
            if await redis.exists(_mark(fault)):
                raise NotBiting("a key that was written before is still there")
            return f"{fault.record['keys']} keys are gone; there are {await redis.dbsize()} new ones"


def _mark(fault: Fault) -> str:
    return f"fault:{fault.id}"


KINDS: tuple[FaultKind, ...] = (ReadOnly(), OutOfMemory(), Flush())
