"""What is marked on every page: what was being broken from when to when, and which alerts were on.

An alert leads to the page that its objective or its layer is shown on; a test holds every alert's own annotation to it.
"""

from typing import Any

from observability.dashboards import colours
from observability.dashboards.links import PROMETHEUS
from observability.dashboards.live import STEP_SECONDS

FAULTS = "sum by (type, target) (faults_active) > 0"
"""When something was being broken; neighbouring points make one region."""

ALERTS = 'max by (alertname, severity, slo, layer) (ALERTS{alertstate="firing",severity!="none"})'
"""Without the one that always fires, which shows that alerts arrive at all."""

PAGES_OF_LAYERS = {
    "edge": "service",
    "dependency": "cache-and-database",
    "database": "cache-and-database",
    "queue": "queue-and-worker",
    "telemetry": "telemetry",
}
"""Which page shows what an alert of a layer is about."""

PAGE_OF_OBJECTIVES = "slo"


def alerts_with_pages() -> str:
    """PromQL for the alerts that are on, with the uid of the page of each as the label `page`."""
    expression = ALERTS
    by_page: dict[str, list[str]] = {}
    for layer, uid in PAGES_OF_LAYERS.items():
        by_page.setdefault(uid, []).append(layer)
    for uid, layers in by_page.items():
        expression = f'label_replace({expression}, "page", "{uid}", "layer", "{"|".join(layers)}")'
    return f'label_replace({expression}, "page", "{PAGE_OF_OBJECTIVES}", "slo", ".+")'


def annotations() -> list[dict[str, Any]]:
    """Grafana's annotation queries.

    Without a step Grafana asks once a minute, and a fault of half a minute would be nowhere.
    """
    source = {"type": PROMETHEUS, "uid": PROMETHEUS}
    each: dict[str, Any] = {"datasource": source, "enable": True, "hide": False, "step": f"{STEP_SECONDS}s"}
    return [
        each
        | {
            "name": "Faults",
            "expr": FAULTS,
            "iconColor": colours.FAULT,
            "titleFormat": "{{type}} {{target}}",
            "textFormat": 'Broken on purpose. <a href="/d/faults">What came of it</a>',
            "tagKeys": "type,target",
        },
        each
        | {
            "name": "Alerts",
            "expr": alerts_with_pages(),
            "iconColor": colours.BAD,
            "titleFormat": "{{alertname}}",
            "textFormat": '<a href="/d/{{page}}">What it is about</a>',
            "tagKeys": "severity,slo,layer",
        },
    ]
