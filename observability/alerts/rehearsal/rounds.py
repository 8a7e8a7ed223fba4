"""Which fault is the rehearsal of each alert: what a person types to see it fire, and takes back to see it clear.

Rehearsals of one round are put at the same time: none of them fires what another one is to fire, or an alert with other
labels (`confounded`). Every rule carries its rehearsal as an annotation, and its runbook names it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

WATCHDOG = "Watchdog"
"""It is always on, so there is nothing to rehearse: what matters is that it is missed when it is not."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Alerts that one fault is for. `fault` is what follows `stormglass fault add`.

    `labels` are those that its alerts have to carry: with others they are on for another reason. `also` are alerts that
    it may fire besides, where no label tells whose they are. `once`: it happens at one moment, so it is over as soon as
    it is put.
    """

    fault: str
    alerts: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
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
        Rehearsal(
            "orders→postgres down",
            ("DatabaseAway",),
            labels={"service": "orders"},
            # the replicas are taken out of rotation too, and what waits to be confirmed waits
            also=(
                *_objective("PlaceOrderAvailability"),
                *_objective("PlaceOrderLatency"),
                *_objective("ConfirmationFreshness"),
            ),
        ),
        Rehearsal("gateway→traces down", ("TelemetryDropped",), labels={"service": "gateway"}),
        # the health check only: users notice nothing, as the alert says
        Rehearsal(
            "internal→products-2:admin down", ("ReplicaOutOfRotation",), labels={"exported_service": "products-2@file"}
        ),
        Rehearsal("prometheus→users-1:admin down", ("MetricsMissing",), labels={"replica": "users-1"}),
        Rehearsal("mail duplicate", _objective("MailOnce"), once=True),
    ),
    # orders are slow and settle late, browsing fails
    (
        Rehearsal("worker→redis down", ("OutboxGrowing", *_objective("ConfirmationFreshness"))),
        Rehearsal("orders→postgres latency latency=40ms", _objective("PlaceOrderLatency")),
        # orders reserve with the same replica
        Rehearsal(
            "products-1 bad-deploy errors=0.5",
            _objective("BrowseAvailability"),
            also=_objective("PlaceOrderAvailability"),
        ),
        # orders ask Redis as well and have fallbacks of their own: only a gateway limits
        Rehearsal(
            "gateway→redis down", ("FallbackActive",), labels={"dependency": "redis", "fallback": "local_limiter"}
        ),
    ),
    # browsing is slow, orders fail
    (
        Rehearsal("orders→internal down", _objective("PlaceOrderAvailability")),
        # an order passes the same edge, and then takes its own time
        Rehearsal(
            "gateway→internal latency latency=400ms",
            _objective("BrowseLatency"),
            also=_objective("PlaceOrderLatency"),
        ),
        Rehearsal("worker poison-job made=14", ("DeadLetters",), labels={"task": "order_placed"}),
    ),
)


def confounded(one: Rehearsal, other: Rehearsal) -> set[str]:
    """The alerts of either that the other might fire: side by side, they would prove nothing of one of the faults."""
    return {*one.alerts} & {*other.alerts, *other.also} | {*other.alerts} & {*one.also}


def labels() -> dict[str, Mapping[str, str]]:
    """By alert: the labels that it has to carry in its rehearsal."""
    return {alert: each.labels for round_ in ROUNDS for each in round_ for alert in each.alerts}


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
