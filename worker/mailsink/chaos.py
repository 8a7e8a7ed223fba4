"""The routes that switch the SMTP server's faults at run time."""

from typing import Annotated, TypeAlias

import msgspec
from litestar import Router, delete, get, put
from litestar.datastructures import State
from litestar.params import JSONBody

from worker.mailsink.behaviour import Behaviour, BehaviourSwitch, DropAfterData, Refuse, Tarpit

Ttl: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=3600, description="Seconds until normal service")]


class _Fault(msgspec.Struct, frozen=True, tag_field="mode", forbid_unknown_fields=True):
    ttl_seconds: Ttl


class RefuseFault(_Fault, frozen=True, tag="refuse"):
    """Answer 421 to every session."""

    def behaviour(self) -> Behaviour:
        """The behaviour this asks for."""
        return Refuse()


class TarpitFault(_Fault, frozen=True, tag="tarpit"):
    """Delay every reply."""

    delay_seconds: Annotated[float, msgspec.Meta(gt=0, le=60, description="Seconds added to each reply")]

    def behaviour(self) -> Behaviour:
        """The behaviour this asks for."""
        return Tarpit(self.delay_seconds)


class DropAfterDataFault(_Fault, frozen=True, tag="drop_after_data"):
    """Store the mail, then drop the connection before the 250."""

    def behaviour(self) -> Behaviour:
        """The behaviour this asks for."""
        return DropAfterData()


class BehaviourState(msgspec.Struct, frozen=True):
    """What is in force and for how long; `remaining_seconds` is 0 in normal service."""

    mode: str
    remaining_seconds: float
    delay_seconds: float | None = None


def _state(switch: BehaviourSwitch) -> BehaviourState:
    current = switch.current
    delay = current.delay_seconds if isinstance(current, Tarpit) else None
    return BehaviourState(current.mode, round(switch.remaining_seconds, 3), delay)


@get("/")
async def show_behaviour(state: State) -> BehaviourState:
    """Show the behaviour in force."""
    return _state(state.behaviour)


@put("/")
async def set_behaviour(state: State, data: JSONBody[RefuseFault | TarpitFault | DropAfterDataFault]) -> BehaviourState:
    """Put a fault in force; it ends by itself after `ttl_seconds`."""
    state.behaviour.set(data.behaviour(), data.ttl_seconds)
    return _state(state.behaviour)


@delete("/", status_code=200)
async def reset_behaviour(state: State) -> BehaviourState:
    """Return to normal service now."""
    state.behaviour.reset()
    return _state(state.behaviour)


chaos_router = Router(
    path="/chaos/behaviour", route_handlers=[show_behaviour, set_behaviour, reset_behaviour], tags=["chaos"]
)
