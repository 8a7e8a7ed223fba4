"""What happens after the acknowledgement."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_WAITING = Row(
    "What waits",
    (
        Panel(
            "Events in the outbox",
            "Rows that the queue has not accepted yet.",
            Unit.COUNT,
            (Query("max(outbox_waiting_rows)", "rows"),),
        ),
        Panel(
            "Jobs in the queue",
            "Jobs that no worker has begun.",
            Unit.COUNT,
            (Query("max(queue_depth_jobs)", "jobs"),),
        ),
        Panel(
            "How long do jobs wait?",
            "Time from enqueueing to the start, by task.",
            Unit.SECONDS,
            quantiles("queue_wait_seconds", "", "task", shares=(0.95,)),
        ),
    ),
)

_RUNNING = Row(
    "What is done",
    (
        Panel(
            "How long do jobs run?",
            "Durations that 95 % of the jobs stay below, by task.",
            Unit.SECONDS,
            quantiles("job_duration_seconds", "", "task", shares=(0.95,)),
        ),
        Panel(
            "Jobs by task and outcome",
            "Jobs a second: done, to be tried again, or given up.",
            Unit.OPERATIONS,
            (Query("sum by (task, outcome) (rate(job_duration_seconds_count[30s]))", "{{task}} {{outcome}}"),),
            Shape.STACK,
        ),
        Panel(
            "Jobs that were given up",
            "Dead letters in five minutes; each can be replayed.",
            Unit.COUNT,
            (Query("sum by (task) (increase(dead_letters_total[5m]))", "{{task}}"),),
            moves_under="worker poison-job",
            threshold=Threshold(1),
        ),
    ),
)

_OUTCOME = Row(
    "What becomes of orders",
    (
        Panel(
            "Orders by what became of them",
            "Orders a second.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(orders_total[30s]))", "{{outcome}}"),),
        ),
        Panel(
            "Events handed to the queue",
            "Events a second; `overdue` ones were handed over again because nobody finished them.",
            Unit.OPERATIONS,
            (Query("sum by (reason) (rate(outbox_delivered_total[30s]))", "{{reason}}"),),
        ),
        Panel(
            "Reservations by what became of them",
            "Reservations a second.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(reservations_total[30s]))", "{{outcome}}"),),
        ),
    ),
)

PAGE = Dashboard(
    "queue-and-worker",
    "Queue & worker",
    "Orders that were acknowledged: where they wait, and what becomes of them.",
    (_WAITING, _RUNNING, _OUTCOME),
)
