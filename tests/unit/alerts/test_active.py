"""What `stormglass alerts` makes of what Prometheus and Alertmanager tell."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from observability.alerts import active
from stormglass.cli.main import build
from stormglass.runtime import instance

FIRING = {
    "labels": {"alertname": "DatabaseAway", "severity": "page", "layer": "database", "service": "orders"},
    "annotations": {"summary": "no database", "runbook": "docs/runbooks/database-away.md", "dashboard": "a-page"},
    "state": "firing",
    "activeAt": "2026-01-02T03:04:05.6Z",
}
SYMPTOM = {
    "labels": {"alertname": "FallbackActive", "severity": "ticket"},
    "annotations": {},
    "state": "firing",
    "activeAt": "2026-01-02T03:04:06Z",
}
WATCHDOG = {**SYMPTOM, "labels": {"alertname": "Watchdog", "severity": "none"}}


@pytest.fixture(autouse=True)
def _servers(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(url: str) -> Any:
        if url.endswith("/api/v2/alerts"):
            return [{"labels": SYMPTOM["labels"], "status": {"state": "suppressed"}}]
        return {"data": {"alerts": [SYMPTOM, FIRING, WATCHDOG]}}

    monkeypatch.setattr(active, "_ask", ask)
    monkeypatch.setattr(instance, "address", lambda _name, label: label)


def test_an_alert_carries_its_runbook_and_its_page() -> None:
    found = active.active("http://prometheus", "http://alertmanager")
    assert [(alert.name, alert.state) for alert in found[:1]] == [("DatabaseAway", "firing")]
    assert (found[0].runbook, found[0].dashboard) == ("docs/runbooks/database-away.md", "a-page")
    assert {alert.name: alert.state for alert in found}["FallbackActive"] == "silenced"
    assert {alert.name: alert.dashboard for alert in found}["FallbackActive"] == ""


def test_people_and_programs_are_told_the_page() -> None:
    run = CliRunner().invoke
    told = run(build(), ["--runtime", "native", "alerts"])
    assert told.exit_code == 0, told.output
    (line,) = (line for line in told.output.splitlines() if "DatabaseAway" in line)
    assert line.split()[-2:] == ["docs/runbooks/database-away.md", "a-page"]
    found = json.loads(run(build(), ["--runtime", "native", "alerts", "--json"]).output)
    assert [alert["dashboard"] for alert in found] == ["a-page", ""]
