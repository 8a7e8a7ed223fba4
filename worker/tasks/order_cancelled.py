"""A customer cancelled an order: the stock first, since others wait for it; then the mail, which stays sent."""

from worker.fulfilment import Fulfilment
from worker.messages import cancellation
from worker.task import Event, Tools, task


@task
async def order_cancelled(tools: Tools, event: Event) -> None:
    """Return the stock of a cancelled order and say so."""
    order = event.payload
    await Fulfilment(tools.services, order["order_id"]).give_back(order["reservation_id"])
    await tools.mail.send(event.id, order["user_id"], cancellation(order["order_id"], "you asked for it"))
