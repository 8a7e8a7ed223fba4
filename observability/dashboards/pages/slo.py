"""What is promised, and how much of the allowance for breaking it is left."""

from observability.dashboards import marks
from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit

_NOW = Row(
    "",
    (
        Panel(
            "What is promised, and what is left of the allowance?",
            "The share of events that is meant to be good, what is left of the budget of the whole period (below 0 it"
            " is overdrawn and changes should wait), how many times too fast it goes, and how many events there are.",
            Unit.SHARE,
            (
                Query("max by (slo) (slo:objective:ratio)", "promised", unit=Unit.SHARE),
                Query("max by (slo) (slo:error_budget_remaining:ratio)", "budget left", unit=Unit.SHARE),
                Query("max by (slo) (slo:current_burn_rate:ratio)", "burn rate", unit=Unit.COUNT),
                Query("max by (slo) (slo:events:rate)", "events", unit=Unit.PER_SECOND),
            ),
            Shape.TABLE,
            width=24,
            height=7,
            keys=("slo",),
        ),
    ),
)

# a rule's share of nothing is NaN, which Grafana would draw as an empty picture: `>= 0` leaves it out
_BURN = Row(
    "How fast it goes",
    (
        Panel(
            "Burn rate",
            "Times too fast: at 1 the budget lasts exactly its period, at 14.4 somebody is woken.",
            Unit.COUNT,
            (Query("slo:current_burn_rate:ratio >= 0", "{{slo}}"),),
            width=12,
            threshold=Threshold(14.4),
            leads_to="journey",
        ),
        Panel(
            "Share of bad events",
            "Over the shortest window of the alerts.",
            Unit.SHARE,
            (Query('min by (slo) (slo:error:ratio{window=~"15s|5m"} >= 0)', "{{slo}}"),),
            width=12,
            leads_to="journey",
        ),
        Panel(
            "What is left over time",
            "Of each budget of the whole period.",
            Unit.SHARE,
            (Query("slo:error_budget_remaining:ratio", "{{slo}}"),),
            width=12,
            threshold=Threshold(0, below=True),
        ),
        Panel(
            "Which alerts are on?",
            "Alerts that fire now, by how urgent they are and by name.",
            Unit.COUNT,
            (Query(marks.alerts_with_pages(), "{{severity}} {{alertname}}"),),
            Shape.STATES,
            width=12,
            moves_under="orders→postgres down",
            # here and not at the share of bad events, which is to be seen on a healthy platform as well
            traces="{ kind = server && span.http.response.status_code >= 500 }",
            threshold=Threshold(1),
            words=((1, "on"),),
            empty="no alert was on in this time",
        ),
    ),
)

PAGE = Dashboard(
    "slo",
    "SLO & error budget",
    "What is promised to customers, whether it is kept, and how long the allowance lasts.",
    (_NOW, _BURN),
)
