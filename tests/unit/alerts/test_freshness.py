"""What is checked on a healthy platform is of now: what a fault has left behind is neither health nor its proof."""

import pytest

from observability.dashboards.checking import FRESH_SECONDS, LOOK_SECONDS, Finding
from observability.dashboards.live import Series
from tests.alerts.test_panels_move import above_zero


@pytest.mark.parametrize(
    ("age", "ok"), [(0.0, True), (FRESH_SECONDS, True), (FRESH_SECONDS + 1, False), (LOOK_SECONDS, False)]
)
def test_an_answer_of_some_minutes_ago_is_none_unless_something_excuses_it(age: float, *, ok: bool) -> None:
    assert Finding("page", "panel", "query", 3, age, "").ok is ok
    assert Finding("page", "panel", "query", 3, age, "redis slow").ok
    assert Finding("page", "panel", "query", 3, age, "", needs="redis-exporter").ok


def test_what_moves_a_panel_after_a_fault_has_ended_is_not_the_fault() -> None:
    line = Series({}, ((100.0, 0.0), (105.0, 0.0), (200.0, 3.0)))
    assert above_zero([line], until=200)
    assert not above_zero([line], until=199)
