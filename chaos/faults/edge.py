"""What every fault of an edge shares, and `down`: the edge with nobody behind it.

These faults live in the memory of the proxy server: one that was restarted gets them back from the keeper (`restore`)
for the time that is left, and one that is gone has none to be taken away. That restore is also why a fault is ended
through `stormglass fault clear` and not through Toxiproxy's own API.
"""

from collections.abc import Callable
from typing import Final

from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults.edge_probe import Answer, ask
from chaos.toxiproxy.adapter import Adapter
from chaos.toxiproxy.errors import ToxiproxyError, UnreachableError
from stormglass.topology import Edge

PATIENCE_SECONDS: Final = 1.5
"""Wait for an answer that may never come: a thousand times what one takes on the loopback."""

PAST_SECONDS: Final = 5.0
"""Wait for the one past the proxy, which should come: without it nothing is proven."""


class EdgeFault(FaultKind):
    """What all of them share: the edges, the proxy, a connection to try."""

    def targets(self, context: Context) -> list[str]:
        """Every edge that has a proxy."""
        instance = context.instance
        return [] if instance.direct else [edge.name for edge in instance.edges()]

    async def prepare(self, context: Context, request: Request) -> Record:
        """The proxy has to exist."""
        try:
            await context.toxiproxy(lambda server: server.proxy(request.target))
        except UnreachableError as error:
            raise Refused(f"{error}; `stormglass logs faultproxy` may tell why") from error
        except ToxiproxyError as error:
            raise Refused(f"the edge {request.target} has no proxy: {error.text}") from error
        return {}

    async def probe(self, context: Context, fault: Fault, seconds: float = PATIENCE_SECONDS) -> tuple[Answer, Answer]:
        """The answer through the proxy, and the one past it."""
        edge, instance = _edge(context, fault), context.instance
        past = await ask(edge, instance.network.upstream(edge), PAST_SECONDS)
        through = await ask(edge, instance.network.proxy(edge), seconds)
        return through, past


class Down(EdgeFault):
    """The proxy stops listening, and its connections are dropped."""

    name = "down"
    summary = "refuses every connection, and those that were open are dropped"

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Disable the proxy."""
        await context.toxiproxy(lambda server: server.disable(fault.target))
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Enable it; one that is gone was enabled when it came back."""
        await context.toxiproxy(lambda server: unless_gone(lambda: server.enable(fault.target)))

    async def bites(self, context: Context, fault: Fault) -> str:
        """A connection is refused."""
        state = await context.toxiproxy(lambda server: server.proxy(fault.target))
        through, past = await self.probe(context, fault)
        if state.enabled or through.end != "refused":
            raise NotBiting(f"through the proxy: {through}")
        return f"connection to {state.listen} {through}; past the proxy: {past}"

    async def restore(self, context: Context, fault: Fault) -> bool:
        """Disable a proxy that somebody has enabled."""

        def again(server: Adapter) -> bool:
            found = server.proxy(fault.target).enabled
            if found:
                server.disable(fault.target)
            return found

        return await context.toxiproxy(again)


def _edge(context: Context, fault: Fault) -> Edge:
    return context.instance.topology.edge(fault.target)


def unless_gone(undo: Callable[[], None]) -> None:
    """Undo, unless what is to be undone has ceased to exist with its server, its proxy or by other hands."""
    try:
        undo()
    except UnreachableError as error:
        if error.text != "connection refused":
            raise
    except ToxiproxyError as error:
        if error.status != 404:
            raise


KINDS: tuple[FaultKind, ...] = (Down(),)
