"""One module per kind of event. A task is a list of effects, each of which may be repeated; nothing else is promised.

`TASKS` is what the consumer runs, `KINDS` what the relay hands over.
"""

from worker.tasks.order_cancelled import order_cancelled
from worker.tasks.order_placed import order_placed

TASKS = (order_placed, order_cancelled)

KINDS = {"order.placed": order_placed.name, "order.cancelled": order_cancelled.name}
"""Kind of event → name of its task."""
