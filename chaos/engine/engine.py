"""One fault at a time: checked, written down, done, observed, taken back. When each happens is decided elsewhere."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from chaos.engine import registry
from chaos.engine.attributes import Attribute, parse_all
from chaos.engine.context import Context
from chaos.engine.journal import Journal
from chaos.engine.model import DEFAULT_TTL_SECONDS, MAX_TTL_SECONDS, Fault, NotBiting, Refused, Request, State

APPLY_SECONDS = 60.0
"""Longest an `apply` may take; some restart a process and wait until it is ready."""

UNDO_SECONDS = 60.0
"""Longest one attempt to undo may take, for the same reason."""

BITES_SECONDS = 20.0

TTL = Attribute("ttl", "how long the fault lasts", float, "s", DEFAULT_TTL_SECONDS, 0.1, MAX_TTL_SECONDS)
_TOXICITY = Attribute("toxicity", "share of the connections that are affected", float, "", 1.0, 0.0, 1.0)
_STREAM = Attribute("stream", "direction", str, default="downstream", choices=("upstream", "downstream", "both"))


class NotApplied(Exception):
    """The fault could not be put, or has no effect; the text says why. It is being taken back."""


@dataclass(frozen=True)
class Engine:
    """Faults of one instance. Nothing here waits for a time-to-live."""

    context: Context
    journal: Journal

    def request(
        self,
        target: str,
        type: str,  # noqa: A002 - the word that people type
        attributes: Mapping[str, object],
        *,
        stream: str = "",
        toxicity: object = 1.0,
        ttl: object = DEFAULT_TTL_SECONDS,
    ) -> Request:
        """What somebody asks for, checked and completed; `Refused` says what would be accepted."""
        kind = registry.kind(type)
        share = float(_TOXICITY.parse(toxicity))
        if not kind.has_streams and (stream or share != 1.0):
            raise Refused(f"{kind.name} has no streams and no toxicity: leave both out")
        return Request(
            registry.target(kind, self.context, target),
            kind.name,
            parse_all(kind.name, kind.attributes, attributes),
            str(_STREAM.parse(stream or _STREAM.default)) if kind.has_streams else "",
            share,
            float(TTL.parse(ttl)),
        )

    async def begin(self, request: Request) -> Fault:
        """Prepare a fault and write down that it is meant; nothing has been changed yet.

        Raises:
            Refused: it cannot be had, or the target already has one of this type.
        """
        kind = registry.kind(request.type)
        async with asyncio.timeout(APPLY_SECONDS):
            record = await kind.prepare(self.context, request)
        for other in self.journal.live():
            if (other.target, other.type) == (request.target, request.type):
                raise Refused(
                    f"{request.target} already has a {request.type} ({other.id}, {other.state}): "
                    f"`stormglass fault clear {other.id}` takes it back"
                )
        now = time.time()
        fault = Fault(
            secrets.token_hex(4),
            request.target,
            request.type,
            request.attributes,
            request.stream,
            request.toxicity,
            request.ttl_seconds,
            created_at=now,
            expires_at=now + request.ttl_seconds,
            state=State.INTENDED,
            record=record,
        )
        self.journal.add(fault)
        return fault

    async def apply(self, fault: Fault) -> Fault:
        """Do what is written down; its time-to-live counts from the end of that. `NotApplied` if it cannot be done."""
        kind = registry.kind(fault.type)
        try:
            async with asyncio.timeout(APPLY_SECONDS):
                added = await kind.apply(self.context, fault)
        except Exception as error:  # whatever a dependency raises is the reason that is reported
            raise NotApplied(f"{fault.type} could not be put on {fault.target}: {reason(error)}") from error
        record = {**fault.record, **added}
        if self.journal.get(fault.id).state is not State.INTENDED:
            self.journal.change(fault.id, reopen=True, state=State.UNDOING, record=record)
            raise NotApplied(f"{fault.type} on {fault.target} was cleared while it was being put")
        expires_at = time.time() + fault.ttl_seconds
        return self.journal.change(fault.id, state=State.ACTIVE, expires_at=expires_at, record=record)

    async def observe(self, fault: Fault) -> Fault:
        """Let the fault prove that it has effect; `NotApplied` if it does not."""
        kind = registry.kind(fault.type)
        try:
            async with asyncio.timeout(BITES_SECONDS):
                seen = await kind.bites(self.context, fault)
        except Exception as error:  # an observation that fails, for whatever reason, has proven nothing
            if self.journal.get(fault.id).state is not State.ACTIVE:
                return self.journal.change(fault.id, observation="it ended before its effect could be observed")
            text = str(error) if isinstance(error, NotBiting) else reason(error)
            raise NotApplied(f"{fault.type} on {fault.target} has no effect that could be seen: {text}") from error
        return self.journal.change(fault.id, observation=seen)

    async def restore(self, fault: Fault) -> Fault:
        """Put back what something else took away, if the fault is still meant; errors are the kind's own."""
        async with asyncio.timeout(UNDO_SECONDS):
            if not await registry.kind(fault.type).restore(self.context, fault):
                return fault
        if self.journal.get(fault.id).state is not State.ACTIVE:
            return self.journal.change(fault.id, reopen=True, state=State.UNDOING)
        return self.journal.change(fault.id, restored=fault.restored + 1)

    async def undo(self, fault: Fault) -> Fault:
        """One attempt to take a fault back; the answer's state is `ended`, or `failed` with the reason."""
        fault = self.journal.change(fault.id, state=State.UNDOING)
        if fault.state is State.ENDED:
            return fault
        try:
            async with asyncio.timeout(UNDO_SECONDS):
                await registry.kind(fault.type).undo(self.context, fault)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again, and people are told
            return self.journal.change(fault.id, state=State.FAILED, attempts=fault.attempts + 1, reason=reason(error))
        return self.journal.change(fault.id, state=State.ENDED, reason="")


def reason(error: BaseException) -> str:
    """An error in words, also those that have none."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no end within the time limit"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
