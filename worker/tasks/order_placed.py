"""An order was placed: sell the stock, confirm the order, tell the customer.

The order of effects, and why a crash after any of them is safe (the job simply runs again from the top):
    1. confirm the reservation    repeated, it is a no-op; if it expired it is made anew under the same order id
    2. mark the order confirmed   repeated, it is a no-op; only an order whose stock is sold is ever confirmed
    3. send the mail              last, because it is the one effect that cannot be taken back: all it says is true by
                                  then. The ledger keeps a repetition from sending it twice
    4. mark the event done        by the task decorator; until then the relay hands the event over again
Marking the order after the mail would let a customer read "confirmed" in a mail about an order that a cancellation,
arriving in between, turns into a cancelled one.
"""

from worker.fulfilment import Fulfilment
from worker.messages import cancellation, confirmation
from worker.task import Event, Tools, task


@task
async def order_placed(tools: Tools, event: Event) -> None:
    """Fulfil an order, or cancel it with a mail that says so if its stock is gone."""
    order = event.payload
    fulfilment = Fulfilment(tools.services, order["order_id"])
    reservation_id = await fulfilment.secure(order["reservation_id"], order["items"])
    if reservation_id is None:
        if await fulfilment.reject_order():
            letter = cancellation(order["order_id"], "what you ordered is no longer in stock")
            await tools.mail.send(event.id, order["user_id"], letter)
        return
    if not await fulfilment.confirm_order(reservation_id):
        # the customer was quicker; the event of the cancellation brings the mail
        await fulfilment.give_back(reservation_id)
        return
    letter = confirmation(order["order_id"], order["items"], order["total_cents"])
    await tools.mail.send(event.id, order["user_id"], letter)
