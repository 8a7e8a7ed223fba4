"""Faults, as their keeper knows them."""

from stormglass.telemetry.names.metric import Metric

FAULTS_ACTIVE = Metric(
    "faults_active",
    "Faults that are in place or not certainly undone",
    ("type", "target"),
    cardinality=40,
    why="type: one of the kinds that `stormglass fault types` lists; target: an edge or a part of the topology; a "
    "series lives only while its fault does, for dashboards draw its begin and its end",
    unit="{fault}",
    served_by=("faults",),
)
FAULTS = Metric(
    "faults_total",
    "Faults by what became of them",
    ("type", "outcome"),
    cardinality=120,
    why="failed: could not be put; ended: certainly undone",
    unit="{fault}",
    served_by=("faults",),
    values={"outcome": ("put", "failed", "ended")},
)
FAULT_UNDO_FAILURES = Metric(
    "fault_undo_failures_total",
    "Attempts to undo a fault that failed and are repeated",
    ("type",),
    cardinality=40,
    unit="{attempt}",
    served_by=("faults",),
)
