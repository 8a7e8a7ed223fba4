"""What the process manager knows of the processes it runs, published by the keeper."""

from stormglass.telemetry.names.metric import Metric

PROCESS_UP = Metric(
    "stormglass_process_up",
    "1 while the manager runs it",
    ("process",),
    cardinality=60,
    why="process: a replica of the topology, of which a process has at most six",
    unit="1",
    served_by=("keeper",),
)
PROCESS_RESTARTS = Metric(
    "stormglass_process_restarts_total",
    "Starts after the first one seen",
    ("process",),
    cardinality=60,
    unit="{start}",
    served_by=("keeper",),
)
