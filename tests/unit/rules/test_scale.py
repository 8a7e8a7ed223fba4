import pytest

from observability.rules.build import OBJECTIVES
from observability.rules.scale import DAY, DEMO, HOUR, PERIOD_DAYS, PRODUCTION, SHORTEST_SECONDS, Burn, duration
from observability.slo.openslo import SLO, read
from stormglass.runtime.programs import METRICS_RETENTION


def test_the_production_windows_are_the_workbook_s() -> None:
    told = [(burn.severity, burn.factor, duration(burn.long), duration(burn.short)) for burn in PRODUCTION.burns]
    assert told == [
        ("page", 14.4, "1h", "5m"),
        ("page", 6, "6h", "30m"),
        ("ticket", 3, "1d", "2h"),
        ("ticket", 1, "3d", "6h"),
    ]


def test_every_window_of_the_demo_stands_for_the_same_share_of_the_budget() -> None:
    assert [(duration(burn.long), duration(burn.short)) for burn in DEMO.burns] == [
        ("1m", "15s"),
        ("144s", "15s"),
        ("288s", "24s"),
        ("864s", "72s"),
    ]
    period = DEMO.seconds(PERIOD_DAYS * DAY)
    assert {round(burn.factor * burn.long / period, 4) for burn in DEMO.burns} == {0.02}
    assert min(DEMO.windows) >= SHORTEST_SECONDS


@pytest.mark.parametrize("slo", read(OBJECTIVES), ids=lambda slo: str(slo.name))
@pytest.mark.parametrize("burn", DEMO.burns, ids=lambda burn: f"{burn.factor:g}")
def test_in_the_demo_a_complete_failure_is_told_of_within_a_minute_and_gone_in_two(slo: SLO, burn: Burn) -> None:
    assert burn.factor * slo.budget * burn.long <= 60
    assert burn.short <= 120


@pytest.mark.parametrize("slo", read(OBJECTIVES), ids=lambda slo: str(slo.name))
def test_prometheus_keeps_all_of_the_period_over_which_a_budget_is_counted(slo: SLO) -> None:
    kept, _ = METRICS_RETENTION
    assert int(kept.removesuffix("h")) * HOUR > DEMO.seconds(slo.days * DAY)
