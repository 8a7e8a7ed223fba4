"""Every query of every panel, on a healthy platform under load: a panel that shows nothing answers nothing."""

import json
from dataclasses import replace

import pytest

from observability.dashboards.checking import check
from observability.dashboards.live import Prometheus
from observability.dashboards.pages import PAGES
from observability.dashboards.tempo import TraceSearch
from stormglass.testing import Platform


@pytest.mark.usefixtures("load")
def test_no_panel_is_empty_but_those_that_a_fault_moves(platform: Platform) -> None:
    found = json.loads(platform.run("dashboards", "check", "--json", check=False))
    wrong = [f"{each['page']}, {each['panel']}: {each['error'] or each['query']}" for each in found if not each["ok"]]
    assert wrong == []
    asked = {(each["page"], each["panel"]) for each in found}
    assert asked == {(page.uid, panel.title) for page in PAGES for panel in page.panels()}
    assert platform.run("dashboards", "check")


@pytest.mark.parametrize("expression", ["rate(no_such_metric_total[30s])", "rate(("])
def test_a_query_that_brings_nothing_fails_the_check(
    platform: Platform, prometheus: Prometheus, expression: str
) -> None:
    page = PAGES[0]
    (row, *rows) = page.rows
    (panel, *panels) = row.panels
    broken = replace(panel, queries=(replace(panel.queries[0], expr=expression),), moves_under="", needs="")
    copy = replace(page, rows=(replace(row, panels=(broken, *panels)), *rows))
    with TraceSearch(f"http://{platform.address('traces')}") as traces:
        findings = list(check((copy,), prometheus, traces, set()))
    assert [each.panel for each in findings if each.query == expression and not each.ok] == [panel.title]
