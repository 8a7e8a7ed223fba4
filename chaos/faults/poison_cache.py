"""Poisoned cache entries: bytes that nobody stored there on purpose."""

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults import replicas

CACHES = ("products", "stock", "users")
"""Names of the read-through caches, which are the second part of their keys."""

_OURS = "redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) == ARGV[1]"
IS_OURS = f"return ({_OURS}) and 1 or 0"
REMOVE_OURS = f"if {_OURS} then return redis.call('DEL', KEYS[1]) end return 0"


class PoisonCache(FaultKind):
    """Garbage in place of entries. Readers are to notice, ask the origin, and store a sound entry."""

    name = "garbage"
    summary = "holds garbage in place of some entries"
    attributes = (Attribute("entries", "how many, at most", default=10, minimum=1, maximum=1000),)

    def targets(self, context: Context) -> list[str]:
        """Every cache, if Redis is meant to run."""
        return [f"cache/{name}" for name in CACHES] if replicas.is_meant_to_run(context, "redis") else []

    async def prepare(self, context: Context, request: Request) -> Record:
        """Which entries there are."""
        wanted = int(request.attributes["entries"])
        keys: list[str] = []
        async with context.redis() as redis:
            async for key in redis.scan_iter(match=f"{_prefix(request.target)}*", count=500):
                keys.append(key)
                if len(keys) == wanted:
                    break
        if not keys:
            raise Refused(f"{request.target} is empty: have something read first, or place an order")
        return {"keys": sorted(set(keys))}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Overwrite them; their time to live stays."""
        async with context.redis() as redis:
            written = [await redis.set(key, _garbage(fault), xx=True, keepttl=True) for key in fault.record["keys"]]
        return {"written": sum(bool(each) for each in written)}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Drop what is still garbage: the origin knows better."""
        if replicas.is_meant_to_run(context, "redis"):
            async with context.redis() as redis:
                for key in fault.record["keys"]:
                    await redis.eval(REMOVE_OURS, 1, key, _garbage(fault))

    async def bites(self, context: Context, fault: Fault) -> str:
        """How many entries are garbage now, and how many a reader has met and replaced."""
        garbage = present = 0
        async with context.redis() as redis:
            for key in fault.record["keys"]:
                garbage += int(await redis.eval(IS_OURS, 1, key, _garbage(fault)))
                present += int(await redis.exists(key))
        seen = f"{fault.record['written']} entries were overwritten; {garbage} are garbage now"
        replaced = present - garbage
        if not fault.record["written"] or not (garbage or replaced):
            raise NotBiting(seen)
        return seen + (f", {replaced} were replaced by their readers" if replaced else "")


def _prefix(target: str) -> str:
    return f"cache:{target.partition('/')[2]}:"


def _garbage(fault: Fault) -> str:
    return f"\x00garbage {fault.id}\x01"


KINDS: tuple[FaultKind, ...] = (PoisonCache(),)
