"""Prometheus: what it scrapes, read by 2.42 (Debian) and 3.x alike."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from stormglass.runtime.instance import Instance

SCRAPE_SECONDS = 5
"""A failover is over within seconds: anything slower shows nothing of it."""


def config(instance: Instance) -> str:
    """The configuration; targets stand in a file of their own, which Prometheus re-reads when it changes."""
    rendered: dict[str, Any] = {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": "3s",
            "evaluation_interval": f"{SCRAPE_SECONDS}s",
        },
        "rule_files": [str(instance.config / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [_alertmanager(instance)]}]}]},
        "scrape_configs": [
            {
                "job_name": "stormglass",
                "file_sd_configs": [{"files": [str(instance.config / "targets.json")], "refresh_interval": "15s"}],
            }
        ],
    }
    if not instance.managed:
        rendered["scrape_configs"].append(_WATCHERS)
    return yaml.safe_dump(rendered, sort_keys=False)


_WATCHERS = {
    "job_name": "observability",
    # straight to them, past the fault proxy: natively they do not exist, and no edge is declared for them
    "static_configs": [
        {"targets": [f"{name}:{port}"], "labels": {"service": name, "replica": name, "instance": name}}
        for name, port in (("collector", 8888), ("tempo", 3200), ("loki", 3100), ("grafana", 3000))
    ],
    "metric_relabel_configs": [
        {
            "source_labels": ["__name__"],
            "action": "keep",
            "regex": (
                "otelcol_.*|process_.*|tempo_distributor_spans_received_total|tempo_discarded_spans_total"
                "|tempo_metrics_generator_processor_service_graphs_.*"
                "|loki_distributor_lines_received_total|loki_discarded_samples_total"
            ),
        }
    ],
}
"""What watches in containers, watched; each of them has some 2,000 series, of which few are looked at."""


def _alertmanager(instance: Instance) -> str:
    (edge,) = (e for e in instance.topology.edges_of("prometheus") if e.label == "alertmanager")
    return instance.edge_address(edge)


def rules(scale: str = "demo") -> str:
    """The rules that `observability.rules` holds ready, for a scale of windows; named as text, nothing is imported."""
    found = find_spec("observability.rules")
    if found is None or found.origin is None:
        return "groups: []\n"
    return (Path(found.origin).parent / "generated" / f"{scale}.yml").read_text(encoding="utf-8")


def targets(instance: Instance) -> str:
    """One target for each replica that is meant to run, labelled with the names people use."""
    wanted = []
    for edge in instance.topology.edges_of("prometheus"):
        process = instance.topology.owner(edge.label)
        if edge.replica <= instance.replicas_of(process):
            labels = {
                "service": process.name,
                "replica": process.replica_name(edge.replica),
                "instance": process.replica_name(edge.replica),
            }
            wanted.append({"targets": [instance.edge_address(edge)], "labels": labels})
    return json.dumps(wanted, indent=2) + "\n"
