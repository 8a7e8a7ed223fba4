"""What happens after the acknowledgement."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_JOBS = '{ resource.service.name = "worker" && kind = consumer }'

_NONE = 'sum by ({0}) (rate({1}[1m])) or label_replace(vector(0), "{0}", "none", "", "")'
"""A rate by label that is there as 0 where nothing has happened yet."""

_WAITING = Row(
    "What waits",
    (
        Panel(
            "How much waits?",
            "Events that the queue has not accepted yet, and jobs that are not done yet, running ones included.",
            Unit.COUNT,
            (
                Query("max(outbox_waiting_rows)", "events in the outbox"),
                Query("max(queue_depth_jobs)", "jobs in the queue"),
            ),
            logs="worker",
        ),
        Panel(
            "How old is the oldest?",
            "The oldest event that the queue has not accepted, and how long the oldest job has been due.",
            Unit.SECONDS,
            (
                Query("max(outbox_oldest_age_seconds)", "event in the outbox"),
                Query("max(queue_oldest_age_seconds)", "job in the queue"),
            ),
            threshold=Threshold(15),
            logs="worker",
        ),
        Panel(
            "How long do jobs wait?",
            "95 % of the jobs began sooner after they were enqueued, by task.",
            Unit.SECONDS,
            quantiles("queue_wait_seconds", "", "task", shares=(0.95,)),
            traces=_JOBS,
        ),
    ),
)

_RUNNING = Row(
    "What is done",
    (
        Panel(
            "How long do jobs run?",
            "95 % of the jobs are quicker, by task; a dot is one job.",
            Unit.SECONDS,
            quantiles("job_duration_seconds", "", "task", shares=(0.95,)),
            traces=_JOBS,
            logs="worker",
        ),
        Panel(
            "Jobs by what became of them",
            "Jobs a second: done, to be tried again, or given up.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(job_duration_seconds_count[30s]))", "{{outcome}}"),),
            Shape.STACK,
            traces=_JOBS,
            logs="worker",
        ),
        Panel(
            "Jobs that were given up",
            "Dead letters in five minutes; each can be replayed.",
            Unit.COUNT,
            (Query("sum by (task) (increase(dead_letters_total[5m]))", "{{task}}"),),
            moves_under="worker poison-job made=14",
            threshold=Threshold(1),
            logs="worker",
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
            traces='{ resource.service.name = "orders" && kind = server }',
            logs="orders|worker",
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
            logs="products",
        ),
        Panel(
            "Time until an order is settled",
            "From the acknowledgement to confirmed or cancelled; promised are 10 s.",
            Unit.SECONDS,
            quantiles("order_settlement_seconds"),
            threshold=Threshold(10),
            traces=_JOBS,
            leads_to="slo",
        ),
        Panel(
            "Mails by what became of them",
            "Mails a second; `found`: the server had it already when nobody was sure.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(mail_total[30s]))", "{{outcome}}"),),
            Shape.STACK,
            logs="worker|mail",
        ),
        Panel(
            "Mails the server saw twice",
            "Copies a second that reached the mail server; `repeated` is nobody's wish.",
            Unit.OPERATIONS,
            (Query("sum by (copy) (rate(mailsink_messages_total[30s]))", "{{copy}}"),),
            needs="mail",
        ),
    ),
)

_TROUBLE = Row(
    "What it is worth, and what had to be repeated",
    (
        Panel(
            "What orders are worth",
            "Euros a minute, by what became of the orders.",
            Unit.MONEY,
            (Query("sum by (outcome) (rate(order_value_cents_total[1m])) * 60 / 100", "{{outcome}}"),),
        ),
        Panel(
            "Attempts that did not finish their job",
            "A second, by reason; each is tried again after a pause.",
            Unit.OPERATIONS,
            (Query(_NONE.format("reason", "job_retries_total"), "{{reason}}"),),
            traces=_JOBS,
            logs="worker",
        ),
        Panel(
            "Rounds of relay and sweeper that failed",
            "A second, by cause; the next round does what this one did not.",
            Unit.OPERATIONS,
            (
                Query(_NONE.format("cause", "outbox_relay_errors_total"), "relay: {{cause}}"),
                Query(_NONE.format("cause", "reservations_sweeper_errors_total"), "sweeper: {{cause}}"),
            ),
            logs="worker|products",
        ),
    ),
)

PAGE = Dashboard(
    "queue-and-worker",
    "Queue & worker",
    "Orders that were acknowledged: where they wait, and what becomes of them.",
    (_WAITING, _RUNNING, _OUTCOME, _TROUBLE),
)
