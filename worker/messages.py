"""The texts of the mails."""

import uuid
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr, formatdate
from typing import Any

DOMAIN = "stormglass.local"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without sender and recipient. `kind` is what the ledger calls it."""

    kind: str
    subject: str
    text: str


def confirmation(order_id: str, items: list[dict[str, Any]], total_cents: int) -> Letter:
    """The order is confirmed, with what was bought."""
    lines = "\n".join(
        f"  {item['quantity']:>3} × {item['name']} ({item['sku']})   {_euros(item['unit_price_cents'])} each"
        for item in items
    )
    return Letter(
        "order-confirmed",
        f"Your order {order_id} is confirmed",
        f"Thank you for your order {order_id}.\n\n{lines}\n\n  Total: {_euros(total_cents)}\n",
    )


def cancellation(order_id: str, why: str) -> Letter:
    """The order is cancelled, and why."""
    return Letter(
        "order-cancelled",
        f"Your order {order_id} is cancelled",
        f"Your order {order_id} is cancelled: {why}.\n\nYou will not be charged.\n",
    )


def message_id(event_id: uuid.UUID) -> str:
    """The Message-ID of an event's mail: the same at every attempt."""
    return f"<{event_id}@{DOMAIN}>"


def envelope(letter: Letter, *, event_id: uuid.UUID, sender: str, name: str, email: str) -> EmailMessage:
    """The whole message."""
    message = EmailMessage()
    message["From"] = sender
    # a line break in a name would end the header, and the mail would never leave
    message["To"] = formataddr((" ".join(name.split()), email))
    message["Subject"] = letter.subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = message_id(event_id)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d} €"
