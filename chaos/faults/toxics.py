"""Toxiproxy's toxics as faults of an edge: their attributes, and what an answer looks like that suffers from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults.edge import PATIENCE_SECONDS, EdgeFault, unless_gone
from chaos.faults.edge_probe import Answer
from chaos.toxiproxy.adapter import Adapter, ProxyState, ToxicState

_STREAMS: Final = ("upstream", "downstream")
_HOUR_MS: Final = 3_600_000
_GIGABYTE: Final = 10**9
_LONGEST_SECONDS: Final = 10.0
"""Longest wait for an answer that should come, if late. A longer delay is not waited for."""

_TOLERANCE: Final = 0.9
"""Share of the injected delay that must be seen: the proxy's clock and ours are read at different moments."""


@dataclass(frozen=True)
class Toxic(EdgeFault):
    """One of Toxiproxy's toxics. `expect` checks the answer through the proxy; without it the state is read back."""

    name: str
    summary: str
    attributes: tuple[Attribute, ...] = ()
    expect: Callable[[Fault, Answer], bool] | None = None
    has_streams: bool = True

    async def prepare(self, context: Context, request: Request) -> Record:
        """Refuse also what the real server would die of."""
        values = request.attributes
        if self.name == "slicer" and int(values["size_variation"]) > int(values["average_size"]):
            raise Refused("slicer: size_variation must not be greater than average_size")
        return await super().prepare(context, request)

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Add one toxic per stream, under names that nobody else uses."""
        await context.toxiproxy(lambda server: self._add_missing(server, fault))
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Remove them."""

        def remove(server: Adapter) -> None:
            for name in _names(fault):
                unless_gone(partial(server.remove_toxic, fault.target, name))

        await context.toxiproxy(remove)

    async def bites(self, context: Context, fault: Fault) -> str:
        """The server has it and, where one question can show it, an answer suffers from it."""
        state = await context.toxiproxy(lambda server: server.proxy(fault.target))
        there = [toxic for toxic in state.toxics if toxic.name in _names(fault)]
        if len(there) != len(_streams(fault)) or not state.enabled:
            raise NotBiting(f"the proxy has only {[toxic.name for toxic in state.toxics]}, enabled: {state.enabled}")
        read_back = f"read back from {_shown(state, there)}"
        if self.expect is None:
            return read_back
        if fault.toxicity < 1:
            return f"{read_back}; not tried: it affects only a share of the connections"
        through, past = await self.probe(context, fault, min(PATIENCE_SECONDS + _delay(fault), _LONGEST_SECONDS))
        if past.end != "answered":
            return f"{read_back}; not tried: the server itself does not answer ({past})"
        if not self.expect(fault, through):
            raise NotBiting(f"through the proxy: {through}; past it: {past}; {read_back}")
        return f"through the proxy: {through}; past it: {past}"

    async def restore(self, context: Context, fault: Fault) -> bool:
        """Add what the server has lost."""
        return await context.toxiproxy(lambda server: self._add_missing(server, fault))

    def _add_missing(self, server: Adapter, fault: Fault) -> bool:
        present = server.toxics(fault.target)
        missing = [stream for stream in _streams(fault) if _toxic_name(fault, stream) not in present]
        for stream in missing:
            server.add_toxic(
                fault.target,
                fault.type,
                stream=stream,
                toxicity=fault.toxicity,
                name=_toxic_name(fault, stream),
                **{name: int(value) for name, value in fault.attributes.items()},
            )
        return bool(missing)


def _delay(fault: Fault) -> float:
    """Longest time in seconds for which the fault itself holds an answer, or the end of the connection, back."""
    values = fault.attributes
    most = int(values.get("latency", 0)) + int(values.get("jitter", 0)) + int(values.get("timeout", 0))
    return most / 1000 * len(_streams(fault))


def _delayed(fault: Fault, answer: Answer) -> bool:
    least = (int(fault.attributes["latency"]) - int(fault.attributes["jitter"])) / 1000 * len(_streams(fault))
    return answer.end in {"answered", "silence"} and answer.seconds >= min(least, _LONGEST_SECONDS) * _TOLERANCE


def _silent(fault: Fault, answer: Answer) -> bool:
    return answer.end in {"silence", "closed", "reset"}


def _cut_off(fault: Fault, answer: Answer) -> bool:
    late = _delay(fault) >= _LONGEST_SECONDS - PATIENCE_SECONDS
    return answer.end in {"closed", "reset"} or (answer.end == "silence" and late)


def _limited(fault: Fault, answer: Answer) -> bool:
    # an answer that fits proves nothing, and neither does a question that does
    return answer.received <= int(fault.attributes["bytes"]) or fault.stream == "upstream"


def _throttled(fault: Fault, answer: Answer) -> bool:
    return answer.end == "silence" if fault.attributes["rate"] == 0 else answer.end in {"answered", "silence"}


def _streams(fault: Fault) -> tuple[str, ...]:
    return _STREAMS if fault.stream == "both" else (fault.stream,)


def _toxic_name(fault: Fault, stream: str) -> str:
    return f"fault-{fault.id}-{stream}"


def _names(fault: Fault) -> set[str]:
    return {_toxic_name(fault, stream) for stream in _streams(fault)}


def _shown(state: ProxyState, toxics: list[ToxicState]) -> str:
    each = (f"{t.type} {t.stream} {dict(t.attributes)} toxicity {t.toxicity:g}" for t in toxics)
    return f"{state.listen}: {', '.join(each)}"


def _ms(name: str, text: str, default: int | None = None) -> Attribute:
    return Attribute(name, text, unit="ms", default=default, maximum=_HOUR_MS)


def _size(name: str, text: str, default: int | None = None, minimum: int = 0) -> Attribute:
    return Attribute(name, text, unit="B", default=default, minimum=minimum, maximum=_GIGABYTE)


KINDS: tuple[FaultKind, ...] = (
    Toxic(
        "latency",
        "answers later",
        (_ms("latency", "delay of everything sent"), _ms("jitter", "up to so much more or less", 0)),
        _delayed,
    ),
    Toxic(
        "bandwidth",
        "carries only so much per connection",
        (Attribute("rate", "limit; 0 stalls", unit="KB/s", maximum=_GIGABYTE),),
        _throttled,
    ),
    Toxic("slow_close", "closes connections late", (_ms("delay", "between the end and the close"),)),
    Toxic(
        "timeout",
        "swallows everything",
        (_ms("timeout", "without data before it closes; 0: never", 0),),
        _silent,
    ),
    Toxic(
        "reset_peer",
        "resets connections",
        (Attribute("timeout", "after the first data", unit="ms", default=0, maximum=60_000),),
        _cut_off,
    ),
    Toxic(
        "slicer",
        "cuts data into small pieces",
        (
            _size("average_size", "of a piece", minimum=1),
            _size("size_variation", "up to so much more or less", 0),
            Attribute("delay", "after each piece", unit="us", default=0, maximum=_HOUR_MS * 1000),
        ),
    ),
    Toxic("limit_data", "closes after so much data", (_size("bytes", "that pass"),), _limited),
    Toxic("noop", "does nothing: to see what the means cost"),
)
