"""What is checked on a healthy platform is of now: what a fault has left behind is neither health nor its proof."""

import pytest

from observability.dashboards.checking import FRESH_SECONDS, LOOK_SECONDS, Finding


@pytest.mark.parametrize(
    ("age", "ok"), [(0.0, True), (FRESH_SECONDS, True), (FRESH_SECONDS + 1, False), (LOOK_SECONDS, False)]
)
def test_an_answer_of_some_minutes_ago_is_none_unless_something_excuses_it(age: float, *, ok: bool) -> None:
    assert Finding("page", "panel", "query", 3, age, "").ok is ok
    assert Finding("page", "panel", "query", 3, age, "redis slow").ok
    assert Finding("page", "panel", "query", 3, age, "", needs="redis-exporter").ok
