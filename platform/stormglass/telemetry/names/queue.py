"""The queue and its jobs: how many there are, how long they wait, how they end."""

from stormglass.telemetry.names.buckets import JOB_BUCKETS
from stormglass.telemetry.names.metric import Metric

_TASK = {"task": ("order_placed", "order_cancelled")}

QUEUE_DEPTH = Metric(
    "queue_depth_jobs",
    "Jobs in the queue: those that wait, those that run, and those that pause before they are tried again",
    unit="{job}",
    served_by=("worker",),
)
QUEUE_OLDEST = Metric(
    "queue_oldest_age_seconds",
    "For how long the oldest job in the queue has been due, whether it waits or runs",
    why="a job that pauses before it is tried again is due at the end of its pause",
    unit="s",
    served_by=("worker",),
)
QUEUE_WAIT = Metric(
    "queue_wait_seconds",
    "Time from enqueueing a job to its start",
    ("task",),
    cardinality=2,
    buckets=JOB_BUCKETS,
    why="an idle queue picks up within 10–50 ms; a retry may wait minutes",
    unit="s",
    served_by=("worker",),
    values=_TASK,
)
JOB_DURATION = Metric(
    "job_duration_seconds",
    "Time a job ran",
    ("task", "outcome"),
    cardinality=6,
    buckets=JOB_BUCKETS,
    unit="s",
    served_by=("worker",),
    values={**_TASK, "outcome": ("done", "retry", "dead")},
)
JOB_RETRIES = Metric(
    "job_retries_total",
    "Attempts at a job that did not finish it, so that it is tried again",
    ("task", "reason"),
    cardinality=6,
    why="reason: failed, timeout (it had its time), interrupted (its worker was told to stop)",
    unit="{attempt}",
    served_by=("worker",),
    values={**_TASK, "reason": ("failed", "timeout", "interrupted")},
    zeros=True,
)
DEAD_LETTERS_WAITING = Metric(
    "dead_letters_waiting",
    "Jobs that were given up and neither replayed nor removed yet",
    ("task",),
    cardinality=2,
    why="every worker measures all of them",
    unit="{job}",
    served_by=("worker",),
    values=_TASK,
    zeros=True,
)
DEAD_LETTERS = Metric(
    "dead_letters_total",
    "Jobs given up after their last attempt",
    ("task",),
    cardinality=2,
    unit="{job}",
    served_by=("worker",),
    values=_TASK,
    zeros=True,
)
