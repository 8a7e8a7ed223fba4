"""The cache in Redis: look up, put, invalidate. How an entry is laid out there is `scripts.py`'s subject."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ResponseError

from services.gateway.cache import scripts
from services.gateway.cache.stored import MAX_BYTES, Stored
from services.gateway.roundtrip import Command, RoundTrip
from stormglass.telemetry import names

LOCK_SECONDS = 2.0
"""How long one gateway is a resource's only fetcher at most: more than a service has for the head of its answer, and at
least as long as others wait for it."""

FENCE_SECONDS = 600
"""How long an invalidation keeps out what was fetched before it; a fetch that took 60 s is not stored at all."""

VARIANTS = 8
"""Variants of a resource; one more, and all of them are dropped."""


@dataclass(slots=True)
class Reply:
    """What one look-up found. `claimed`: whoever looked is now the resource's fetcher. `variants`: there are others."""

    life: bytes
    epoch: int
    began: int
    stored: Stored | None
    age: float
    variants: bool
    claimed: bool


@dataclass(slots=True)
class Lookup:
    """The question for the variant of a resource that a request selects; `reply` is None if Redis did not answer."""

    sha: str
    key: str
    presented: Mapping[str, str]
    token: str = ""
    lock_ms: int = 0
    reply: Reply | None = field(default=None, init=False)

    def commands(self) -> Sequence[Command]:
        """One script."""
        return [
            ("EVALSHA", self.sha, 0, self.key, self.token, self.lock_ms, *_pairs(self.presented)),
        ]

    def answered(self, replies: Sequence[Any]) -> None:
        """Take the script's reply; what cannot be read is as good as absent, and will be replaced."""
        if isinstance(replies[0], ResponseError):
            return
        life, epoch, now, packed, made, variants, claimed = replies[0]
        stored = Stored.unpack(packed) if packed else None
        age = max(0.0, (now - float(made)) / 1000)
        self.reply = Reply(life, epoch, now, stored, age, bool(variants), bool(claimed))


@dataclass(slots=True)
class _Asked:
    """A question of one command whose reply is wanted."""

    command: Command
    reply: Any = None

    def commands(self) -> Sequence[Command]:
        return [self.command]

    def answered(self, replies: Sequence[Any]) -> None:
        self.reply = None if isinstance(replies[0], ResponseError) else replies[0]


class Store:
    """The entries: `limit` is what all of them may take in bytes, `patience` how long others wait, in seconds."""

    def __init__(self, roundtrip: RoundTrip, limit: int, patience: float) -> None:
        self._roundtrip = roundtrip
        self._limit = limit
        self.patience = patience
        self._lock_ms = int(max(LOCK_SECONDS, patience) * 1000)
        self._look_up = roundtrip.script(scripts.LOOK_UP)
        self._put = roundtrip.script(scripts.PUT)
        self._invalidate = roundtrip.script(scripts.INVALIDATE)
        self._release = roundtrip.script(scripts.RELEASE)

    def look_up(self, key: str, presented: Mapping[str, str]) -> Lookup:
        """The question whether there is an answer; to be asked together with others."""
        return Lookup(self._look_up, key, presented)

    async def claim(self, lookup: Lookup) -> Lookup:
        """Look once more, and become the resource's fetcher if there is nothing fresh and no other one."""
        again = Lookup(self._look_up, lookup.key, lookup.presented, secrets.token_hex(8), self._lock_ms)
        await self._roundtrip.ask([again])
        return again

    async def claimed(self, key: str) -> bool:
        """Whether somebody is fetching the resource; False while Redis is away."""
        asked = _Asked(("EXISTS", f"{scripts.PREFIX}l:{key}"))
        await self._roundtrip.ask([asked])
        return bool(asked.reply)

    def release(self, lookup: Lookup) -> None:
        """Stop being the resource's fetcher, soon, without an answer."""
        if lookup.reply is not None and lookup.reply.claimed:
            self._roundtrip.along(("EVALSHA", self._release, 0, lookup.key, lookup.token))

    async def put(self, lookup: Lookup, stored: Stored, age: float, groups: Iterable[str]) -> bool:
        """Store the answer to a fetch that began after `lookup` was answered; whether it was stored.

        `age` is in seconds; `groups` are identifiers. It also ends being the resource's fetcher.
        """
        reply, packed = lookup.reply, stored.pack()
        if reply is None or len(packed) > MAX_BYTES:
            self.release(lookup)
            return _count("too-large" if reply else "unreachable")
        terms = stored.terms
        times = [int(seconds * 1000) for seconds in (age, terms.lifetime, terms.keep)]
        limits = (self._limit, VARIANTS, ",".join(terms.vary), " ".join(dict.fromkeys(groups)))
        fence = (reply.life, reply.epoch, reply.began)
        head: Command = ("EVALSHA", self._put, 0, lookup.key, lookup.token, *fence, packed)
        asked = _Asked((*head, *times, *limits, *_pairs(lookup.presented)))
        if not await self._roundtrip.ask([asked]) or asked.reply is None:
            return _count("unreachable")
        outcome, total, evicted = asked.reply
        names.GATEWAY_CACHE_BYTES.gauge().set(total)
        names.GATEWAY_CACHE_EVICTED.counter().inc(evicted)
        return _count(outcome.decode())

    async def invalidate(self, groups: Sequence[str]) -> bool:
        """Remove what is in `groups` (identifiers), and keep out what is being fetched of them; False: not done."""
        asked = _Asked(("EVALSHA", self._invalidate, 0, FENCE_SECONDS * 1000, *groups))
        return await self._roundtrip.ask([asked]) and asked.reply is not None


def _pairs(presented: Mapping[str, str]) -> list[str]:
    return [part for pair in presented.items() for part in pair]


def _count(outcome: str) -> bool:
    names.GATEWAY_CACHE_STORES.counter().labels(outcome).inc()
    return outcome == "stored"
