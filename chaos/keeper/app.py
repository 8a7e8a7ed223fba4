"""The keeper's HTTP API: faults in, faults out, faults gone. It depends on nothing, so it is ready once it answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from litestar import Litestar, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody

from chaos.engine import registry
from chaos.engine.context import Context
from chaos.engine.engine import Engine, NotApplied
from chaos.engine.journal import Journal, journal_path
from chaos.engine.model import DEFAULT_TTL_SECONDS, Fault, Refused
from chaos.engine.model import State as FaultState
from chaos.keeper.keeper import Keeper
from stormglass import settings
from stormglass.service.factory import create_service
from stormglass.service.problems import Problem


@dataclass(frozen=True)
class NewFault:
    """Body of `POST /faults`; attributes are numbers, or text as a person would write it (`800ms`)."""

    target: str
    type: str
    attributes: dict[str, float | str] = field(default_factory=dict)
    stream: str = ""
    toxicity: float = 1.0
    ttl_seconds: float | str = DEFAULT_TTL_SECONDS


@post("/faults")
async def add(data: JSONBody[NewFault], state: State) -> dict[str, Any]:
    """Put a fault; answered when it is active and its effect has been observed."""
    keeper: Keeper = state.keeper
    try:
        request = keeper.engine.request(
            data.target,
            data.type,
            data.attributes,
            stream=data.stream,
            toxicity=data.toxicity,
            ttl=data.ttl_seconds,
        )
        return (await keeper.add(request)).as_json()
    except Refused as error:
        raise Problem(422, "fault-refused", str(error)) from error
    except NotApplied as error:
        raise Problem(502, "fault-not-applied", str(error)) from error


@get("/faults")
async def show(state: State) -> dict[str, Any]:
    """Every fault that has not ended, oldest first."""
    keeper: Keeper = state.keeper
    return {"faults": [fault.as_json() for fault in keeper.live()]}


@delete("/faults", status_code=200)
async def clear(state: State, target: FromQuery[str] = "") -> dict[str, Any]:
    """End all faults, or those on one target; answered when each undo has been tried."""
    keeper: Keeper = state.keeper
    wanted = registry.normalised(target)
    return _cleared(await keeper.clear(fault for fault in keeper.live() if wanted in {"", fault.target}))


@delete("/faults/{identity:str}", status_code=200)
async def clear_one(identity: FromPath[str], state: State) -> dict[str, Any]:
    """End one fault."""
    keeper: Keeper = state.keeper
    try:
        fault = keeper.engine.journal.get(identity)
    except KeyError as error:
        raise Problem(404, "no-such-fault", f"there is no fault {identity}: GET /faults lists them") from error
    return _cleared(await keeper.clear([fault]))


def _cleared(faults: list[Fault]) -> dict[str, Any]:
    return {
        "cleared": [fault.as_json() for fault in faults if fault.state is FaultState.ENDED],
        "failed": [fault.as_json() for fault in faults if fault.state is not FaultState.ENDED],
    }


@asynccontextmanager
async def _keeper(app: Litestar) -> AsyncIterator[None]:
    context = Context(settings.process().instance)
    with Journal(journal_path(context.instance)) as journal:
        keeper = app.state.keeper = Keeper(Engine(context, journal))
        keeper.start()
        try:
            yield
        finally:
            await keeper.stop()


def create_app() -> Litestar:
    """The application that the process `faults` serves."""
    # imported now: in the middle of a fault's life it would keep the event loop, and with it every end, waiting
    registry.kinds()
    return create_service(
        name="faults",
        route_handlers=[add, show, clear, clear_one],
        lifespan=[_keeper],
        # the pipeline may be what is broken, and the keeper must not care
        trace=False,
        description="Puts faults on a running instance and takes every one of them back.",
    )
