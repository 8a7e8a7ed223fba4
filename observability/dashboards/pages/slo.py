"""What is promised, and how much of the allowance for breaking it is left."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit

_NOW = Row(
    "",
    (
        Panel(
            "What is left of each error budget",
            "Share of the whole period's budget; below 0 it is overdrawn and changes should wait.",
            Unit.SHARE,
            (Query("slo:error_budget_remaining:ratio", "{{slo}}"),),
            Shape.TABLE,
            width=12,
            threshold=Threshold(0, below=True),
        ),
        Panel(
            "What is promised",
            "The share of events that is meant to be good.",
            Unit.SHARE,
            (Query("slo:objective:ratio", "{{slo}}"),),
            Shape.TABLE,
            width=12,
        ),
    ),
)

_BURN = Row(
    "How fast it goes",
    (
        Panel(
            "Burn rate",
            "Times too fast: at 1 the budget lasts exactly its period, at 14.4 somebody is woken.",
            Unit.COUNT,
            (Query("slo:current_burn_rate:ratio", "{{slo}}"),),
            width=12,
            threshold=Threshold(14.4),
        ),
        Panel(
            "Share of bad events",
            "Over the shortest window of the alerts.",
            Unit.SHARE,
            (Query('min by (slo) (slo:error:ratio{window=~"15s|5m"})', "{{slo}}"),),
            width=12,
        ),
        Panel(
            "Events counted",
            "Events a second that the objectives are about.",
            Unit.PER_SECOND,
            (Query("slo:events:rate", "{{slo}}"),),
            width=12,
        ),
        Panel(
            "Which alerts are on?",
            "Alerts that fire now, by name.",
            Unit.COUNT,
            (Query('sum by (alertname, severity) (ALERTS{alertstate="firing"})', "{{severity}} {{alertname}}"),),
            Shape.STATES,
            width=12,
            moves_under="orders→postgres down",
        ),
    ),
)

PAGE = Dashboard(
    "slo",
    "SLO & error budget",
    "What is promised to customers, whether it is kept, and how long the allowance lasts.",
    (_NOW, _BURN),
)
