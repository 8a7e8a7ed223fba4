"""One case at a time: signal, watch, wait until it is whole again, count."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from chaos.failover.cases import Case
from chaos.failover.rotation import Rotation
from chaos.failover.strike import FROZEN_SECONDS, strike
from chaos.load.generator import Load
from stormglass.runtime import names, probe
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance

BEFORE_SECONDS = 1.5
"""Load before the signal: an error in it would be of another making, and is refused as a measurement."""

AFTER_SECONDS = 1.5
"""Load after the replica is back: what fails then counts too."""

BACK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a signal did. Times are seconds after it; None where it did not happen.

    `lost` are requests that failed, first attempts and repetitions alike; `slow` those that were answered, but took
    longer than 0.5 s. `noticed_by` is the check that took the replica out of the rotation; for a worker, who is in
    none, nobody. `back` is when it was sent requests again (a worker: when it was ready).
    """

    part: str
    replica: str
    signal: str
    requests: int
    lost: int
    slow: int
    kinds: dict[str, int]
    last_error: float | None
    noticed: float | None
    noticed_by: str
    back: float | None
    target: float

    @property
    def met(self) -> bool:
        """Whether the goal was reached."""
        return self.back is not None and (self.last_error or 0.0) <= self.target


async def measure(
    instance: Instance, load: Load, rotation: Rotation, case: Case, tell: Callable[[float], None] = lambda _: None
) -> Outcome:
    """The outcome of one case under a load that is running already; `tell` hears when the signal was sent."""
    await _steady(load)
    struck = await strike(instance, case.replica, case.signal)
    tell(struck)
    back = await _back(instance, rotation, case, struck)
    await asyncio.sleep(AFTER_SECONDS)
    seen = load.recording.ended(struck)
    left = rotation.left(case.replica, struck)
    return Outcome(
        part=case.part,
        replica=case.replica,
        signal=case.signal,
        requests=len(seen),
        lost=len(seen.errors),
        slow=len(seen.where(lambda sample: not sample.error and sample.seconds > 0.5).samples),
        kinds=seen.kinds(),
        last_error=seen.last_error(struck),
        noticed=left.at - struck if left else None,
        noticed_by=left.by if left else "",
        back=back - struck if back else None,
        target=case.target_seconds,
    )


async def _steady(load: Load) -> None:
    """Wait for a stretch of time without an error: what fails later is then ours."""
    for _ in range(20):
        begun = time.monotonic()
        await asyncio.sleep(BEFORE_SECONDS)
        if not (failed := load.recording.ended(begun)).errors and len(failed):
            return
    kinds = ", ".join(f"{count} × {kind}" for kind, count in failed.kinds().items()) or "no request was answered"
    raise RuntimeFailure(
        f"requests fail although nothing is broken ({kinds}): the machine may have too much to do (load"
        f" {psutil.getloadavg()[0]:.0f} on {psutil.cpu_count()} processors); try a lower --rate, or `stormglass status`"
    )


async def _back(instance: Instance, rotation: Rotation, case: Case, struck: float) -> float | None:
    """When the replica was itself again; it is not asked while it is sure to be away."""
    if case.signal == "STOP":
        await asyncio.sleep(struck + FROZEN_SECONDS - time.monotonic())
    ((process, number),) = names.replicas(instance, case.replica)
    until = time.monotonic() + BACK_SECONDS
    was_away = case.signal == "STOP"
    while time.monotonic() < until:
        if case.part != "worker":
            change = rotation.returned(case.replica, struck)
            if change:
                return change.at
        else:
            ready = (await probe.ask(instance, process, number)).ready
            if ready and was_away:
                return time.monotonic()
            was_away = was_away or not ready
        await asyncio.sleep(0.05)
    return None
