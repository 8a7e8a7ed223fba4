"""Every process: its event loop, its memory, its interpreter."""

from stormglass.telemetry.names.metric import Metric
from stormglass.telemetry.names.servers import PROCESSES, PYTHON

_ALL = (*PYTHON, "faultproxy")
_PROCESS = "prometheus_client's ProcessCollector; where there is no /proc, psutil"
_GC = "prometheus_client's GCCollector"

EVENT_LOOP_LAG = Metric(
    "process_event_loop_lag_seconds",
    "How late the event loop was for something that it was meant to do four times a second",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
    why="an idle loop is under 1 ms late; from 100 ms on customers notice",
    unit="s",
    served_by=PROCESSES,
)
GC_PAUSE = Metric(
    "process_gc_pause_seconds",
    "Time for which a garbage collection stopped the interpreter",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5),
    why="a young generation takes some 10 µs, everything a process of ours has 10–50 ms; few, for every process has it",
    unit="s",
    served_by=PYTHON,
    collector="gc.callbacks",
)
RESIDENT_MEMORY = Metric(
    "process_resident_memory_bytes",
    "Resident memory size in bytes.",
    unit="By",
    served_by=_ALL,
    collector=_PROCESS,
)
VIRTUAL_MEMORY = Metric(
    "process_virtual_memory_bytes", "Virtual memory size in bytes.", unit="By", served_by=_ALL, collector=_PROCESS
)
PROCESS_STARTED = Metric(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
    unit="s",
    served_by=_ALL,
    collector=_PROCESS,
)
PROCESS_CPU = Metric(
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
    unit="s",
    served_by=_ALL,
    collector=_PROCESS,
)
OPEN_DESCRIPTORS = Metric(
    "process_open_fds", "Number of open file descriptors.", unit="{file}", served_by=_ALL, collector=_PROCESS
)
MOST_DESCRIPTORS = Metric(
    "process_max_fds", "Maximum number of open file descriptors.", unit="{file}", served_by=_ALL, collector=_PROCESS
)
GC_COLLECTIONS = Metric(
    "python_gc_collections_total",
    "Number of times this generation was collected",
    ("generation",),
    cardinality=3,
    unit="{collection}",
    served_by=_ALL,
    values={"generation": ("0", "1", "2")},
    collector=_GC,
)
GC_COLLECTED = Metric(
    "python_gc_objects_collected_total",
    "Objects collected during gc",
    ("generation",),
    cardinality=3,
    unit="{object}",
    served_by=_ALL,
    values={"generation": ("0", "1", "2")},
    collector=_GC,
)
GC_UNCOLLECTABLE = Metric(
    "python_gc_objects_uncollectable_total",
    "Uncollectable objects found during GC",
    ("generation",),
    cardinality=3,
    unit="{object}",
    served_by=_ALL,
    values={"generation": ("0", "1", "2")},
    collector=_GC,
)
PYTHON_INFO = Metric(
    "python_info",
    "Python platform information",
    ("version", "implementation", "major", "minor", "patchlevel"),
    unit="1",
    served_by=_ALL,
    collector="prometheus_client's PlatformCollector",
)
