"""The rules against Prometheus' own evaluator: `promtool`, which comes with it."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.dashboards.pages import PAGES
from observability.rules.build import GENERATED, OBJECTIVES, alerts, rendered
from observability.rules.burn import alert_name
from observability.rules.scale import DEMO, SCALES
from observability.slo.openslo import read

ROOT = Path(__file__).parents[3]
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=str(Path(sys.executable).parent))

# Prometheus is optional on a user's machine; where it is, its checker is too
with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool comes with Prometheus, which is not here")

OBJECTIVE_NAMES = [slo.name for slo in read(OBJECTIVES)]

EVENTS: dict[str, tuple[str, str, str]] = {
    "browse-availability": (
        'traefik_router_requests_total{router="browse@file",code="200"}',
        'traefik_router_requests_total{router="browse@file",code="503"}',
        "",
    ),
    "place-order-availability": (
        'traefik_router_requests_total{router="place-order@file",code="201"}',
        'traefik_router_requests_total{router="place-order@file",code="500"}',
        "",
    ),
    "browse-latency": (
        'traefik_router_request_duration_seconds_bucket{router="browse@file",le="0.25"}',
        "",
        'traefik_router_request_duration_seconds_count{router="browse@file"}',
    ),
    "place-order-latency": (
        'traefik_router_request_duration_seconds_bucket{router="place-order@file",le="0.5"}',
        "",
        'traefik_router_request_duration_seconds_count{router="place-order@file"}',
    ),
    "confirmation-freshness": ('orders_due_total{outcome="settled"}', 'orders_due_total{outcome="overdue"}', ""),
    "mail-once": ('mailsink_messages_total{copy="first"}', 'mailsink_messages_total{copy="repeated"}', ""),
}
"""Series of good events, of bad ones, and of all, for each objective; the third where all are counted on their own."""


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False, timeout=120)


def test_the_generated_files_are_what_their_sources_say() -> None:
    for path, text in rendered():
        assert path.read_text(encoding="utf-8") == text, f"{path} is not up to date: run `stormglass rules build`"
    assert {path.stem for path in GENERATED.iterdir()} == {scale.name for scale in SCALES}


@with_promtool
def test_prometheus_accepts_the_files() -> None:
    checked = promtool("check", "rules", *(str(path) for path in sorted(GENERATED.iterdir())))
    assert checked.returncode == 0, checked.stderr


def series(name: str, good: int, bad: int) -> list[dict[str, str]]:
    """Ten minutes of events, `good` and `bad` in every 5 s."""
    first, second, whole = EVENTS[name]
    found = [(first, good), (second, bad)] if second else [(first, good), (whole, good + bad)]
    # a counter that nothing counts in does not exist
    return [{"series": text, "values": f"0+{step}x120"} for text, step in found if step]


def run(folder: Path, name: str, input_series: list[dict[str, str]], *, fires: bool) -> None:
    (slo,) = [slo for slo in read(OBJECTIVES) if slo.name == name]
    alert = alert_name(slo, "page")
    rules = str(GENERATED / f"{DEMO.name}.yml")
    (text,) = [text for path, text in rendered() if path.stem == DEMO.name]
    (rule,) = [r for g in yaml.safe_load(text)["groups"] for r in g["rules"] if r.get("alert") == alert]
    expected: list[dict[str, Any]] = []
    if fires:
        expected = [{"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}]
    wanted = {"eval_time": "5m", "alertname": alert, "exp_alerts": expected}
    case = {"interval": "5s", "input_series": input_series, "alert_rule_test": [wanted]}
    (folder / "test.yml").write_text(
        yaml.safe_dump({"rule_files": [rules], "evaluation_interval": "5s", "tests": [case]}), encoding="utf-8"
    )
    tested = promtool("test", "rules", str(folder / "test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr


@with_promtool
@pytest.mark.parametrize("name", OBJECTIVE_NAMES)
def test_nobody_is_woken_while_all_is_well(tmp_path: Path, name: str) -> None:
    run(tmp_path, name, series(name, good=100, bad=0), fires=False)


@with_promtool
@pytest.mark.parametrize("name", OBJECTIVE_NAMES)
def test_somebody_is_woken_when_nothing_works(tmp_path: Path, name: str) -> None:
    run(tmp_path, name, series(name, good=0, bad=100), fires=True)


@with_promtool
@pytest.mark.parametrize("name", OBJECTIVE_NAMES)
def test_nobody_is_woken_where_there_are_no_events(tmp_path: Path, name: str) -> None:
    run(tmp_path, name, [], fires=False)


@with_promtool
def test_a_budget_that_goes_ten_times_too_fast_wakes_somebody_and_one_that_lasts_does_not(tmp_path: Path) -> None:
    run(tmp_path, "browse-availability", series("browse-availability", good=990, bad=10), fires=True)
    run(tmp_path, "browse-availability", series("browse-availability", good=9990, bad=5), fires=False)


@pytest.mark.parametrize("alert", list(alerts()), ids=lambda alert: str(alert["alert"]))
def test_every_alert_has_a_runbook_that_names_it_and_a_page(alert: dict[str, Any]) -> None:
    notes = alert["annotations"]
    text = (ROOT / notes["runbook"]).read_text(encoding="utf-8")
    assert f"`{alert['alert']}`" in text
    for heading in ("What users see", "How to confirm", "What to do", "How to know that it is over"):
        assert f"\n## {heading}\n" in text
    assert notes["dashboard"] in {page.uid for page in PAGES}
    assert {"summary", "description"} <= notes.keys()


def test_no_runbook_is_for_an_alert_that_there_is_not() -> None:
    wanted = {alert["annotations"]["runbook"] for alert in alerts()}
    assert {f"docs/runbooks/{path.name}" for path in (ROOT / "docs" / "runbooks").glob("*.md")} == wanted
