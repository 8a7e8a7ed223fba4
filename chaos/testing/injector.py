"""A fault for as long as a block runs: proven to bite before the block begins, proven gone after it has ended."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from chaos.engine import registry
from chaos.engine.context import Context
from chaos.engine.model import DEFAULT_TTL_SECONDS, Fault, NotBiting, State
from chaos.keeper.client import KeeperClient
from stormglass.testing import Platform


class StillThere(AssertionError):
    """The fault was taken back and yet has effect: nothing that is measured after it can be trusted."""


class FaultInjector:
    """`fault("orders→postgres", "latency", latency=800)`: a context manager on the instance under test."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    @contextmanager
    def __call__(
        self,
        target: str,
        kind: str,
        *,
        stream: str = "",
        toxicity: float = 1.0,
        ttl: float | str = DEFAULT_TTL_SECONDS,
        **attributes: object,
    ) -> Iterator[Fault]:
        """Put a fault for the block; the fault, with what was observed of its effect.

        Args:
            target: An edge or a part, as `stormglass fault types` and `stormglass edges` list them.
            kind: What to do to it.
            stream: `upstream`, `downstream` or `both`; for edges.
            toxicity: Share of the connections, 0 to 1; for edges.
            ttl: Longest time, in seconds or as `"2m"`: it ends by itself even if the test is killed.
            attributes: The kind's own, such as `latency=800` (milliseconds) or `latency="0.8s"`.

        Raises:
            Refused: there is no such target, kind or attribute; nothing was changed.
            RuntimeFailure: it has no effect, and was taken back; the text says what was observed instead.
            StillThere: it could not be taken back.
        """
        with KeeperClient(self._platform.instance) as keeper:
            # the keeper answers only when the effect was observed
            fault = keeper.add(target, kind, attributes, stream=stream, toxicity=toxicity, ttl=ttl)
            try:
                yield fault
            finally:
                left = [each for each in keeper.clear(fault.id) if each.state is not State.ENDED]
                if left:
                    raise StillThere(f"{fault.type} on {fault.target}: {left[0].reason}")
                if registry.kind(fault.type).has_streams or fault.type == "down":
                    self._prove_gone(fault)

    def _prove_gone(self, fault: Fault) -> None:
        """Observe the edge again as it was observed at the beginning: there must be nothing to see.

        Faults of parts need no second look: their `undo` returns only when the part works again.
        """
        try:
            seen = asyncio.run(registry.kind(fault.type).bites(Context(self._platform.name), fault))
        except NotBiting:
            return
        raise StillThere(f"{fault.type} on {fault.target} was cleared, and still: {seen}")
