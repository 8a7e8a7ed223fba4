import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.products import cursor
from services.products.cursor import Cursor
from stormglass.service import Problem

names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=120)


@given(names, st.uuids())
def test_a_cursor_survives_the_url(name: str, product_id: uuid.UUID) -> None:
    text = cursor.write(Cursor(name, product_id))
    assert len(text) <= cursor.MAX_LENGTH
    assert text.isascii()
    assert cursor.read(text) == Cursor(name, product_id)


@given(st.text(max_size=60))
def test_anything_else_is_refused_as_a_bad_request(text: str) -> None:
    with pytest.raises(Problem) as caught:
        cursor.read(text)
    assert (caught.value.status, caught.value.kind) == (400, "invalid-cursor")


def test_a_name_that_postgres_cannot_hold_is_refused() -> None:
    with pytest.raises(Problem):
        cursor.read(cursor.write(Cursor("a\x00", uuid.uuid4())))
