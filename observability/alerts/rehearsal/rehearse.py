"""The rehearsal itself: quiet first, then round by round put, wait until all fire, take back, wait until all clear."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from observability.alerts.rehearsal.commands import Commands, Put
from observability.alerts.rehearsal.rounds import Rehearsal
from observability.alerts.rehearsal.watch import EVERY_SECONDS, Watch
from stormglass.runtime.errors import RuntimeFailure

FIRE_SECONDS = 150.0
CLEAR_SECONDS = 180.0
"""How long an alert may take; one that takes longer failed its rehearsal."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one alert. Times are seconds: from the beginning of its fault, `clear` from the fault's end.

    None: it did not happen in time. `spells` is how often it fired: more than once is flapping.
    """

    alert: str
    fault: str
    pending: float | None
    fire: float | None
    clear: float | None
    spells: int
    silenced: tuple[str, ...]
    begun: float
    ended: float
    """When the fault was put, and taken back (seconds since the epoch)."""

    @property
    def passed(self) -> bool:
        """Whether it fired and cleared."""
        return self.fire is not None and self.clear is not None


@dataclass(slots=True)
class Report:
    """All of it. `quiet` is how long nothing was broken at the beginning, `alarms` what fired meanwhile."""

    quiet: float
    alarms: list[str]
    outcomes: list[Outcome] = field(default_factory=list)
    also: dict[str, list[str]] = field(default_factory=dict)
    """By the faults of a round: what else fired."""
    active_again: list[str] = field(default_factory=list)
    alertmanager: bool = False
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether nothing fired without a fault, and everything with its own."""
        return not self.alarms and all(each.passed for each in self.outcomes)


async def rehearse(
    rounds: Iterable[tuple[Rehearsal, ...]], watch: Watch, commands: Commands, *, rate: float, quiet: float, say: Say
) -> Report:
    """Rehearse; `RuntimeFailure` if something is on already and stays, or a fault cannot be put."""
    begun = time.time()
    watching = asyncio.create_task(watch.run())
    try:
        async with commands.load(rate):
            report = await _control(watch, quiet, say)
            for round_ in rounds:
                await _round(round_, watch, commands, report, say)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    report.alertmanager, report.active_again = watch.answers, sorted(watch.active_again)
    report.seconds = time.time() - begun
    return report


async def _control(watch: Watch, quiet: float, say: Say) -> Report:
    say("waiting until nothing is on")
    if not await _until(lambda: not _on(watch), CLEAR_SECONDS):
        raise RuntimeFailure(f"without any fault these are on: {', '.join(_on(watch))}; see `stormglass alerts`")
    say(f"control: {quiet:.0f} s without a fault")
    begun = time.time()
    await asyncio.sleep(quiet)
    alarms = sorted(watch.fired(begun))
    if alarms:
        say(f"fired without a fault: {', '.join(alarms)}")
    return Report(quiet, alarms)


async def _round(round_: tuple[Rehearsal, ...], watch: Watch, commands: Commands, report: Report, say: Say) -> None:
    wanted = [alert for each in round_ for alert in each.alerts]
    say("; ".join(each.command for each in round_))
    await _until(lambda: not any(watch.is_on(alert) for alert in wanted), CLEAR_SECONDS)
    begun, ended, puts = time.time(), 0.0, list[Put]()
    try:
        puts = await asyncio.gather(*(commands.put(each) for each in round_))
        fired = await _until(lambda: set(wanted) <= watch.fired(begun).keys(), FIRE_SECONDS)
        say(f"all fired after {time.time() - begun:.0f} s" if fired else f"only {', '.join(watch.fired(begun))} fired")
    finally:
        ended = time.time()
        # shielded: who interrupts a rehearsal wants what was broken whole again first
        await asyncio.shield(asyncio.gather(*(commands.clear(put) for put in puts)) if puts else commands.clear_all())
    cleared = await _until(lambda: not any(watch.is_on(alert) for alert in wanted), CLEAR_SECONDS)
    left = [alert for alert in wanted if watch.is_on(alert)]
    say(f"all cleared after {time.time() - ended:.0f} s" if cleared else f"still on: {', '.join(left)}")
    for rehearsal, put in zip(round_, puts, strict=True):
        end = put.begun if rehearsal.once else ended
        report.outcomes += [_outcome(alert, rehearsal, watch, put.begun, end) for alert in rehearsal.alerts]
    report.also[" + ".join(each.fault for each in round_)] = sorted(watch.fired(begun).keys() - set(wanted))


def _outcome(alert: str, rehearsal: Rehearsal, watch: Watch, begun: float, ended: float) -> Outcome:
    spells = watch.fired(begun).get(alert, [])
    cleared = spells[-1].cleared if spells else None
    return Outcome(
        alert,
        rehearsal.fault,
        pending=round(spells[0].pending - begun, 1) if spells else None,
        fire=round((spells[0].firing or 0.0) - begun, 1) if spells else None,
        clear=round(max(0.0, cleared - ended), 1) if cleared else None,
        spells=len(spells),
        silenced=tuple(sorted(watch.silenced.get(alert, ()))),
        begun=begun,
        ended=ended,
    )


def _on(watch: Watch) -> list[str]:
    return [name for name in watch.spells if watch.fires(name)]


async def _until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    # at least two looks: the first answer may be the one from before
    await asyncio.sleep(2 * EVERY_SECONDS)
    while not true():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(EVERY_SECONDS / 2)
    return True
