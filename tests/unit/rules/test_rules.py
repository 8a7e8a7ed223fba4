"""The rules against Prometheus' own evaluator: `promtool`, which comes with it."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.dashboards.pages import PAGES
from observability.rules.build import GENERATED, OBJECTIVES, alerts, rendered
from observability.rules.burn import alert_name
from observability.rules.scale import DEMO, PRODUCTION, SCALES, Scale
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


Steps = list[tuple[int, int, int]]
"""How many steps, and how many good and bad events there are in each of them."""

HEALTHY: Steps = [(60, 100, 0)]
BROKEN: Steps = [(60, 0, 100)]
SILENT: Steps = [(60, 0, 0)]

SEVERITIES = ("page", "ticket")


def step(scale: Scale, *severities: str) -> int:
    """Seconds: at least a third of the shortest window of what is tested; each further one costs time."""
    return min(burn.short for burn in scale.burns if burn.severity in severities) // 3


def series(name: str, steps: Steps) -> list[dict[str, str]]:
    """Counters of an objective's events, from 0."""
    first, second, whole = EVENTS[name]
    each = [(good, bad) for count, good, bad in steps for _ in range(count)]
    good, bad = (list(accumulate(counts, initial=0)) for counts in zip(*each, strict=True))
    both = [sum(counts) for counts in zip(good, bad, strict=True)]
    found = [(first, good), (second, bad)] if second else [(first, good), (whole, both)]
    # a counter that nothing counts in does not exist
    return [{"series": text, "values": " ".join(map(str, counted))} for text, counted in found if counted[-1]]


class Evaluation:
    """One objective's rules, evaluated by `promtool`; all cases in one process, and no other rules, to be quick."""

    def __init__(self, folder: Path, scale: Scale, name: str, seconds: int) -> None:
        self._folder, self._name, self._seconds = folder, name, seconds
        generated = yaml.safe_load((GENERATED / f"{scale.name}.yml").read_text(encoding="utf-8"))
        (self._group,) = (group for group in generated["groups"] if group["name"] == f"slo-{name}")
        self._tests: list[dict[str, Any]] = []

    def expect(self, steps: Steps, *wanted: tuple[str, bool], after: Sequence[int] = ()) -> None:
        """Severities, and whether each is told: one after each number of steps, or all at the end."""
        (slo,) = (slo for slo in read(OBJECTIVES) if slo.name == self._name)
        moments = after or [sum(count for count, _, _ in steps)] * len(wanted)
        tests = []
        for (severity, told), at in zip(wanted, moments, strict=True):
            name = alert_name(slo, severity)
            (rule,) = (rule for rule in self._group["rules"] if rule.get("alert") == name)
            alert = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
            tests.append(
                {"eval_time": f"{at * self._seconds}s", "alertname": name, "exp_alerts": [alert] if told else []}
            )
        self._tests.append(
            {"interval": f"{self._seconds}s", "input_series": series(self._name, steps), "alert_rule_test": tests}
        )

    def run(self) -> None:
        """Evaluate; fails with what `promtool` says."""
        (self._folder / "rules.yml").write_text(yaml.safe_dump({"groups": [self._group]}), encoding="utf-8")
        text = {"rule_files": ["rules.yml"], "evaluation_interval": f"{self._seconds}s", "tests": self._tests}
        (self._folder / "test.yml").write_text(yaml.safe_dump(text), encoding="utf-8")
        tested = promtool("test", "rules", str(self._folder / "test.yml"))
        assert tested.returncode == 0, tested.stdout + tested.stderr


with_scales = pytest.mark.parametrize("scale", SCALES, ids=lambda scale: str(scale.name))


@with_promtool
@with_scales
@pytest.mark.parametrize("name", OBJECTIVE_NAMES)
def test_both_are_told_when_nothing_works_and_nobody_while_all_is_well_or_nothing_happens(
    tmp_path: Path, name: str, scale: Scale
) -> None:
    evaluation = Evaluation(tmp_path, scale, name, step(scale, *SEVERITIES))
    evaluation.expect(HEALTHY, ("page", False), ("ticket", False))
    evaluation.expect(BROKEN, ("page", True), ("ticket", True))
    evaluation.expect(SILENT, ("page", False), ("ticket", False))
    evaluation.run()


@with_promtool
@with_scales
def test_how_fast_the_budget_goes_decides_who_is_told(tmp_path: Path, scale: Scale) -> None:
    evaluation = Evaluation(tmp_path, scale, "browse-availability", step(scale, *SEVERITIES))
    evaluation.expect([(60, 990, 10)], ("page", True), ("ticket", True))
    evaluation.expect([(60, 998, 2)], ("page", False), ("ticket", True))
    evaluation.expect([(60, 9990, 5)], ("page", False), ("ticket", False))
    evaluation.run()


@with_promtool
@pytest.mark.parametrize(
    ("scale", "severity", "patience", "lasts", "memory"),
    [
        # 30 % of 144 s
        (DEMO, "page", 43, 60, 15),
        # 15 % of 288 s, and 5 % of 864 s
        (DEMO, "ticket", 43, 60, 72),
        # 72 % of an hour; and 30 % of six, by which it ends
        (PRODUCTION, "page", 43 * 60, 130 * 60, 30 * 60),
        # 15 % of a day, and 5 % of three
        (PRODUCTION, "ticket", 216 * 60, 260 * 60, 6 * 3600),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_complete_failure_is_told_of_when_it_lasts_and_not_for_long_after_it(
    tmp_path: Path, scale: Scale, severity: str, patience: int, lasts: int, memory: int
) -> None:
    """Of an objective of 95 %: told after `patience` seconds, and at most for `memory` seconds after its end."""
    seconds = step(scale, severity)
    # healthy for the whole of the longest window: no alert may stand on less than it says
    begin = max(burn.long for burn in scale.burns if burn.severity == severity) // seconds
    end = begin + ceil(lasts / seconds)
    too_soon, told = begin + int(0.85 * patience / seconds), begin + ceil(1.15 * patience / seconds)
    still, over = end + memory // 2 // seconds, end + memory // seconds + 1
    evaluation = Evaluation(tmp_path, scale, "browse-latency", seconds)
    evaluation.expect(
        [(begin, 100, 0), (end - begin, 0, 100), (over - end, 100, 0)],
        *((severity, is_on) for is_on in (False, True, True, False)),
        after=(too_soon, told, still, over),
    )
    evaluation.run()


def test_causes_are_the_same_in_every_scale() -> None:
    def causes(text: str) -> Any:
        (found,) = (group for group in yaml.safe_load(text)["groups"] if group["name"] == "causes")
        return found

    first, *others = (causes(text) for _, text in rendered())
    assert others
    assert all(each == first for each in others)


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
