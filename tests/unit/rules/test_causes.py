"""Causes against Prometheus' own evaluator: told of when they last, and not while the platform starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.rules.build import GENERATED, alerts
from observability.rules.scale import DEMO
from tests.unit.rules.test_rules import promtool, with_promtool

Series = dict[str, str]

STARTED = {'process_start_time_seconds{service="edge"}': "0x200"}
"""The edge began at the beginning of the test's time."""

AWAY = {'traefik_service_server_up{exported_service="orders-1@file"}': "0x200", **STARTED}
SILENT = {'up{replica="users-1"}': "0x200", **STARTED}
BACK_SOON = {'traefik_service_server_up{exported_service="orders-1@file"}': "1x59 0 0 1x100", **STARTED}
LETTER = {'dead_letters_waiting{task="order_placed"}': "0x10 1x100"}
REPLAYED = {'dead_letters_waiting{task="order_placed"}': "0x10 1x10 0x100"}
SPANS = 'telemetry_spans_dropped_total{service="orders",reason="queue_full"}'
LINES = 'telemetry_log_records_dropped_total{service="orders",reason="queue_full"}'
STORE = 'trace_store_spans_dropped_total{service="traces",reason="queue_full"}'
COLLECTED = [
    f'otelcol_exporter_{what}_failed_{signal}{{service="collector",exporter="e"}}'
    for what in ("send", "enqueue")
    for signal in ("spans", "log_records")
]
DROPPED = (SPANS, LINES, STORE, *COLLECTED)
NOTHING_DROPPED = dict.fromkeys(DROPPED, "7x200")
"""A process serves all of its counters, with the same labels."""


def dropped(series: str) -> Series:
    return {**NOTHING_DROPPED, series: "0+5x200"}


@with_promtool
@pytest.mark.parametrize(
    ("alert", "series", "at", "fires"),
    [
        ("ReplicaOutOfRotation", AWAY, "55s", False),
        ("ReplicaOutOfRotation", AWAY, "90s", True),
        ("ReplicaOutOfRotation", BACK_SOON, "310s", False),
        ("MetricsMissing", SILENT, "55s", False),
        ("MetricsMissing", SILENT, "90s", True),
        ("DeadLetters", LETTER, "40s", False),
        ("DeadLetters", LETTER, "5m", True),
        ("DeadLetters", REPLAYED, "5m", False),
        *(("TelemetryDropped", dropped(series), "2m", True) for series in DROPPED),
        ("TelemetryDropped", NOTHING_DROPPED, "2m", False),
        ("Watchdog", {}, "5s", True),
    ],
)
def test_a_cause(tmp_path: Path, alert: str, series: Series, at: str, *, fires: bool) -> None:
    (rule,) = (each for each in alerts() if each["alert"] == alert)
    # what an alert says is text about its series: only whether it fires is asked here
    expression = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    case: dict[str, Any] = {
        "interval": "5s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": at, "exp_samples": [{"value": int(fires)}]}],
    }
    text = {"rule_files": [str(GENERATED / f"{DEMO.name}.yml")], "evaluation_interval": "5s", "tests": [case]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(text), encoding="utf-8")
    tested = promtool("test", "rules", str(tmp_path / "test.yml"))
    assert tested.returncode == 0, f"{rule['expr']}\n{tested.stdout}{tested.stderr}"
