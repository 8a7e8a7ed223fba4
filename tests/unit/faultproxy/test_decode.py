import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.faultproxy.decode import DecodeError, fields, first_value
from chaos.faultproxy.wire import encode

KINDS = {"text": "string", "flag": "bool", "whole": "int64", "part": "float32"}


def read(body: bytes) -> str:
    """How reading went: `read`, or why not. Anything but a DecodeError fails the test."""
    try:
        first_value(body)
    except DecodeError as error:
        return str(error)
    return "read"


@given(
    text=st.text(),
    flag=st.booleans(),
    whole=st.integers(-(2**63), 2**63 - 1),
    part=st.floats(width=32, allow_nan=False),
)
def test_what_is_written_is_read(text: str, flag: bool, whole: int, part: float) -> None:
    if math.isinf(part):
        return
    body = json.dumps({"TEXT": text, "flag": flag, "Whole": whole, "part": part, "other": None})
    read = fields(first_value(body.encode()), KINDS, of="T", where="T")
    assert (read["flag"], read["whole"]) == (flag, whole)
    assert read["text"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert struct.pack("f", read["part"]) == struct.pack("f", part)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert read(body)


@given(st.text(alphabet='{}[]:,"\\ntfu10-. abclsre\n', max_size=25))
def test_anything_like_json_is_read_or_refused(body: str) -> None:
    assert read(body.encode())


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(DecodeError):
        first_value(b"[" * 200_000)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_encoding_is_json_that_no_browser_mistakes_for_html(value: object) -> None:
    text = encode(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")
