"""Traces and metrics of jobs in ARQ: one trace from whoever enqueues a job to what the job does.

`enqueue` and `traced` are the two ends; a worker polls under `quiet`, so that idling makes no traces. `enqueuing` and
`processing` are the spans by themselves, for a project that carries the trace in arguments of its own.
"""

from .consumer import Processing, processing
from .instruments import Instruments
from .producer import enqueue, enqueuing
from .quiet import quiet, quiet_startup, run_worker_quietly
from .spans import record_error
from .tasks import traced

__all__ = [
    "Instruments",
    "Processing",
    "enqueue",
    "enqueuing",
    "processing",
    "quiet",
    "quiet_startup",
    "record_error",
    "run_worker_quietly",
    "traced",
]
