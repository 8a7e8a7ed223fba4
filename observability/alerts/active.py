"""The alerts that are on, asked of Alertmanager, or of Prometheus where there is none."""

from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_SECONDS = 10.0


class AlertsUnknown(RuntimeError):
    """Neither server answers; the text says which ones were asked."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `state` is firing, pending (not long enough yet) or silenced (another one explains it).

    `runbook` is a path in the repository, `dashboard` the name of a page.
    """

    name: str
    severity: str
    state: str
    since: str
    summary: str
    runbook: str
    dashboard: str
    labels: dict[str, str]


def active(prometheus: str, alertmanager: str | None) -> list[Alert]:
    """Every alert, the urgent ones first. Both are URLs. Severity `none` (the watchdog) asks for nothing.

    Raises:
        AlertsUnknown: Prometheus does not answer.
    """
    try:
        rules = _ask(f"{prometheus}/api/v1/alerts")["data"]["alerts"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise AlertsUnknown(f"Prometheus at {prometheus} does not answer: {error}; is the platform up?") from error
    silenced = _silenced(alertmanager) if alertmanager else set()
    found = [_alert(each, silenced) for each in rules]
    return sorted(found, key=lambda alert: (alert.state, alert.severity != "page", alert.name))


def _ask(url: str) -> Any:
    return httpx.get(url, timeout=TIMEOUT_SECONDS).raise_for_status().json()


def _silenced(alertmanager: str) -> set[frozenset[tuple[str, str]]]:
    """The label sets of what Alertmanager keeps quiet; nothing where it does not answer."""
    try:
        known = _ask(f"{alertmanager}/api/v2/alerts")
    except (httpx.HTTPError, ValueError):
        return set()
    return {frozenset(each["labels"].items()) for each in known if each["status"]["state"] == "suppressed"}


def _alert(told: dict[str, Any], silenced: set[frozenset[tuple[str, str]]]) -> Alert:
    labels, notes = told["labels"], told["annotations"]
    state = "silenced" if frozenset(labels.items()) in silenced else told["state"]
    return Alert(
        name=labels["alertname"],
        severity=labels.get("severity", ""),
        state=state,
        since=told["activeAt"],
        summary=notes.get("summary", ""),
        runbook=notes.get("runbook", ""),
        dashboard=notes.get("dashboard", ""),
        labels=labels,
    )
