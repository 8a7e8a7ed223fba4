"""From objectives to Prometheus rules: error ratios over every window, what is left of the budget, burn-rate alerts.

Series, one per objective (label `slo`), the same in every scale so that a dashboard needs to know none:

    slo:objective:ratio                  the share of events that is meant to be good
    slo:events:rate                      events per second, over the shortest window
    slo:current_burn_rate:ratio          how many times too fast the budget goes, over the quickest alert's long window
    slo:error_budget_remaining:ratio     what is left of the budget of the whole period; below 0 it is overdrawn

and `slo:error:ratio{slo, window}`, the share of bad events over each window, which the alerts compare.
"""

from itertools import groupby
from typing import Any

from observability.rules.scale import DAY, Burn, Scale, duration
from observability.slo.openslo import SLO, WINDOW

Rule = dict[str, Any]


def groups(slos: list[SLO], scale: Scale) -> list[dict[str, Any]]:
    """One rule group per objective: records first, since the alerts of the group read them."""
    return [{"name": f"slo-{slo.name}", "rules": [*records(slo, scale), *alerts(slo, scale)]} for slo in slos]


def records(slo: SLO, scale: Scale) -> list[Rule]:
    """The series of one objective."""
    labels = {"slo": slo.name, "service": slo.service}
    period = duration(scale.seconds(slo.days * DAY))
    quickest = scale.burns[0]

    def record(name: str, expression: str, **more: str) -> Rule:
        return {"record": name, "expr": expression, "labels": {**labels, **more}}

    return [
        record("slo:objective:ratio", f"vector({slo.target:g})"),
        record("slo:events:rate", slo.total.replace(WINDOW, duration(quickest.short))),
        *(
            record("slo:error:ratio", slo.error.replace(WINDOW, duration(window)), window=duration(window))
            for window in scale.windows
        ),
        record("slo:current_burn_rate:ratio", f"{_error(slo, quickest.long)} / {slo.budget:.6g}"),
        record("slo:error_budget_remaining:ratio", f"1 - ({slo.error.replace(WINDOW, period)}) / {slo.budget:.6g}"),
    ]


def alerts(slo: SLO, scale: Scale) -> list[Rule]:
    """At most two alerts: one that wakes somebody, one that waits until the morning."""
    return [
        _alert(slo, severity, list(burns)) for severity, burns in groupby(scale.burns, key=lambda burn: burn.severity)
    ]


def alert_name(slo: SLO, severity: str) -> str:
    """`BrowseAvailabilityBudgetBurnsFast` for a page, `…BurnsSlowly` for a ticket."""
    return slo.name.title().replace("-", "") + ("BudgetBurnsFast" if severity == "page" else "BudgetBurnsSlowly")


def _alert(slo: SLO, severity: str, burns: list[Burn]) -> Rule:
    paces = " or ".join(f"{burn.factor:g} times over {duration(burn.long)}" for burn in burns)
    return {
        "alert": alert_name(slo, severity),
        # over either pair of windows it is one alert
        "expr": f"max without (window) ({' or '.join(_too_fast(slo, burn) for burn in burns)})",
        "labels": {"severity": severity, "slo": slo.name, "service": slo.service},
        "annotations": {
            "summary": f"{slo.title}: less than promised, and the error budget goes too fast",
            "description": f"{slo.description} {slo.target:.4%} should be so; more than {paces} too many are not.",
            "runbook": f"docs/runbooks/{slo.name}.md",
            "dashboard": "slo",
        },
    }


def _too_fast(slo: SLO, burn: Burn) -> str:
    limit = _limit(slo, burn)
    return f"({_error(slo, burn.long)} > {limit} and ignoring(window) {_error(slo, burn.short)} > {limit})"


def _error(slo: SLO, window: int) -> str:
    return f'slo:error:ratio{{slo="{slo.name}",window="{duration(window)}"}}'


def _limit(slo: SLO, burn: Burn) -> str:
    # more than everything cannot be bad: a factor that asks for it could never fire
    return f"{min(burn.factor * slo.budget, 0.9):.6g}"
