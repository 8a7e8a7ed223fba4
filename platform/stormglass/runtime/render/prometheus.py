"""Prometheus: what it scrapes, read by 2.42 (Debian) and 3.x alike."""

import json

import yaml

from stormglass.runtime.instance import Instance

SCRAPE_SECONDS = 5
"""A failover is over within seconds: anything slower shows nothing of it."""


def config(instance: Instance) -> str:
    """The configuration; targets stand in a file of their own, which Prometheus re-reads when it changes."""
    rendered = {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": "3s",
            "evaluation_interval": f"{SCRAPE_SECONDS}s",
        },
        "scrape_configs": [
            {
                "job_name": "stormglass",
                "file_sd_configs": [{"files": [str(instance.config / "targets.json")], "refresh_interval": "15s"}],
            }
        ],
    }
    return yaml.safe_dump(rendered, sort_keys=False)


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
