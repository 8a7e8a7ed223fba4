import uuid
from email import message_from_bytes, policy

import pytest

from worker.messages import cancellation, confirmation, envelope, message_id
from worker.tasks import KINDS, TASKS

EVENT = uuid.UUID("0af76519-16cd-43dd-8448-eb211c80319c")


def test_one_event_has_one_message_id() -> None:
    assert message_id(EVENT) == f"<{EVENT}@stormglass.local>"
    letters = [cancellation("o", "because"), confirmation("o", [], 0)]
    sent = [envelope(letter, event_id=EVENT, sender="s@x.org", name="A", email="a@x.org") for letter in letters]
    assert {message["Message-ID"] for message in sent} == {message_id(EVENT)}


@pytest.mark.parametrize("name", ['Ada "x" <evil@x.org>, Bob', "Ada\r\nBcc: evil@x.org", "Ada\nLovelace", ""])
def test_a_name_adds_neither_headers_nor_recipients(name: str) -> None:
    message = envelope(cancellation("o", "w"), event_id=EVENT, sender="s@x.org", name=name, email="ada@x.org")
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert [address.addr_spec for address in read["To"].addresses] == ["ada@x.org"]
    assert read["Bcc"] is None


def test_a_confirmation_says_what_was_bought() -> None:
    item = {"product_id": "p", "sku": "SKU-1", "name": "Barometer", "quantity": 3, "unit_price_cents": 1205}
    letter = confirmation("order-1", [item], 3615)
    assert "order-1" in letter.subject
    for part in ("3 × Barometer (SKU-1)", "12.05 €", "36.15 €"):
        assert part in letter.text


def test_every_kind_has_its_task_by_the_rule() -> None:
    assert {kind: kind.replace(".", "_") for kind in KINDS} == KINDS
    assert set(KINDS.values()) == {task.name for task in TASKS}
