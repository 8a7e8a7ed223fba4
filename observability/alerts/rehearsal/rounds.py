"""Which fault is the rehearsal of each alert: what a person types to see it fire, and takes back to see it clear.

Rehearsals of one round are put at the same time: none of them touches what another one's alerts are about. Every rule
carries its rehearsal as an annotation, and its runbook names it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

WATCHDOG = "Watchdog"
"""It is always on, so there is nothing to rehearse: what matters is that it is missed when it is not."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Alerts that one fault is for. `fault` is what follows `stormglass fault add`.

    `once`: it happens at one moment, so it is over as soon as it is put.
    """

    fault: str
    alerts: tuple[str, ...]
    once: bool = False

    @property
    def command(self) -> str:
        """What a person types."""
        return f"stormglass fault add {self.fault}"


def _objective(name: str) -> tuple[str, str]:
    return f"{name}BudgetBurnsFast", f"{name}BudgetBurnsSlowly"


ROUNDS: tuple[tuple[Rehearsal, ...], ...] = (
    # orders stand still; the others need none
    (
        Rehearsal("orders→postgres down", ("DatabaseAway",)),
        Rehearsal("gateway→traces down", ("TelemetryDropped",)),
        # the health check only: users notice nothing, as the alert says
        Rehearsal("internal→products-2:admin down", ("ReplicaOutOfRotation",)),
        Rehearsal("prometheus→users-1:admin down", ("MetricsMissing",)),
        Rehearsal("mail duplicate", _objective("MailOnce"), once=True),
    ),
    # everything is slow, nothing fails
    (
        Rehearsal("worker→redis down", ("OutboxGrowing", *_objective("ConfirmationFreshness"))),
        Rehearsal("gateway→internal latency latency=400ms", _objective("BrowseLatency")),
        Rehearsal("orders→postgres latency latency=40ms", _objective("PlaceOrderLatency")),
        Rehearsal("gateway→redis down", ("FallbackActive",)),
    ),
    # requests fail
    (
        Rehearsal("orders→internal down", _objective("PlaceOrderAvailability")),
        Rehearsal("products-1 bad-deploy errors=0.5", _objective("BrowseAvailability")),
        Rehearsal("worker poison-job made=14", ("DeadLetters",)),
    ),
)


def of(alert: str) -> Rehearsal | None:
    """The rehearsal of an alert; None where there is none."""
    return next((each for round_ in ROUNDS for each in round_ if alert in each.alerts), None)


def names() -> list[str]:
    """Every alert that can be rehearsed."""
    return [alert for round_ in ROUNDS for each in round_ for alert in each.alerts]


def chosen(alerts: Iterable[str]) -> Iterator[tuple[Rehearsal, ...]]:
    """The rounds that it takes for some alerts, with nothing else in them."""
    wanted = set(alerts)
    for round_ in ROUNDS:
        left = tuple(
            replace(each, alerts=tuple(alert for alert in each.alerts if alert in wanted))
            for each in round_
            if wanted & set(each.alerts)
        )
        if left:
            yield left
