"""OTLP attributes as plain Python values."""

from collections.abc import Iterable
from typing import TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Value: TypeAlias = "str | bool | int | float | list[Value] | dict[str, Value] | None"
"""What an attribute holds; bytes become hexadecimal text, so that every value can be written as JSON."""


def plain(value: AnyValue) -> Value:
    """One attribute value."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return [plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return plain_attributes(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value.hex()
        case _:
            scalar: str | bool | int | float = getattr(value, kind)
            return scalar


def plain_attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    """Attributes by key; of a key that occurs twice the last value holds."""
    return {pair.key: plain(pair.value) for pair in pairs}
