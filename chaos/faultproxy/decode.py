"""Request bodies as Go's `encoding/json` reads them, with its error texts.

The first JSON value counts and whatever follows is ignored; keys match in any case, the last of a repeated key wins;
null leaves a field alone; an unknown key is ignored; numbers are never coerced.
"""

import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from chaos.faultproxy.syntax import WHITESPACE, syntax_text

_INTEGER: Final = re.compile(r"-?\d+")


class DecodeError(ValueError):
    """A body that cannot be decoded; the text is what Go would say."""


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Object:
    """The members of a JSON object in the order they were written."""

    members: list[tuple[str, Any]]


def first_value(body: bytes) -> Any:
    """The first JSON value in `body`, as None, bool, str, `Number`, list or `Object`."""
    text = body.decode("utf-8", "replace").lstrip(WHITESPACE)
    if not text:
        raise DecodeError("EOF")
    value: Any
    try:
        value, _end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        raise DecodeError(syntax_text(text, error)) from None
    except RecursionError:
        raise DecodeError("exceeded max depth") from None
    return value


def fields(value: Any, kinds: Mapping[str, str], *, of: str, where: str) -> dict[str, Any]:
    """The members of an object that `kinds` (field name → Go type) knows, converted.

    `of` is the Go type and `where` the path that Go names in its errors. A value of null is an empty object.
    """
    if value is None:
        return {}
    if not isinstance(value, Object):
        raise wrong_value(value, of)
    found: dict[str, Any] = {}
    for key, member in value.members:
        name = key.lower()
        if member is None or name not in kinds:
            continue
        convert: Callable[[Any], Any] = _CONVERT.get(kinds[name], _object)
        try:
            found[name] = convert(member)
        except _Mismatch as mismatch:
            raise DecodeError(
                f"json: cannot unmarshal {mismatch} into Go struct field {where}.{name} of type {kinds[name]}"
            ) from None
    return found


def elements(value: Any, *, of: str) -> list[Any]:
    """The elements of an array of Go type `of`; null is an empty one."""
    if value is not None and not isinstance(value, list):
        raise wrong_value(value, of)
    return value or []


def wrong_value(value: Any, of: str) -> DecodeError:
    """A whole value of another type than `of`."""
    return DecodeError(f"json: cannot unmarshal {_kind(value)} into Go value of type {of}")


class _Mismatch(ValueError):
    """A value of another type than the field's."""


def _kind(value: Any) -> str:
    names: list[tuple[type, str]] = [
        (bool, "bool"), (str, "string"), (Number, "number"), (Object, "object"), (list, "array"),
    ]  # fmt: skip
    return next(name for type_, name in names if isinstance(value, type_))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Mismatch(_kind(value))
    # Half a surrogate pair is no character: Go replaces it.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Mismatch(_kind(value))
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, Number):
        raise _Mismatch(_kind(value))
    if not _INTEGER.fullmatch(value.text) or not -(2**63) <= int(value.text) < 2**63:
        raise _Mismatch(f"number {value.text}")
    return int(value.text)


def _float32(value: Any) -> float:
    """The number nearest to the 32-bit float, written as short as it can be: 0.2 stays 0.2."""
    if not isinstance(value, Number):
        raise _Mismatch(_kind(value))
    try:
        narrow = struct.unpack("f", struct.pack("f", float(value.text)))[0]
    except OverflowError:
        raise _Mismatch(f"number {value.text}") from None
    if math.isinf(narrow):
        raise _Mismatch(f"number {value.text}")
    candidates = (float(f"{narrow:.{digits}g}") for digits in range(1, 10))
    return next((short for short in candidates if struct.pack("f", short) == struct.pack("f", narrow)), narrow)


def _object(value: Any) -> Object:
    if not isinstance(value, Object):
        raise _Mismatch(_kind(value))
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Mismatch(_kind(value))
    return value


_CONVERT: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "string": _text,
        "bool": _flag,
        "int": _integer,
        "int64": _integer,
        "float32": _float32,
        "toxiproxy.Toxics": _list,
    }
)


def _refuse_constant(name: str) -> None:
    raise json.JSONDecodeError("Expecting value", name, 0)


_DECODER: Final[json.JSONDecoder] = json.JSONDecoder(
    object_pairs_hook=Object, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
)
